"""Somebody between clients and a router who tampers with what they say: the rig must find each of these out.

It reads every message of MessagePack-RPC, shows it to a Tamper, and passes on what that makes of it.
"""
import asyncio

import msgpack


class Tamper:
    """One defect. `struck` counts how often it was done."""

    MOST = 1

    def __init__(self):
        self.struck = 0
        self.asked = {}  # (connection, msgid) to (method, params)
        self.seen = {}   # what has been told

    def request(self, connection, message):
        """What goes to the router instead."""
        self.asked[connection.number, message[1]] = message[2], message[3][0]
        return [message]

    def answer(self, connection, message):
        method, params = self.asked.pop((connection.number, message[1]), (None, {}))
        if message[2] is None and isinstance(message[3], dict) and "epoch" in message[3]:
            self.seen["epoch"], self.seen["seq"] = message[3]["epoch"], message[3]["seq"]
        return self.answered(connection, message, method, params)

    def answered(self, connection, message, method, params):
        """What goes to the client instead."""
        return [message]

    def notice(self, connection, message):
        return [message]

    def may_strike(self):
        if self.struck >= self.MOST:
            return False
        self.struck += 1
        return True


class SwallowedSubmission(Tamper):
    """Answered with success, and never passed on; nor is it when it is sent again."""

    def __init__(self):
        super().__init__()
        self.contact = None

    def swallows(self, message):
        if message[2] != "contact.submit" or "expires_ms" in message[3][0] or not self.seen:
            return False
        return message[3][0]["id"] == self.contact or self.may_strike()

    def request(self, connection, message):
        if not self.swallows(message):
            return super().request(connection, message)
        again, self.contact = self.contact is not None, message[3][0]["id"]
        connection.to_client([1, message[1], None, {"contact": self.contact, "state": "waiting", "duplicate": again, **self.seen}])
        return []


class ForgottenId(Tamper):
    """What was submitted before is new again."""

    def answered(self, connection, message, method, params):
        if method == "contact.submit" and message[2] is None and message[3]["duplicate"] and self.may_strike():
            message[3]["duplicate"] = False
        return [message]


class OldEpoch(Tamper):
    """After a restart an answer carries the epoch before it."""

    def answered(self, connection, message, method, params):
        if method == "contact.submit" and message[2] is None:
            first = self.seen.setdefault("first", message[3]["epoch"])
            if message[3]["epoch"] > first and self.may_strike():
                message[3]["epoch"] = first
        return [message]


class TwoAgents(Tamper):
    """An offer goes to another agent as well."""

    def __init__(self):
        super().__init__()
        self.agents = {}

    def answered(self, connection, message, method, params):
        if method == "agent.sign_in" and message[2] is None:
            self.agents[params["agent"]] = connection
        return [message]

    def notice(self, connection, message):
        others = [other for other in self.agents.values() if other is not connection and not other.closed]
        if message[1] == "offer" and others and self.may_strike():
            others[0].to_client(message)
        return [message]


class Phantom(Tamper):
    """A contact is completed of which nobody has heard."""

    def notice(self, connection, message):
        if message[1] == "contact.changed" and self.may_strike():
            connection.to_client([2, "contact.changed", [dict(message[2][0], contact="phantom", state="completed")]])
        return [message]


class Hidden(Tamper):
    """One contact is not there for those who look at the end."""

    def answered(self, connection, message, method, params):
        if method == "contact.submit" and message[2] is None and not message[3]["duplicate"] and self.may_strike():
            self.seen["hidden"] = message[3]["contact"]
        hidden = self.seen.get("hidden")
        if hidden and message[2] is None and method in ("contact.list", "contact.mine"):
            message[3]["contacts"] = [row for row in message[3]["contacts"] if row["contact"] != hidden]
        if hidden and method == "contact.get" and params["contact"] == hidden:
            message[2:] = [{"code": "not_found", "field": "contact"}, None]
        return [message]


class LostTail(Tamper):
    """An answer has a seq from before."""

    def answered(self, connection, message, method, params):
        if method == "contact.submit" and message[2] is None and message[3]["seq"] > 100 and self.may_strike():
            message[3]["seq"] -= 90
        return [message]


class NotHeld(Tamper):
    """An agent that comes back is not told of its assignments."""

    MOST = 4

    def answered(self, connection, message, method, params):
        if method == "agent.sign_in" and message[2] is None:
            kept = [row for row in message[3]["held"] if row["state"] != "active"]
            if len(kept) < len(message[3]["held"]) and self.may_strike():
                message[3]["held"] = kept
        return [message]


class NotMine(Tamper):
    """A connector that comes back is not told of its contacts."""

    MOST = 20

    def answered(self, connection, message, method, params):
        if method == "contact.mine" and message[2] is None and message[3]["contacts"] and self.may_strike():
            message[3]["contacts"] = []
        return [message]


class CancelledAnyway(Tamper):
    """A cancellation that came too late is a success."""

    def answered(self, connection, message, method, params):
        if method == "contact.cancel" and message[2] is not None and message[2]["code"] == "conflict" and self.may_strike():
            message[2:] = [None, {"contact": params["contact"], "state": "cancelled", "epoch": self.seen["epoch"], "seq": self.seen["seq"]}]
        return [message]


class AcceptedAnyway(Tamper):
    """An acceptance that came too late is a success."""

    MOST = 3

    def answered(self, connection, message, method, params):
        if method == "offer.accept" and message[2] is not None and message[2]["code"] == "gone" and self.may_strike():
            message[2:] = [None, {"state": "active", "epoch": self.seen["epoch"], "seq": self.seen["seq"]}]
        return [message]


class OtherWords(Tamper):
    """An offer has the words of another contact."""

    def notice(self, connection, message):
        if message[1] == "offer" and self.may_strike():
            message[2][0]["text"] = "of somebody else"
        return [message]


class Uncounted(Tamper):
    """The statistics leave one out."""

    def answered(self, connection, message, method, params):
        if method == "stats" and message[2] is None and self.may_strike():
            message[3]["rows"][0]["completed"] -= 1
        return [message]


# By name: the invariants of which one must be found broken.
TAMPERS = {
    "swallowed_submission": ({"I1"}, SwallowedSubmission),
    "forgotten_id": ({"I12"}, ForgottenId),
    "old_epoch": ({"I9"}, OldEpoch),
    "two_agents": ({"I4"}, TwoAgents),
    "phantom": ({"I2"}, Phantom),
    "hidden": ({"I1"}, Hidden),
    "lost_tail": ({"I10", "I18"}, LostTail),
    "not_held": ({"I17"}, NotHeld),
    "not_mine": ({"I17"}, NotMine),
    "cancelled_anyway": ({"I13", "I15"}, CancelledAnyway),
    "accepted_anyway": ({"I13", "I14", "I15", "I4"}, AcceptedAnyway),
    "other_words": ({"I2"}, OtherWords),
    "uncounted": ({"I21"}, Uncounted),
}


class Connection:
    def __init__(self, middle, number, reader, writer):
        self.middle, self.number, self.reader, self.writer, self.closed = middle, number, reader, writer, False

    def to_client(self, message):
        self.writer.write(msgpack.packb(message))

    async def serve(self):
        server = None
        try:
            reader, server = await asyncio.open_connection("127.0.0.1", self.middle.port)
            both = [asyncio.ensure_future(self.pass_on(self.reader, server, self.up)),
                    asyncio.ensure_future(self.pass_on(reader, self.writer, self.down))]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        except OSError:
            pass  # nobody behind: the client finds the connection closed
        finally:
            self.closed = True
            self.writer.close()
            if server is not None:
                server.close()

    async def pass_on(self, reader, writer, tampered):
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
        while data := await reader.read(1 << 16):
            unpacker.feed(data)
            for message in unpacker:
                for other in tampered(message):
                    writer.write(msgpack.packb(other))

    def up(self, message):
        return self.middle.tamper.request(self, message)

    def down(self, message):
        return (self.middle.tamper.answer if message[0] == 1 else self.middle.tamper.notice)(self, message)


class Middle:
    def __init__(self, port, tamper):
        self.port, self.tamper, self.count, self.server = port, tamper, 0, None

    async def open(self):
        """The address to give to clients."""
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        return f"tcp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def accept(self, reader, writer):
        self.count += 1
        await Connection(self, self.count, reader, writer).serve()

    async def close(self):
        self.server.close()
        await self.server.wait_closed()

#!/usr/bin/python3
"""A client that is not ours, python3-msgpack, against the real server: every method and every error of the protocol."""
import re
import time

import msgpack

from center import MINIMAL, ROOT, CenterTest, Client, Refused, Server, agent, main, pages, until

# Errors that a server with this configuration cannot be brought to, and where they are shown instead.
ELSEWHERE = {
    "rate_limited": "limits.py",
    "unavailable": "disk_full.py",
    "draining": "drain.py",
    "closed": "queues have no hours in this version",
    "not_owner": "there is one node in this version",
    "internal": "a defect, if there is one",
}


def rows(table, name):
    """The second column of the rows X(SYMBOL, "word", ...) of one list of a header."""
    text = (ROOT / "proto" / table).read_text()
    body = text.split(f"#define {name}(X)")[1].split("\n\n")[0]
    return set(re.findall(r'X\(\w+,\s*"([^"]+)"', body))


def workspace_document():
    """What config.apply takes: the workspace of the file, on its own."""
    lines = MINIMAL.read_text().split("  default: &workspace\n")[1].split("  other:")[0].splitlines()
    return "\n".join(line[4:] for line in lines) + "\n"


class Counting(Client):
    """Remembers which methods were answered with success, and which errors came."""
    methods, codes = set(), set()

    def wait(self, number, what="", seconds=None):
        try:
            result = super().wait(number, what, seconds)
        except Refused as refused:
            Counting.codes.add(refused.code)
            raise
        return result

    def call(self, method, **params):
        result = super().call(method, **params)
        Counting.methods.add(method)
        return result


class ByteByByte(CenterTest):
    def test_a_contact_from_submission_to_completion(self):
        server = self.start()
        connector = Client(server, "connector", name="shop", trickle=True)
        self.assertEqual(connector.hello["protocol"], 1)
        self.assertEqual(connector.hello["workspace"], "default")
        self.assertEqual(connector.hello["heartbeat_ms"], 1000)
        self.assertEqual(connector.hello["limits"]["frame"], 1048576)
        with Client(server, "admin", trickle=True) as admin:
            admin.call("agent.put", agent="ana", skills={"refund": 4})
        ana = Client(server, "agent", trickle=True)
        signed_in = ana.call("agent.sign_in", agent="ana", state="available")
        self.assertEqual((signed_in["agent"], signed_in["state"], signed_in["held"]), ("ana", "available", []))
        answer = connector.call("contact.submit", id="k1", channel="chat", subject="包裹", text="我的包裹到哪里了？",
                                customer={"id": "c1", "tier": "gold"}, attributes={"order": "A-17", "value": 39},
                                payload=b"\x00\xff")
        self.assertEqual(answer["contact"], "k1")
        self.assertEqual((answer["queue"], answer["tier"]), ("general", "gold"))
        self.assertAlmostEqual(answer["deadline_at"], time.time() * 1000 + 60000, delta=20000)
        offer = ana.notice("offer", contact="k1")
        self.assertEqual(offer["text"], "我的包裹到哪里了？")
        self.assertEqual(offer["payload"], b"\x00\xff")
        self.assertEqual(offer["attributes"], {"order": "A-17", "value": 39})
        self.assertEqual(offer["customer"]["id"], "c1")
        accepted = ana.call("offer.accept", offer=offer["offer"])
        self.assertEqual((accepted["contact"], accepted["state"]), ("k1", "active"))
        self.assertEqual(connector.notice("contact.changed", contact="k1", state="active")["agent"], "ana")
        completed = ana.call("contact.complete", contact="k1", disposition="answered", wrap_up_ms=0)
        self.assertEqual(completed["state"], "completed")
        connector.notice("contact.changed", contact="k1", state="completed")
        connector.call("goodbye")
        connector.wait_closed()

    def test_many_requests_in_one_write_are_all_answered(self):
        with Client(self.start(), "connector", name="bulk") as bulk:
            numbers = range(1000, 1500)
            bulk.send_bytes(b"".join(
                msgpack.packb([0, n, "contact.submit", [{"id": f"b{n}", "channel": "email"}]]) for n in numbers))
            for n in numbers:
                self.assertEqual(bulk.wait(n)["contact"], f"b{n}")
            self.assertEqual(len(pages(bulk, "contact.mine", "contacts", limit=97)), 500)

    def test_unix_socket(self):
        server = self.start()
        with Client(server, "connector", address=server.unix) as connector:
            self.assertEqual(connector.call("contact.submit", channel="chat")["state"], "waiting")


class EveryMethod(CenterTest):
    """One day of a small centre, in which each method is of use at least once."""

    def setUp(self):
        self.server = self.start()

    def accept(self, client, contact):
        offer = client.notice("offer", contact=contact)
        self.assertEqual(client.call("offer.accept", offer=offer["offer"])["state"], "active")
        return offer

    def test_a_day(self):
        shop = Counting(self.server, "connector", name="shop")
        desk = Counting(self.server, "supervisor")
        admin = Counting(self.server, "admin")

        # Morning: the admin makes agents; somebody signs in.
        put = admin.call("agent.put", agent="ana", name="Ana", skills={"refund": 4}, capacity={"units": 100, "max": {"chat": 1}})
        self.assertEqual(put["agent"], "ana")
        admin.call("agent.put", agent="bo", queues=["second"])
        ana = Counting(self.server, "agent")
        self.assertEqual(ana.call("agent.sign_in", agent="ana", state="available")["queues"].__class__, list)
        self.assertAlmostEqual(shop.call("ping")["now_at"], time.time() * 1000, delta=10000)

        # Accept, complete with wrap-up, wrapped up, rated.
        shop.call("contact.submit", id="m1", channel="chat", queue="general")
        self.accept(ana, "m1")
        self.assertEqual(ana.call("contact.complete", contact="m1", wrap_up_ms=60000)["state"], "wrapping")
        self.assertEqual(shop.call("contact.rate", contact="m1", score=5, comment="quick")["state"], "wrapping")
        self.assertEqual(ana.call("contact.wrapped_up", contact="m1")["state"], "completed")

        # A decline keeps the place; the desk puts the agent away and moves the contact, and then the customer takes it back.
        shop.call("contact.submit", id="m2", channel="email", text="first")
        offer = ana.notice("offer", contact="m2")
        ana.call("offer.decline", offer=offer["offer"], reason="lunch")
        until(lambda: shop.call("contact.get", contact="m2")["state"] == "waiting", "m2 to wait again")
        self.assertEqual(desk.call("agent.set_state", agent="ana", state="away", reason="training")["state"], "away")
        self.assertEqual(desk.call("contact.move", contact="m2", queue="second")["state"], "waiting")
        self.assertEqual(shop.call("contact.get", contact="m2")["queue"], "second")
        updated = shop.call("contact.update", contact="m2", text="second", attributes={"a": 1})
        self.assertEqual((updated["contact"], updated["state"]), ("m2", "waiting"))
        self.assertEqual(shop.call("contact.cancel", contact="m2", reason="found it")["state"], "cancelled")

        # A contact asks for an agent by name, who pulls; then it is handed on.
        bo = Counting(self.server, "agent")
        bo.call("agent.sign_in", agent="bo", mode="pull", state="available")
        shop.call("contact.submit", id="m3", channel="email", queue="second", preferred_agent="bo")
        pulled = bo.call("agent.pull", max=2, wait_ms=5000)["offers"]
        self.assertEqual([o["contact"] for o in pulled], ["m3"])
        bo.call("offer.accept", offer=pulled[0]["offer"])
        self.assertEqual(ana.call("agent.set_state", state="available")["state"], "available")
        moved = bo.call("contact.transfer", contact="m3", queue="general", note="knows the order", wrap_up_ms=0)
        self.assertEqual(moved["contact"], "m3")
        offer = self.accept(ana, "m3")
        self.assertEqual((offer["note"], offer["from"]["agent"]), ("knows the order", "bo"))
        self.assertIn(ana.call("contact.requeue", contact="m3", reason="callback",
                               not_before_at=int(time.time() * 1000) + 3600000)["state"], ("scheduled",))
        self.assertEqual(shop.call("contact.end", contact="m3", reason="customer_left")["state"], "cancelled")

        # An assignment by the desk is an offer like others.
        admin.call("agent.put", agent="cy", queues=["second"])
        cy = Counting(self.server, "agent")
        cy.call("agent.sign_in", agent="cy", state="available", receipts=True)
        ana.call("agent.set_state", state="away")
        shop.call("contact.submit", id="m4", channel="email", queue="general")
        self.assertEqual(desk.call("contact.assign", contact="m4", agent="cy")["contact"], "m4")
        offer = cy.notice("offer", contact="m4")
        cy.call("offer.received", offer=offer["offer"])
        cy.call("offer.accept", offer=offer["offer"])
        self.assertEqual([row["contact"] for row in desk.call("contact.list", agent="cy", state="active")["contacts"]], ["m4"])

        # Figures.
        queues = {row["queue"]: row for row in desk.call("queue.list")["queues"]}
        self.assertEqual(set(queues), {"general", "second", "refunds", "strict", "fifo", "tiny"})
        self.assertEqual(desk.call("queue.get", queue="general")["active"] + queues["second"]["active"], 1)
        self.assertEqual({row["agent"] for row in desk.call("agent.list")["agents"]}, {"ana", "bo", "cy"})
        self.assertEqual(desk.call("agent.get", agent="cy")["held"], {"email": 1})
        stats = desk.call("stats", by="channel")
        self.assertEqual(sum(row["submitted"] for row in stats["rows"]), 4)
        self.assertEqual(sum(row["ratings"] for row in stats["rows"]), 1)
        mine = shop.call("contact.mine", ended_since_at=0)["contacts"]
        self.assertEqual({row["contact"] for row in mine}, {"m1", "m2", "m3", "m4"})

        # Evening.
        cy.call("agent.sign_out")
        until(lambda: shop.call("contact.get", contact="m4")["state"] == "waiting", "m4 to be back in line")
        self.assertEqual(admin.call("config.check", text=workspace_document()).get("problems", []), [])
        self.assertIn("version", admin.call("config.apply", text=workspace_document() + "# again\n"))
        admin.call("agent.remove", agent="cy")
        self.assertEqual(desk.refusal("agent.get", agent="cy")["code"], "not_found")
        self.assertEqual([row["answers"] for row in admin.call("node.list")["nodes"]], [True])
        shop.call("goodbye")
        shop.wait_closed()

        alone = {"node.drain", "node.takeover"}  # for them there must be another node: nodes.py
        never = rows("method_table.h", "METHOD_TABLE") - alone - Counting.methods
        self.assertEqual(never, set(), "methods that no test of the wire has called")

    def test_the_errors(self):
        shop = Counting(self.server, "connector", name="shop")
        other = Counting(self.server, "connector", name="other")
        admin = Counting(self.server, "admin")

        def expect(client, code, method, **params):
            fields = {key[1:]: params.pop(key) for key in list(params) if key.startswith("_")}
            error = client.refusal(method, **params)
            Counting.codes.add(error["code"])
            self.assertEqual(error["code"], code, f"{method} {params}: {error}")
            self.assertTrue(error["message"])
            for key, value in fields.items():
                self.assertEqual(error.get(key), value, f"{method} {params}: {error}")

        # Before hello, and hello itself.
        stranger = Counting(self.server)
        expect(stranger, "unauthorized", "contact.submit", channel="chat")
        for params, field in (({"protocol": 2, "role": "agent", "workspace": "default"}, "protocol"),
                              ({"protocol": 1, "role": "king", "workspace": "default"}, "role"),
                              ({"protocol": 1, "role": "agent", "workspace": "default", "token": "x"}, "token"),
                              ({"protocol": 1, "role": "agent", "workspace": "default", "standby": True}, "standby")):
            expect(Counting(self.server), "invalid", "hello", _field=field, **params)
        expect(Counting(self.server), "unauthorized", "hello", protocol=1, role="agent", workspace="nowhere")
        expect(shop, "conflict", "hello", protocol=1, role="agent", workspace="default")

        # Parameters.
        expect(shop, "unknown_method", "contact.juggle")
        expect(shop, "unknown_method", "watch")
        expect(shop, "invalid", "contact.submit", _field="channel")
        expect(shop, "invalid", "contact.submit", channel="pigeon", _field="channel")
        expect(shop, "invalid", "contact.submit", channel=5, _field="channel")
        expect(shop, "invalid", "contact.submit", channel="chat", boost_ms=1.5, _field="boost_ms")
        expect(shop, "invalid", "contact.submit", channel="chat", boost_ms=1 << 53, _field="boost_ms")
        expect(shop, "invalid", "contact.submit", channel="chat", id="a\x01b", _field="id")
        expect(shop, "not_found", "contact.submit", channel="chat", queue="nowhere", _field="queue")
        expect(shop, "invalid", "contact.submit", channel="chat", skills={"refund": None}, _field="skills")
        expect(shop, "invalid", "contact.submit", channel="chat", skills={"refund": 6}, _field="skills")
        expect(shop, "too_large", "contact.submit", channel="chat", text="x" * 65537, _field="text")
        expect(shop, "too_large", "contact.submit", channel="chat", id="x" * 129, _field="id")
        expect(shop, "too_large", "contact.submit", channel="chat", attributes={str(i): i for i in range(65)}, _field="attributes")
        number = 900
        shop.send_bytes(b"\x94\x00\xcd\x03\x84\xaecontact.submit\x91\x82\xa7channel\xa4chat\xa4text\xa2\xff\xfe")
        try:
            self.fail(shop.wait(number))
        except Refused as refused:
            self.assertEqual((refused.code, refused.error["field"]), ("invalid", "text"))
        self.assertIn("now_at", shop.call("ping"), "the connection is kept")

        # Roles are walls, and come before parameters.
        expect(shop, "forbidden", "agent.sign_in", agent=5)
        expect(shop, "forbidden", "agent.put", agent="x")
        expect(shop, "forbidden", "queue.list")
        expect(admin, "forbidden", "contact.submit")
        ana = Counting(self.server, "agent")
        expect(ana, "not_found", "agent.sign_in", agent="nobody")
        admin.call("agent.put", agent="ana")
        ana.call("agent.sign_in", agent="ana", state="away")
        expect(ana, "forbidden", "contact.cancel", contact="k1")

        # What one may not see is not there.
        shop.call("contact.submit", id="k1", channel="chat")
        expect(other, "not_found", "contact.get", contact="k1")
        expect(other, "conflict", "contact.submit", id="k1", channel="chat")
        expect(ana, "not_found", "contact.get", contact="k1")
        expect(shop, "not_found", "contact.get", contact="k99")
        expect(admin, "not_found", "queue.get", queue="nowhere")
        elsewhere = Counting(self.server, "supervisor", workspace="other")
        expect(elsewhere, "not_found", "contact.get", contact="k1")

        # Too early, too late.
        expect(ana, "not_found", "offer.accept", offer="no-such-offer")
        ana.call("agent.set_state", state="available")
        offer = ana.notice("offer", contact="k1")
        ana.call("offer.accept", offer=offer["offer"])
        self.assertEqual(ana.call("offer.accept", offer=offer["offer"])["state"], "active", "repeated: the same answer")
        expect(shop, "conflict", "contact.cancel", contact="k1", _state="active")
        expect(ana, "conflict", "agent.pull", max=1)
        expect(ana, "forbidden", "contact.update", contact="k1", text="not mine to change")
        expect(ana, "conflict", "contact.transfer", contact="k1", agent="ana2" if admin.call("agent.put", agent="ana2") else "")
        ana.call("contact.complete", contact="k1", wrap_up_ms=0)
        expect(ana, "gone", "offer.accept", offer=offer["offer"])
        expect(shop, "gone", "contact.cancel", contact="k1", _reason="completed")
        expect(shop, "gone", "contact.update", contact="k1", text="one more thing", _reason="completed")
        expect(shop, "invalid", "contact.rate", contact="k1", score=6, _field="score")
        again = shop.call("contact.submit", id="k1", channel="chat")
        self.assertEqual((again["duplicate"], again["state"]), (True, "completed"))

        # The full queue.
        ana.call("agent.set_state", state="away")
        for i in range(3):
            shop.call("contact.submit", id=f"t{i}", channel="chat", queue="tiny")
        expect(shop, "queue_full", "contact.submit", id="t3", channel="chat", queue="tiny")
        expect(shop, "not_found", "contact.get", contact="t3")

        never = rows("error_table.h", "ERROR_TABLE") - Counting.codes - set(ELSEWHERE)
        self.assertEqual(never, set(), "errors that no test has seen")

    def test_ids_are_the_contact(self):
        with Client(self.server, "connector", name="shop") as shop:
            first = shop.call("contact.submit", id="same", channel="chat", text="hello")
            again = shop.call("contact.submit", id="same", channel="email", text="something else")
            self.assertTrue(again["duplicate"])
            self.assertEqual((again["state"], again["deadline_at"]), (first["state"], first["deadline_at"]))
            self.assertEqual(len(shop.call("contact.mine")["contacts"]), 1)
            made = shop.call("contact.submit", channel="chat")
            self.assertNotEqual(made["contact"], "same")

    def test_strangers_to_the_grammar_are_cut_off(self):
        for data, code in ((b"\xc1", "invalid"), (b"\x93\x00\x01\x02", "invalid"), (b"\x01", "invalid"),
                           (b"\x94\x00\x01\xa4ping\x92\x80\x80", "invalid"), (b"GET / HTTP/1.1\r\n\r\n", "invalid")):
            client = Client(self.server, "connector")
            client.send_bytes(data)
            client.wait_closed()
            errors = [error["code"] for error, _ in client.answers.values()]
            self.assertEqual(errors, [code], data)

    def test_takeover(self):
        first = agent(self.server, "ana")
        second = Client(self.server, "agent")
        answer = second.call("agent.sign_in", agent="ana")
        self.assertEqual(answer["state"], "available")
        self.assertEqual(first.notice("signed_out")["reason"], "taken_over")
        first.wait_closed()

    def test_lost_agents_come_back_to_what_they_hold(self):
        ana = agent(self.server, "ana", sign_in={"receipts": False})
        with Client(self.server, "connector", name="shop") as shop:
            shop.call("contact.submit", id="k1", channel="chat")
            ana.call("offer.accept", offer=ana.notice("offer")["offer"])
            ana.drop()
            again = Client(self.server, "agent")
            held = again.call("agent.sign_in", agent="ana")
            self.assertEqual([(o["contact"], o["state"]) for o in held["held"]], [("k1", "active")])
            self.assertEqual(held["state"], "available")
            again.drop()
            # And nobody comes back: after the grace time the contact is in line again.
            until(lambda: shop.call("contact.get", contact="k1")["state"] == "waiting", "the grace time to end")

    def test_silence_is_the_end(self):
        with Client(self.server, "supervisor") as quiet, Client(self.server, "supervisor") as lively:
            until(lambda: lively.call("ping") and not quiet.read(0) and quiet.ended, "the silent one to be cut off", 20)
            lively.call("ping")


if __name__ == "__main__":
    main()

"""A client that outlives its connections: it goes to whoever owns the workspace, as the protocol's page says.

Reconnects have jitter and grow apart; `not_owner`, `moved`, `draining` and `unavailable` are followed; what carries a lower epoch
than was seen is dropped. Every request, outcome and notification is written down. What was not answered when a connection
ended has an unknown outcome, None: whoever asked decides whether to ask again. Where nothing comes for three heartbeats the
connection is left, whether or not anything was asked.
"""
import asyncio
import random

import msgpack

PATIENCE = 12.0  # then the connection is given up; the promise is ten seconds


class Refused(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.code, self.error = error.get("code"), error


def place_of(address):
    host, _, port = address.rpartition("://")[2].rpartition(":")
    return host, int(port)


class Link:
    def __init__(self, recorder, addresses, client, role, name, chance=None, workspace="default", through=None, dial=None):
        """`through`: by which address each one that is announced is reached from here. `dial(place, seconds)`: a connected socket,
        where it takes more than that."""
        self.recorder, self.addresses, self.client, self.role, self.name = recorder, list(addresses), client, role, name
        self.chance = chance or random.Random(client)
        self.workspace, self.through, self.dial = workspace, through or {}, dial
        self.next_address = self.chance.randrange(len(self.addresses))
        self.hint = None       # where the owner is said to be
        self.floor = (0, 0)    # the highest (epoch, seq) seen
        self.number = 0        # of the connection
        self.answers, self.writer, self.reading, self.beating = {}, None, None, None
        self.heard_at = 0.0
        self.notices = asyncio.Queue()
        self.ended = asyncio.Event()
        self.ended.set()
        self.hello_of = {"name": name} if role == "connector" else {}
        recorder.rig("client", client=client, role=role, name=name)

    # ---- connecting ----

    async def connect(self, final=None):
        """Until the owner has said hello."""
        wait = 0.02
        while True:
            await self.close()
            address, self.hint = self.hint or self.addresses[self.next_address % len(self.addresses)], None
            address = self.through.get(address, address)
            try:
                reader, self.writer = await asyncio.wait_for(self.open(address), PATIENCE)
                self.number += 1
                self.ended.clear()
                self.notices = asyncio.Queue()
                self.reading = asyncio.ensure_future(self.read(reader, self.number))
                seen = {"epoch": self.floor[0], "seq": self.floor[1]} if self.floor[0] else {}
                hello = await self.ask("hello", final=final, protocol=1, role=self.role, workspace=self.workspace, **self.hello_of, **seen)
                if hello is not None:
                    self.beating = asyncio.ensure_future(self.beat(hello["heartbeat_ms"] / 1000))
                    return
            except Refused as refused:
                self.hint = refused.error.get("address") if refused.code == "not_owner" else None
            except (OSError, asyncio.TimeoutError):
                pass  # nobody there: the next one
            self.next_address += 1
            await asyncio.sleep(wait * self.chance.uniform(0.5, 1.5))  # jitter: not everyone comes back at once
            wait = min(wait * 1.6, 0.5)

    async def open(self, address):
        if self.dial is None:
            return await asyncio.open_connection(*place_of(address))
        return await asyncio.open_connection(sock=await asyncio.to_thread(self.dial, place_of(address), PATIENCE))

    async def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        tasks = [task for task in (self.reading, self.beating) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.reading = self.beating = None
        self.lose()

    def lose(self):
        """What has no answer will have none."""
        for call, (op, future, noted) in self.answers.items():
            if noted is not None:
                self.recorder.outcome("info", self.client, op, call)
            if not future.done():
                future.set_result(None)
        self.answers = {}
        self.ended.set()

    # ---- talking ----

    async def ask(self, op, *, final=None, told=None, noted=None, **params):
        """The result; None when the outcome is unknown; raises Refused. What only the record shall say: `told` of the request,
        `noted` of the answer."""
        call = self.recorder.invoke(self.client, op, {**params, **(told or {})}, final=final)
        answer = await self.send(call, op, params, noted or {}, PATIENCE + params.get("wait_ms", 0) / 1000)
        if answer is None:
            return None
        error, result = answer
        if error is not None:
            raise Refused(error)
        return result

    async def list(self, op, *, final=None, **params):
        """All rows of a list of contacts, which the record shows as one request; None when the connection ended meanwhile."""
        call = self.recorder.invoke(self.client, op, params, final=final)
        outcome, body, after = "info", {}, {}
        try:
            rows = []
            while (answer := await self.send(call, op, dict(params, limit=1000, **after), None, PATIENCE)) is not None:
                error, page = answer
                if error is not None:
                    outcome, body = "fail", error
                    raise Refused(error)
                rows += page["contacts"]
                if not page.get("next"):
                    outcome, body = "ok", {"rows": rows, "complete": True}
                    return rows
                after = {"after": page["next"]}
            return None
        finally:
            self.recorder.outcome(outcome, self.client, op, call, body)

    async def send(self, call, op, params, noted, seconds):
        """(error, result), or None. What is noted is written down with the outcome, as soon as there is one; without it, the
        caller does that."""
        if self.ended.is_set() or self.writer is None or self.writer.is_closing():  # the last two: nobody has read yet that it is
            if noted is not None:
                self.recorder.outcome("info", self.client, op, call)
            return None
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.answers[call] = op, future, noted
        self.writer.write(msgpack.packb([0, call, op, [params]]))
        patience = loop.call_later(seconds, self.abort)
        try:
            return await future
        finally:
            patience.cancel()

    def abort(self):
        """Gone without a word: what was not answered will not be."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.lose()

    async def beat(self, seconds):
        """A sign of life each heartbeat, which asks for one; without any for three of them nobody is there."""
        loop = asyncio.get_running_loop()
        self.heard_at = loop.time()
        while not self.ended.is_set():
            if loop.time() - self.heard_at >= 3 * seconds:
                self.abort()
                return
            self.writer.write(msgpack.packb([0, next(self.recorder.calls), "ping", [{}]]))
            await asyncio.sleep(seconds)

    async def read(self, reader, number):
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
        try:
            while data := await reader.read(1 << 16):
                self.heard_at = asyncio.get_running_loop().time()
                unpacker.feed(data)
                for message in unpacker:
                    self.take(message, number)
        except OSError:
            pass  # the connection is over
        except Exception as problem:
            self.recorder.failure = problem
            raise
        finally:
            if number == self.number:
                self.lose()

    def take(self, message, number):
        if number != self.number or self.ended.is_set():
            return  # of a connection that was given up
        if message[0] == 1:
            self.answered(message[1], message[2], message[3] or {})
            return
        op, body = message[1], message[2][0]
        dropped = not self.see(body)
        self.recorder.event(self.client, number, op, body, dropped)
        if op in ("moved", "draining"):
            self.hint = body.get("address")
            self.abort()
        elif not dropped:
            self.notices.put_nowait((op, body))

    def answered(self, call, error, result):
        op, future, noted = self.answers.pop(call, (None, None, None))
        if op is None:
            return
        if noted is not None:
            self.recorder.outcome("ok" if error is None else "fail", self.client, op, call, dict(error or result, **noted))
        if not future.done():
            future.set_result((error, result) if self.see(result) else None)
        if error is not None and error.get("code") == "not_owner":
            self.hint = error.get("address")
            self.abort()

    def see(self, body):
        """Whether it is of the highest epoch; if not, its connection is an old owner's and is left."""
        epoch, seq = body.get("epoch"), body.get("seq")
        if epoch is None:
            return True
        if epoch < self.floor[0]:
            self.abort()
            return False
        self.floor = epoch, max(self.floor[1], seq or 0)
        return True

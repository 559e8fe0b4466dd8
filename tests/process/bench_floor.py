#!/usr/bin/python3
"""The floor (`switchboard-bench floor`) says what the router says: the same messages to the same clients, with the same fields of
the same types in the same order, in as many bytes but for a few.

Both are taken through the same conversation, and what each client heard is compared, message by message.
"""
import json
import subprocess
import tempfile

import msgpack

from center import BIN, DEADLINE, CenterTest, Client, Server, main

QUEUES = [f"q{i}" for i in range(16)]
CONFIG = """
workspaces:
  default:
    default_queue: q0
    tiers:
      - {name: vip, answer: 20s}
      - {name: gold, answer: 60s}
      - {name: standard, answer: 120s}
    channels:
      - {name: email, units: 1}
    queue_defaults:
      answer_clock: 20s
    queues:
""" + "".join(f"      - name: {name}\n" for name in QUEUES)
BENCH = str(BIN / "switchboard-bench")
SLACK = 8  # bytes: heads of maps, and the lengths of a few numbers
# The router has an estimate after its first contacts; where the two run is their own affair.
DIFFERS = {"estimated_wait_ms", "node", "nodes"}
WHERE = 200  # bytes of that


class Floor(Server):
    """The floor in the place of a server."""

    def start(self, ready=True, env=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BENCH, "floor", "--serve", "--listen", self.tcp], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        if ready:
            self.wait_ready()


class Ear(Client):
    """A client that keeps what it heard, as bytes."""

    def __init__(self, *arguments, **options):
        self.heard, self.raw = [], msgpack.Unpacker(raw=False, object_pairs_hook=list, max_buffer_size=0)
        super().__init__(*arguments, **options)

    def read(self, seconds):
        unpacker, ear = self.unpacker, self

        class Tee:
            """Between the socket and the client's own unpacker."""

            def feed(self, data):
                unpacker.feed(data)
                ear.raw.feed(data)

            def __iter__(self):
                return iter(unpacker)

        self.unpacker = Tee()
        try:
            heard = super().read(seconds)
        finally:
            self.unpacker = unpacker
        while True:
            before = self.raw.tell()
            try:
                message = self.raw.unpack()
            except msgpack.OutOfData:
                return heard
            self.heard.append((message, self.raw.tell() - before))


def form(value, key=None):
    """Names in their order, and the types of what they name; words that are the same in both stand as they are."""
    if key in DIFFERS:
        return (key,)
    if isinstance(value, list) and value and all(isinstance(pair, tuple) for pair in value):
        return [(name, form(inner, name)) for name, inner in value]
    if isinstance(value, list):
        return [form(inner) for inner in value]
    if isinstance(value, str):
        return value
    return type(value).__name__


def contact(turn):
    """An id as `load` makes them: a slot, and how often it was used."""
    return f"b-0badcafe-{turn % 100:06x}-{turn:08x}"


def submit(client, turn, **fields):
    return client.send("contact.submit", id=contact(turn), channel="email", customer={"id": "c-00000001", **fields.pop("customer", {})},
                       text="x" * 200, **fields)


def work(agent, turn, accepts=True):
    """Take the offer of a contact and complete it."""
    offer = agent.notice("offer", contact=contact(turn))["offer"]
    if accepts:
        agent.call("offer.accept", offer=offer)
    agent.call("contact.complete", contact=contact(turn), wrap_up_ms=0)


def conversation(server):
    """Everything that `load` says, and each way in which it can go; what each client heard."""
    admin = Ear(server, "admin", client="bench")
    for name in ("ana", "bo"):
        admin.call("agent.put", agent=name, name="made by switchboard-bench", skills={},
                   capacity={"units": 1000000, "max": {"email": 2}})
    shops = {notify: Ear(server, "connector", client="bench", name=f"shop-{notify}", notify=notify)
             for notify in ("all", "outcome", "none")}
    ana = Ear(server, "agent", client="bench")
    ana.call("agent.sign_in", agent="ana", state="available", mode="push", receipts=False, auto_accept=False)
    for turn, (notify, shop) in enumerate(shops.items()):
        shop.wait(submit(shop, 3 * turn, queue="q3", customer={"tier": "gold"}))
        work(ana, 3 * turn)
        shop.wait(submit(shop, 3 * turn + 1, customer={"tier": "vip"}))
        work(ana, 3 * turn + 1)
        shop.wait(submit(shop, 3 * turn + 2, queue="q11"))
        work(ana, 3 * turn + 2)
    # More than she takes: the rest waits, and comes as she has room.
    shop = shops["all"]
    for answer in [submit(shop, turn, queue="q1") for turn in range(20, 25)]:
        shop.wait(answer)
    for turn in range(20, 25):
        work(ana, turn)
    ana.call("agent.set_state", state="away")
    shop.wait(submit(shop, 30, queue="q1"))
    ana.call("agent.set_state", state="available")
    work(ana, 30)
    ana.call("ping")
    ana.call("agent.set_state", state="away")  # that she is gone is known sometime after her goodbye
    ana.call("goodbye")
    # One that accepts by itself; its requests come byte by byte.
    bo = Ear(server, "agent", client="bench", trickle=True)
    bo.call("agent.sign_in", agent="bo", state="available", mode="push", receipts=False, auto_accept=True)
    for turn in (40, 41):
        shop.wait(submit(shop, turn, queue="q2", customer={"tier": "standard"}))
        work(bo, turn, accepts=False)
    for name, client in (("ping", bo), ("ping", shop), ("ping", shops["outcome"]), ("ping", shops["none"])):
        client.call(name)  # whatever was said before is heard now
    bo.call("goodbye")
    for name in ("ana", "bo"):
        admin.call("agent.remove", agent=name)
    return {"admin": admin, "ana": ana, "bo": bo, **shops}


class BenchFloor(CenterTest):
    def test_it_says_what_the_router_says(self):
        router = self.start(config=CONFIG)
        floor = Floor()
        self.addCleanup(lambda: floor.end(failed=self.failed()))
        said, repeated = conversation(router), conversation(floor)
        messages = 0
        for name, client in said.items():
            mine, theirs = repeated[name].heard, client.heard
            for (message, size), (expected, expected_size) in zip(mine, theirs):
                self.assertEqual(form(message), form(expected), f"{name} heard this")
                self.assertLessEqual(abs(size - expected_size), SLACK + (WHERE if "nodes" in str(message) else 0),
                                     f"{name}: {message} instead of {expected}")
                messages += 1
            self.assertEqual(len(mine), len(theirs), f"{name} heard {mine[len(theirs):] or theirs[len(mine):]}")
        self.assertGreater(messages, 100)

    def test_the_comparison_tells_a_field_too_many(self):
        self.assertNotEqual(form([1, 2, None, [("a", 1)]]), form([1, 2, None, [("a", 1), ("b", 1)]]))
        self.assertNotEqual(form([("a", 1), ("b", 1)]), form([("b", 1), ("a", 1)]))
        self.assertNotEqual(form([("a", 1)]), form([("a", "1")]))

    def test_a_run_gives_the_ratio(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/result.json"
            subprocess.run([BENCH, "floor", "--rounds", "2", "--duration", "0.5", "--warm-up", "0.1", "--quiet", "--json", path],
                           check=True, timeout=4 * DEADLINE, stdout=subprocess.DEVNULL)
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
        self.assertGreater(result["ratio"], 0)
        self.assertEqual(len(result["floor"]["rounds"]), 2)
        for who in ("floor", "router"):
            for figure in result[who]["rounds"]:
                self.assertGreater(figure["cpu_us_per_life_cycle"], 0)
                self.assertGreater(figure["life_cycles_per_second"], 0)


if __name__ == "__main__":
    main()

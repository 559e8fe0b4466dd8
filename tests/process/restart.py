#!/usr/bin/python3
"""A restart changes nothing that a client can read: after SIGTERM, after kill -9, from facts alone and from a checkpoint and its tail.

What the protocol says is lost is lost (sessions), and what it says happens then happens (grace runs; an offer that nobody
took up is undelivered after one delivery clock, and its contact back in its place). All else must be as it was.
"""
import json
import os
import random
import time

from center import CenterTest, Client, Refused, agent, main, pages, until

LIVING_AND_DEAD = ("scheduled", "waiting", "active", "wrapping", "completed", "cancelled", "expired")
SEED = int(os.environ.get("SEED", "20260117"))
AGENTS, CONNECTORS = 5, 3
LIVE = ("scheduled", "waiting", "offered", "active", "wrapping")
ENDED = ("completed", "cancelled", "expired", "diverted", "rejected")
QUEUES = ("general", "refunds", "strict", "fifo")

# No clock runs out during a comparison, unless the test means it to.
CONFIG = """
node:
  heartbeat: 60s
  segment: 64KiB
workspaces:
  default:
    grace: 10m
    max_misses: 1000
    statistics_interval: 1d
    agent_units: 300
    default_queue: general
    languages: [zh, en]
    tiers:
      - {name: vip, answer: 30m, progress: 3h, resolve: 72h}
      - {name: standard, answer: 2h}
    channels:
      - {name: voice, units: 100}
      - {name: chat, units: 34, max_per_agent: 2}
      - {name: email, units: 20}
    issues: [refund, complaint]
    queue_defaults: {delivery_clock: DELIVERY, answer_clock: 30m, cool_down: 1h}
    queues:
      - name: general
      - {name: refunds, requires: {refund: 3}, wrap_up: 1h}
      - {name: strict, order: strict}
      - {name: fifo, order: fifo}
    classification:
      issue_rules:
        - {issue: refund, phrases: [退款, refund]}
"""


class Day:
    """Requests of every kind, as chance has it; each is answered before the next, so that nothing is under way at the end."""

    def __init__(self, server, randomness):
        self.server, self.random = server, randomness
        self.count, self.names, self.asked = 0, [], {}
        with Client(server, "admin") as admin:
            for i in range(AGENTS):
                admin.call("agent.put", agent=f"a{i}", name=f"客服 {i}", skills={"refund": 3 + i % 2, "zh": 1 + i}, capacity=60 + 60 * i)
        self.desk = Client(server, "supervisor", name="dana")
        self.connectors = [Client(server, "connector", name=f"c{i}", notify="none") for i in range(CONNECTORS)]
        self.agents = [self.sign_in(i, state="available") for i in range(AGENTS)]

    def sign_in(self, i, **more):
        client = Client(self.server, "agent")
        pull = {"mode": "pull"} if i == 0 else {}
        client.signed_in = client.call("agent.sign_in", agent=f"a{i}", receipts=i == 1, **pull, **more)
        client.number, client.offers, client.active, client.wrapping = i, [], [], []
        return client

    def call(self, client, method, **params):
        """The answer, or nothing: much of what chance asks for is not possible at the moment."""
        self.asked[method] = self.asked.get(method, 0) + 1
        try:
            return client.call(method, **params)
        except Refused as refused:
            assert refused.code in ("gone", "conflict", "not_found", "queue_full"), refused
            return None

    def owner(self, name):
        return self.connectors[int(name.split("-")[0][1:])]

    def submit(self):
        i = self.random.randrange(CONNECTORS)
        self.count += 1
        name = f"c{i}-{self.count}"
        now = int(time.time() * 1000)
        fields = {"channel": self.random.choice(("voice", "chat", "email")), "customer": {
            "id": f"顾客{self.random.randrange(40)}", "tier": self.random.choice(("vip", "standard")), "attributes": {"n": self.count}}}
        for key, value in (("queue", self.random.choice(QUEUES)), ("text", "我要退款 please"), ("subject", f"s{self.count}"),
                           ("skills", {"zh": self.random.randint(1, 9) % 5 + 1}), ("attributes", {"a": 1, "b": "二"}), ("boost_ms", 1000),
                           ("received_at", now - self.random.randrange(6 * 3600000)), ("payload", os.urandom(30)),
                           ("not_before_at", now + 3600000), ("expires_ms", 7200000), ("preferred_agent", "a2"), ("issue", "complaint")):
            if self.random.random() < (0.7 if key == "queue" else 0.2):
                fields[key] = value
        if self.call(self.connectors[i], "contact.submit", id=name, **fields):
            self.names.append(name)

    def about_some_contact(self):
        name = self.random.choice(self.names)
        owner, r = self.owner(name), self.random.random()
        if r < 0.25:
            self.call(owner, "contact.cancel", contact=name, reason="不要了")
        elif r < 0.55:
            self.call(owner, "contact.update", contact=name, attributes={"b": None, "u": self.count}, text="refund 退款 now",
                      **({"customer": {"tier": "vip"}} if r < 0.4 else {"skills": {"zh": 2}}))
        elif r < 0.65:
            self.call(owner, "contact.update", contact=name, kept="progress")
        elif r < 0.72:
            self.call(owner, "contact.end", contact=name, reason="left")
        elif r < 0.85:
            self.call(self.desk, "contact.move", contact=name, queue=self.random.choice(QUEUES))
        elif r < 0.92:
            self.call(self.desk, "contact.assign", contact=name, agent=f"a{self.random.randrange(AGENTS)}")
        else:
            self.call(owner, "contact.rate", contact=name, score=self.random.randint(1, 5), kind="csat", comment="好")

    def listen(self, client):
        while client.read(0):
            pass
        client.offers += [(body["offer"], body["contact"]) for kind, body in client.notices if kind == "offer"]
        client.notices.clear()
        if client.number == 0:
            got = self.call(client, "agent.pull", max=1)
            client.offers += [(body["offer"], body["contact"]) for body in got["offers"]]

    def work(self, client):
        self.listen(client)
        while client.offers:
            offer, contact = client.offers.pop()
            if client.number == 1:
                self.call(client, "offer.received", offer=offer)
            if self.random.random() < 0.2:
                self.call(client, "offer.decline", offer=offer, reason="no")
            elif self.random.random() < 0.95 and self.call(client, "offer.accept", offer=offer):
                client.active.append(contact)
        for contact in [c for c in client.active if self.random.random() < 0.25]:
            client.active.remove(contact)
            self.part(client, contact)
        for contact in [c for c in client.wrapping if self.random.random() < 0.1]:
            client.wrapping.remove(contact)
            self.call(client, "contact.wrapped_up", contact=contact)

    def part(self, client, contact):
        r = self.random.random()
        if r < 0.5:
            self.call(client, "contact.complete", contact=contact, disposition="done", resolved=r < 0.4,
                      **({"wrap_up_ms": 3600000} if r < 0.25 else {}))
            client.wrapping.append(contact)
        elif r < 0.7:
            self.call(client, "contact.transfer", contact=contact, queue=self.random.choice(QUEUES), note="请看备注", reason="other desk",
                      wrap_up_ms=self.random.choice((0, 3600000)))
            client.wrapping.append(contact)
        elif r < 0.8:
            to = (client.number + 1 + self.random.randrange(AGENTS - 1)) % AGENTS
            if self.call(client, "contact.transfer", contact=contact, agent=f"a{to}") is None:
                client.active.append(contact)
        else:
            later = {"not_before_at": int(time.time() * 1000) + 3600000} if r < 0.9 else {}
            self.call(client, "contact.requeue", contact=contact, reason="再说", **later)

    def go_on(self, rounds):
        for _ in range(rounds):
            if self.random.random() < 0.5 or not self.names:
                self.submit()
            else:
                self.about_some_contact()
            self.work(self.random.choice(self.agents))

    def settle(self):
        """No offer is open: what stands now must stand after a restart exactly."""
        for client in self.agents:
            self.listen(client)
            client.offers.clear()
            self.call(client, "agent.set_state", state="away", reason="pause")
        self.count += 1
        self.names.append(f"c0-{self.count}")
        self.call(self.connectors[0], "contact.submit", id=self.names[-1], channel="email", expires_ms=1)
        until(lambda: self.call(self.desk, "contact.get", contact=self.names[-1])["state"] == "expired", "one to expire")

    def overflow_the_journal(self):
        """A checkpoint begins when the journal has grown by some MiB."""
        end, later = time.monotonic() + 120, int(time.time() * 1000) + 3600000
        while '"event":"checkpoint"' not in self.server.log():
            for _ in range(8):
                self.count += 1
                name = f"c0-{self.count}"
                self.call(self.connectors[0], "contact.submit", id=name, channel="email", text="x" * 60000, payload=b"x" * 60000,
                          not_before_at=later)
                self.call(self.connectors[0], "contact.cancel", contact=name)
                self.names.append(name)
            assert time.monotonic() < end, "waited in vain for a checkpoint"


def steady(row):
    """A row without what depends on the moment of asking, or on sessions."""
    left_out = ("oldest_wait_ms", "window_ms", "agents_available", "agents_signed_in", "epoch", "seq")
    row = {key: value for key, value in row.items() if key not in left_out}
    if "estimated_wait_ms" in row:
        row["estimated_wait_ms"] = row["estimated_wait_ms"] is not None
    return row


class Restart(CenterTest):
    def setUp(self):
        print(f"SEED={SEED}", flush=True)
        self.random = random.Random(SEED)

    def day(self, rounds=400, delivery="1h"):
        self.server = self.start(CONFIG.replace("DELIVERY", delivery), journal="file")
        day = Day(self.server, self.random)
        day.go_on(rounds)
        return day

    def snapshot(self, day):
        """What every method that reads answers."""
        seen = {}
        with Client(self.server, "supervisor") as desk:
            seen["queues"] = [steady(row) for row in pages(desk, "queue.list", "queues")]
            seen["queue"] = [steady(desk.call("queue.get", queue=queue)) for queue in QUEUES]
            for state in (*LIVE, *ENDED):
                seen[state] = [steady(row) for row in pages(desk, "contact.list", "contacts", state=state, limit=50)]
            for filters in ({"tier": "vip"}, {"overdue": True}, {"issue": "refund"}, {"language": "zh"}, {"queue": "fifo"},
                            {"agent": "a3"}, {"customer": "顾客7"}):
                seen[str(filters)] = [steady(row) for row in pages(desk, "contact.list", "contacts", **filters)]
            for by in ("queue", "agent", "tier", "issue", "channel"):
                seen[f"stats by {by}"] = desk.call("stats", by=by)["rows"]
            seen["agents"] = pages(desk, "agent.list", "agents")
            seen["agent"] = [desk.call("agent.get", agent=f"a{i}") for i in range(AGENTS)]
            for key in ("agents", "agent"):
                seen[key] = [{k: v for k, v in row.items() if k in ("agent", "name", "units", "used", "held", "queues")} for row in seen[key]]
            numbers = {desk.send("contact.get", contact=name): name for name in day.names}
            for number, name in numbers.items():
                seen[name] = steady(desk.wait(number))
        for i in range(CONNECTORS):
            with Client(self.server, "connector", name=f"c{i}") as connector:
                seen[f"mine of c{i}"] = [steady(row) for row in pages(connector, "contact.mine", "contacts")]
                seen[f"ended of c{i}"] = [steady(row) for row in pages(connector, "contact.mine", "contacts", ended_since_at=0)]
        return seen

    def assert_same(self, before, after):
        self.assertEqual(before.keys(), after.keys())
        for key, was in before.items():
            if was != after[key]:
                show = lambda value: json.dumps(value, indent=1, ensure_ascii=False, default=repr, sort_keys=True).splitlines()
                self.assertEqual(show(was), show(after[key]), key)

    def restart(self, how):
        if how == "SIGTERM":
            self.assertEqual(self.server.stop(), 0)
        else:
            self.server.kill()
        self.server.start()

    def held(self, day):
        """What each agent holds, as its sign-in says; without the spans that shrink."""
        out = {}
        for i in range(AGENTS):
            client = day.sign_in(i)
            rows = [{k: v for k, v in offer.items() if k not in ("waited_ms", "expires_ms", "wrap_up_ms")} for offer in client.signed_in["held"]]
            out[f"a{i}"] = (client.signed_in["state"], sorted(rows, key=lambda row: row["offer"]))
        return out

    def check_duplicates(self, day, seen):
        """Submitted again, each is the same contact, ended ones too."""
        shops = [Client(self.server, "connector", name=f"c{i}") for i in range(CONNECTORS)]
        for name in day.names:
            answer = shops[int(name.split("-")[0][1:])].call("contact.submit", id=name, channel="voice", text="something else")
            self.assertTrue(answer["duplicate"], name)
            for field in ("state", "queue", "tier", "deadline_at", "position"):
                self.assertEqual(answer.get(field), seen[name].get(field), (name, field))

    def test_nothing_changes(self):
        for how in ("SIGTERM", "kill -9"):
            with self.subTest(how):
                for _ in range(20):  # days are made by chance: the first that has something of everything
                    day = self.day()
                    asked = dict(sorted(day.asked.items()))
                    day.settle()
                    held = self.held(day)
                    seen = self.snapshot(day)
                    if len(asked) == 15 and all(seen[state] for state in LIVING_AND_DEAD):
                        break
                print(how, asked, flush=True)
                print({state: len(seen[state]) for state in (*LIVE, *ENDED)}, flush=True)
                self.assertEqual(len(asked), 15, "a kind of request was never made")
                self.assertTrue(all(seen[state] for state in LIVING_AND_DEAD))
                self.restart(how)
                self.assert_same(seen, self.snapshot(day))
                self.assertEqual(held, self.held(day))
                self.check_duplicates(day, seen)

    def test_from_a_checkpoint_and_its_tail(self):
        day = self.day(300)
        day.overflow_the_journal()
        day.go_on(100)
        day.settle()
        held = self.held(day)
        seen = self.snapshot(day)
        for how in ("kill -9", "SIGTERM"):
            logged = len(self.server.log())
            self.restart(how)
            recovered = [json.loads(line) for line in self.server.log()[logged:].splitlines() if '"recovered"' in line]
            self.assertEqual(len(recovered), 1)
            self.assertGreater(recovered[0]["records"], 50, "a checkpoint was read")
            self.assertGreater(recovered[0]["facts"], 50, "and facts behind it")
            self.assertLess(recovered[0]["facts"], recovered[0]["seq"], "but not all that ever were")
            self.assert_same(seen, self.snapshot(day))
            self.assertEqual(held, self.held(day))
        self.check_duplicates(day, seen)

    def test_offers_stay_for_a_delivery_clock_and_cost_nobody_anything(self):
        """Nobody comes back: the contact is in its old place, and the agent has missed nothing."""
        config = CONFIG.replace("DELIVERY", "300ms").replace("max_misses: 1000", "max_misses: 1").replace("cool_down: 1h", "cool_down: 0s")
        self.server = self.start(config, journal="file")
        shop = Client(self.server, "connector", name="shop")
        ana = agent(self.server, "ana", capacity=40)
        for i in range(6):
            shop.call("contact.submit", id=f"k{i}", channel="email", queue="fifo")
        for i in range(2):
            ana.notice("offer", contact=f"k{i}")
        self.server.kill()
        self.server.start()
        desk = Client(self.server, "supervisor")
        until(lambda: not desk.call("contact.list", state="offered")["contacts"], "offers of the past to be withdrawn")
        for i in range(6):
            self.assertEqual(desk.call("contact.get", contact=f"k{i}")["position"], i + 1)
        last = desk.call("contact.get", contact="k0")["history"][-1]
        self.assertEqual((last["kind"], last["reason"]), ("offer_withdrawn", "undelivered"))
        ana = Client(self.server, "agent")
        signed_in = ana.call("agent.sign_in", agent="ana")
        self.assertEqual((signed_in["state"], signed_in["held"]), ("available", []))
        self.assertEqual(ana.notice("offer")["contact"], "k0")

    def test_an_offer_that_is_still_there_can_be_accepted(self):
        """The desktop is back before the delivery clock has run out: it holds what it was offered."""
        for how in ("SIGTERM", "kill -9"):
            with self.subTest(how):
                self.server = self.start(CONFIG.replace("DELIVERY", "1h"), journal="file")
                shop = Client(self.server, "connector", name="shop")
                ana = agent(self.server, "ana")
                shop.call("contact.submit", id="k1", channel="email")
                offer = ana.notice("offer")["offer"]
                self.restart(how)
                ana = Client(self.server, "agent")
                signed_in = ana.call("agent.sign_in", agent="ana", state="available")
                self.assertEqual([(row["offer"], row["state"]) for row in signed_in["held"]], [(offer, "offered")])
                self.assertEqual(ana.call("offer.accept", offer=offer)["state"], "active")


if __name__ == "__main__":
    main()

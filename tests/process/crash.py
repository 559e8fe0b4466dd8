#!/usr/bin/python3
"""kill -9 under load, again and again: what was acknowledged is there, in its place, once.

The test keeps its own book of what every answer said, and after each restart compares the book with the server, contact by
contact, before it lets the agents back in. At every death at least 200 requests are unanswered; they are sent again,
under the same ids, as any client would.
"""
import os
import random
import select
import signal
import time

import msgpack

from center import THREADS_SANITIZED, CenterTest, Client, main, pages, until

SEED = int(os.environ.get("SEED", "20260117"))
PATIENCE = 600 if THREADS_SANITIZED else 120  # seconds until a server has died
CONNECTORS, AGENTS, WINDOW, UNANSWERED = 4, 6, 300, 200
ENDED = ("completed", "cancelled")

CONFIG = """
node:
  heartbeat: 60s
  segment: 64KiB
workspaces:
  default:
    grace: 10m
    max_misses: 1000
    tiers:
      - {name: vip, answer: 20s}
      - {name: standard, answer: 2m}
    channels:
      - {name: email, units: 20}
    queue_defaults: {delivery_clock: 300ms, answer_clock: 10m, cool_down: 0s}
    queues:
      - name: general
"""

# How the server dies: by our hand, or by its own at the place and time that the environment names (see
# router/crash_point.h). One that dies in its replay was killed under load just before.
DEATHS = (["kill"] * 10
          + [f"between_write_and_sync:{n}" for n in (30, 45, 60, 100)]
          + [f"inside_checkpoint:{n}" for n in (1, 2, 3)]
          + [f"inside_replay:{n}" for n in (1, 7, 30)]
          + ["inside_write:50", "between_sync_and_answer:40", "between_segments:2"])


class Contact:
    """What the answers said of it: for each request none, "sent" or "acked"."""

    def __init__(self, connector, params):
        self.connector, self.params = connector, params
        self.submit, self.cancel, self.accept, self.complete = "sent", None, None, None
        self.deadline_at, self.agent = None, None
        self.looked_at = 0  # how often it was found ended
        self.known = False  # whether the server must call it a duplicate

    def possible(self):
        """The states in which the server may have it; None: it never heard of it."""
        if self.complete == "acked":
            return {"completed"}
        if self.cancel == "acked":
            return {"cancelled"}
        if self.complete == "sent":
            return {"active", "completed"}
        if self.accept == "acked":
            return {"active"}
        states = {"waiting", "offered"}
        if self.accept == "sent":
            states.add("active")
        if self.cancel == "sent":
            states.add("cancelled")
        if self.submit == "sent":
            states.add(None)
        return states

    def learn(self, row):
        """After a crash the server's word counts for what was unknown."""
        state = row["state"] if row else None
        self.known = row is not None
        self.submit = "acked" if row else "sent"
        self.cancel = "acked" if state == "cancelled" else None
        self.complete = "acked" if state == "completed" else None
        self.accept = "acked" if state in ("active", "completed") else None
        self.agent = row.get("agent") if state == "active" else None


class Swarm:
    """Connectors and agents that keep a server busy, and the book."""

    def __init__(self, server, randomness):
        self.server, self.random = server, randomness
        self.book, self.count, self.acked = {}, 0, 0
        self.connectors, self.agents = [], {}
        self.state = {"state": "available"}  # what agents say at sign-in; nothing, once the server must know it

    def connect(self):
        self.connectors, self.agents = [], {}
        for i in range(CONNECTORS):
            connector = Client(self.server, "connector", name=f"c{i}", notify="none")
            connector.asked, connector.outbox = {}, b""  # by number: what was asked, of which contact
            self.connectors.append(connector)
        for i in range(AGENTS):
            agent = Client(self.server, "agent")
            agent.asked, agent.outbox, agent.name = {}, b"", f"a{i}"
            agent.held = agent.call("agent.sign_in", agent=agent.name, **self.state)["held"]
            self.agents[agent.name] = agent

    def clients(self):
        return [*self.connectors, *self.agents.values()]

    def unanswered(self):
        return sum(len(client.asked) for client in self.clients())

    def ask(self, client, method, name, **params):
        """Goes out with the next fill: all in one write, so that a server that dies is in the middle of much."""
        number = next(client.numbers)
        client.asked[number] = (method, name)
        client.outbox += msgpack.packb([0, number, method, [params]])

    def submit(self, name):
        contact = self.book[name]
        self.ask(self.connectors[contact.connector], "contact.submit", name, **contact.params)

    def fill(self):
        """Every window full of new contacts."""
        for i, connector in enumerate(self.connectors):
            while len(connector.asked) < WINDOW:
                self.count += 1
                name = f"k{self.count}"
                self.book[name] = Contact(i, {
                    "id": name, "channel": "email", "text": "x" * self.random.randrange(200),
                    "customer": {"id": f"p{self.count}", "tier": self.random.choice(("vip", "standard"))}})
                self.submit(name)
        for client in self.clients():
            outbox, client.outbox = client.outbox, b""
            client.send_bytes(outbox)

    def turn(self):
        """Fill every window, then take in what comes. Raises OSError when the server is gone."""
        self.fill()
        sockets = {client.sock: client for client in self.clients()}
        for sock in select.select(list(sockets), [], [], 1)[0]:
            client = sockets[sock]
            client.read(0)
            self.take(client)
            if client.ended:
                raise ConnectionError("the server is gone")

    def take(self, client):
        for number in list(client.answers):
            error, result = client.answers.pop(number)
            method, name = client.asked.pop(number)
            self.answered(client, method, name, error, result)
        for kind, body in client.notices:
            if kind == "offer" and not client.ended:
                self.book[body["contact"]].accept = "sent"
                self.book[body["contact"]].agent = client.name
                self.ask(client, "offer.accept", body["contact"], offer=body["offer"])
        client.notices.clear()

    def answered(self, client, method, name, error, result):
        contact = self.book[name]
        if error is not None and error["code"] in ("draining", "unavailable"):
            if method != "contact.submit":  # nothing was changed
                setattr(contact, method.split(".")[1], None)
        elif method == "contact.submit":
            assert error is None, (name, error)
            assert result["contact"] == name
            assert result.get("duplicate", False) == contact.known, (name, result)
            contact.submit, contact.deadline_at, contact.known = "acked", result["deadline_at"], True
            self.acked += 1
            if self.random.random() < 0.85 and not client.ended:
                contact.cancel = "sent"
                self.ask(client, "contact.cancel", name, contact=name)
        elif method == "contact.cancel":
            contact.cancel = "acked" if error is None else None
        elif method == "offer.accept":
            contact.accept = "acked" if error is None else None
            if error is None and self.random.random() < 0.8 and not client.ended:
                contact.complete = "sent"
                self.ask(client, "contact.complete", name, contact=name, wrap_up_ms=0)
        elif method == "contact.complete":
            assert error is None, (name, error)
            contact.complete = "acked"

    def last_words(self):
        """What the dead server still said is said: it left the process, so it must be kept."""
        for client in self.clients():
            while not client.ended:
                client.read(30)
            self.take(client)


class Crash(CenterTest):
    def test_nothing_acknowledged_is_lost(self):
        print(f"SEED={SEED}", flush=True)
        self.random = random.Random(SEED)
        self.server = self.start(CONFIG, journal="file")
        with Client(self.server, "admin") as admin:
            for i in range(AGENTS):
                admin.call("agent.put", agent=f"a{i}")
        swarm = Swarm(self.server, self.random)
        swarm.connect()
        swarm.state = {}
        deaths = list(DEATHS)
        self.random.shuffle(deaths)
        tally, spare = {}, 2 * len(deaths)
        while deaths:
            death = deaths.pop()
            self.die(swarm, death)
            swarm.last_words()
            unanswered = swarm.unanswered()
            place = death.split(":")[0]
            if unanswered >= UNANSWERED:
                tally[place] = tally.get(place, 0) + 1
            else:  # it had just answered nearly everything: this one does not count, and comes again
                deaths.insert(0, death)
                spare -= 1
                self.assertGreater(spare, 0, "the load is too thin")
            if place == "inside_replay":
                self.server.start(ready=False, env={"SWITCHBOARD_CRASH": death})
                self.assertEqual(self.server.wait_end(), -signal.SIGKILL, f"died at {death}")
            self.server.start()
            self.compare(swarm)
            self.return_to_work(swarm)
            print(f"{death}: {unanswered} unanswered, {swarm.acked} acknowledged so far, nothing lost", flush=True)
        print(tally, flush=True)
        self.assertGreaterEqual(sum(tally.values()), 20)
        for place in ("between_write_and_sync", "inside_checkpoint", "inside_replay"):
            self.assertGreaterEqual(tally[place], 2)
        self.assertGreater(swarm.acked, 20 * UNANSWERED)

    def die(self, swarm, death):
        """Load until the server is dead."""
        place = death.split(":")[0]
        by_hand = place in ("kill", "inside_replay")
        if not by_hand:
            # It must die by its own hand, in the middle of the load: a process of its own, armed.
            self.assertEqual(self.server.stop(), 0)
            swarm.last_words()
            swarm.connectors, swarm.agents = [], {}
            self.server.start(ready=False, env={"SWITCHBOARD_CRASH": death})
        goal, end = swarm.acked + self.random.randrange(100, 1500), time.monotonic() + PATIENCE
        try:
            if not by_hand:
                self.server.wait_ready()
                self.compare(swarm)
                self.return_to_work(swarm)
            while not by_hand or swarm.acked < goal:
                swarm.turn()
                self.assertLess(time.monotonic(), end, f"waited in vain for the server to die at {death}")
            swarm.fill()
            self.server.kill()
        except OSError:
            self.assertFalse(by_hand, "the server died by itself")
            self.assertEqual(self.server.wait_end(), -signal.SIGKILL, f"died at {death}")

    def compare(self, swarm):
        """The server's word against the book, before anybody changes anything."""
        with Client(self.server, "supervisor") as desk:
            until(lambda: not desk.call("contact.list", state="offered")["contacts"], "offers of the past to be withdrawn")
            waiting = pages(desk, "contact.list", "contacts", state="waiting", limit=1000)
            active = pages(desk, "contact.list", "contacts", state="active", limit=1000)
            rows = {}
            for row in waiting + active:
                self.assertNotIn(row["contact"], rows, "a contact is there twice")
                self.assertIn(row["contact"], swarm.book, "a contact that nobody submitted")
                rows[row["contact"]] = row
            others = [name for name in swarm.book if name not in rows]
            for i in range(0, len(others), 500):
                numbers = {desk.send("contact.get", contact=name): name for name in others[i:i + 500]}
                desk.wait_for(lambda: len(desk.answers) == len(numbers), "what became of the others")
                for number, name in numbers.items():
                    error, row = desk.answers.pop(number)
                    if error is None:
                        rows[name] = row
                    else:
                        self.assertEqual(error["code"], "not_found")
            for name, contact in swarm.book.items():
                row = rows.get(name)
                state = row["state"] if row else None
                self.assertIn(state, contact.possible(), f"{name}: {row} {vars(contact)}")
                if contact.accept == "acked" and state == "active":
                    self.assertEqual(row["agent"], contact.agent)
                if contact.deadline_at is not None and state not in ENDED:
                    self.assertEqual(row["deadline_at"], contact.deadline_at, name)
            self.in_its_place(swarm, waiting)
            figures = desk.call("queue.get", queue="general")
            self.assertEqual((figures["waiting"], figures["active"]), (len(waiting), len(active)))
        for name, contact in list(swarm.book.items()):
            contact.learn(rows.get(name))
            # What ended long ago stays ended; it need not be asked for again and again.
            contact.looked_at += name in rows and rows[name]["state"] in ENDED
            if contact.looked_at > 2:
                del swarm.book[name]

    def in_its_place(self, swarm, waiting):
        """The line is in the order of its keys; and each connector's contacts stand in the order in which it sent them."""
        line = sorted(range(len(waiting)), key=lambda i: (waiting[i]["deadline_at"], i))
        for position, i in enumerate(line[:1000], start=1):
            self.assertEqual(waiting[i]["position"], position, waiting[i]["contact"])
        last = [0] * CONNECTORS
        for row in waiting:
            number = int(row["contact"][1:])
            connector = swarm.book[row["contact"]].connector
            if swarm.book[row["contact"]].deadline_at is not None:
                self.assertLess(last[connector], number, "a contact has lost its place")
                last[connector] = number

    def return_to_work(self, swarm):
        """Agents get back what they held; what was not answered is sent again and is there once."""
        again = {name: None for name, contact in swarm.book.items()
                 if contact.submit == "sent" or contact.deadline_at is None}  # in their order
        swarm.connect()
        for agent in swarm.agents.values():
            held = {offer["contact"] for offer in agent.held if offer["state"] == "active"}
            expected = {name for name, contact in swarm.book.items()
                        if contact.agent == agent.name and contact.accept == "acked" and not contact.complete}
            self.assertEqual(held, expected, f"what {agent.name} holds")
        for name in again:
            swarm.submit(name)
        # Agents finish what they came back to, and the line is kept short enough for exact positions.
        for name, contact in swarm.book.items():
            if contact.accept == "acked" and contact.complete is None and self.random.random() < 0.7:
                contact.complete = "sent"
                swarm.ask(swarm.agents[contact.agent], "contact.complete", name, contact=name, wrap_up_ms=0)
            elif name not in again and contact.accept is None and contact.cancel is None and self.random.random() < 0.8:
                contact.cancel = "sent"
                swarm.ask(swarm.connectors[contact.connector], "contact.cancel", name, contact=name)


if __name__ == "__main__":
    main()

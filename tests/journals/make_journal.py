#!/usr/bin/python3
"""Makes the journal that a version of Switchboard leaves behind for later ones to read: make_journal.py FOLDER.

Drives the real server over the wire until its journal has every kind of fact, in two workspaces: `default` with a
checkpoint and what came after it, `other` from its first fact on. The server then dies as by kill -9, and test_journal_facts
writes beside the segments what it finds in them. No test runs this; what it made once is kept. See README.md here.
"""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from center import BIN, Client, Server, pages, until  # noqa: E402

NODE = """
node:
  heartbeat: 60s
  segment: 64KiB
  stall_after: 1ms # so that even a quick disk stalls
workspaces:
"""

# Every document of a workspace is a fact with its text: this one is in the journal.
WORKSPACE = """
agent_units: 100
max_misses: 1
missed_return: 1h
grace: 300ms
at_risk: 500ms
default_queue: general
languages: [zh, en]
tiers:
  - {name: vip, answer: 1s, progress: 20m, resolve: 72h}
  - {name: standard, answer: 2h}
channels:
  - {name: voice, units: 100}
  - {name: chat, units: 34, max_per_agent: 2}
  - {name: email, units: 20, interruptible_by: [chat]}
issues:
  - refund
  - {name: complaint, answer: 30m, resolve: 24h}
queue_defaults: {delivery_clock: 2m, answer_clock: 250ms, cool_down: 200ms}
queues:
  - {name: general, answer_clock: 5m}
  - {name: desk, answer_clock: 5m, wrap_up: 1h, strategy: best_skilled}
  - {name: refunds, requires: {refund: 3}, order: strict, preferred_hold: 300ms}
  - {name: held, preferred_hold: 1h}
  - {name: night, attempts_max: 1, escalation: quiet, order: fifo, answer_clock: 5m}
  - {name: misses}
  - {name: quiet}
agents:
  - {id: ana, name: 安娜, skills: {zh: 5, refund: 4}, units: 200, max: {chat: 3, voice: 1}, queues: [general], ranks: {general: 2},
     address: "sip:ana@example.com"}
  - {id: bo, name: Bo, queues: [misses]}
classification:
  tier_rules:
    - {customer: {level: gold}, tier: vip}
  issue_rules:
    - {issue: refund, phrases: [退款, refund, money back]}
    - {issue: complaint, phrases: [投诉, complaint]}
  routes:
    - {issue: complaint, queue: quiet}
"""

LATER = WORKSPACE.replace("  - {name: quiet}\n", "  - {name: quiet}\n  - {name: 夜班}\n")


def document(names, text=WORKSPACE):
    indented = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return NODE + "".join(f"  {name}:\n{indented}" for name in names)


class Tour:
    """One workspace's day. `turn` makes the ids of a second day differ from those of the first."""

    def __init__(self, server, workspace, turn):
        self.server, self.workspace, self.turn = server, workspace, turn
        self.desk = self.client("supervisor", name="dana")
        self.admin = self.client("admin", name="root")
        self.shop = self.client("connector", name="shop")

    def client(self, role, **hello):
        return Client(self.server, role, workspace=self.workspace, **hello)

    def id(self, name):
        return f"{self.turn}-{name}"

    def agent(self, name, **sign_in):
        client = self.client("agent")
        client.call("agent.sign_in", agent=name, **{"state": "available", **sign_in})
        return client

    def submit(self, name, **fields):
        return self.shop.call("contact.submit", id=self.id(name), **{"channel": "email", **fields})

    def history(self, name):
        return [row["kind"] for row in self.desk.call("contact.get", contact=self.id(name))["history"]]

    def until_fact(self, name, kind):
        until(lambda: kind in self.history(name), f"{kind} of {name}")

    def offered(self, client, name):
        return client.notice("offer", contact=self.id(name))["offer"]

    def take(self, client, name):
        offer = self.offered(client, name)
        client.call("offer.accept", offer=offer)
        return offer

    def agents_exist(self):
        self.admin.call("agent.put", agent="cy", name="陈一", skills={"zh": 5, "en": 2}, queues={"desk": 1, "held": 0},
                        capacity={"units": 300, "max": {"chat": 4}}, address="https://desk.example.com/cy")
        self.admin.call("agent.put", agent="dee", queues=["night"], capacity=60)
        self.admin.call("agent.put", agent="bot", queues=["misses"], skills={"refund": 5})
        self.admin.call("agent.put", agent="eve", queues=["refunds"], capacity=20, skills={"refund": 5, "zh": 4, "en": 4})
        self.admin.call("agent.put", agent="fay", queues=["refunds"], capacity=20, skills={"refund": 4, "zh": 5})
        self.admin.call("agent.put", agent="gone", queues=["held"])
        self.admin.call("agent.remove", agent="gone")

    def worked(self):
        """Offered with a receipt, accepted, transferred, offered to another, completed with wrap-up, rated."""
        ana = self.agent("ana", receipts=True, address="sip:ana-2@example.com")
        cy = self.agent("cy")
        self.submit("k1", queue="general", channel="chat", subject="退款", text="请问我的退款什么时候到账？", language="zh",
                    customer={"id": "顾客-1", "tier": "standard", "attributes": {"level": "silver", "积分": 1200}},
                    attributes={"order": "A-100", "amount": 12.5, "gift": True, "coupon": None}, skills={"refund": 2},
                    payload=b"\x00\x01\xfe\xff", expires_ms=3600000, lost_ms=3600000, boost_ms=60000,
                    received_at=int(time.time() * 1000) - 5000)
        offer = self.offered(ana, "k1")
        ana.call("offer.received", offer=offer)
        ana.call("offer.accept", offer=offer)
        self.shop.call("contact.update", contact=self.id("k1"), attributes={"order": "A-101", "coupon": None})
        ana.call("contact.transfer", contact=self.id("k1"), queue="desk", skills={"zh": 3}, issue="complaint", reason="needs a desk",
                 note="客户想退货 (wants to return it)", wrap_up_ms=3600000)
        self.take(cy, "k1")
        ana.call("contact.wrapped_up", contact=self.id("k1"))
        cy.call("contact.complete", contact=self.id("k1"), disposition="returned", resolved=False)
        self.shop.call("contact.rate", contact=self.id("k1"), score=4, kind="csat", comment="很好，谢谢 - fine, thanks")
        cy.call("contact.wrapped_up", contact=self.id("k1"))
        # To an agent by name, who declines; the customer leaves from the line.
        self.submit("k2", queue="general", text="a parcel was lost", language="en")
        self.take(ana, "k2")
        ana.call("contact.transfer", contact=self.id("k2"), agent="cy", reason="knows it")
        cy.call("offer.decline", offer=self.offered(cy, "k2"), reason="busy with returns")
        self.take(ana, "k2")
        # Given back for later; it comes back to the one who gave it.
        ana.call("contact.requeue", contact=self.id("k2"), reason="call back", note="after lunch",
                 not_before_at=int(time.time() * 1000) + 200, preferred_agent="ana")
        self.until_fact("k2", "contact_woken")
        self.take(ana, "k2")
        self.shop.call("contact.end", contact=self.id("k2"), reason="the customer hung up")
        # One without wrap-up, and one that continues it, for the same agent.
        self.submit("k3", queue="general", text="where is my order?", language="en")
        self.take(ana, "k3")
        ana.call("contact.complete", contact=self.id("k3"), disposition="told")
        cy.call("agent.set_state", state="away", reason="lunch")
        self.submit("k4", queue="held", reopens=self.id("k3"), parent=self.id("k1"), preferred_agent="cy", text="again: where?")
        return ana, cy

    def waited(self):
        """What becomes of those that no agent takes."""
        self.submit("k5", queue="quiet", text="急！", customer={"id": "顾客-2", "attributes": {"level": "gold"}},
                    received_at=int(time.time() * 1000) - 700)
        self.until_fact("k5", "contact_overdue")
        self.shop.call("contact.update", contact=self.id("k5"), kept="progress")
        self.submit("k6", queue="quiet", text="hello", expires_ms=50)
        self.until_fact("k6", "contact_expired")
        self.submit("k7", queue="quiet", text="nothing, sorry")
        self.shop.call("contact.cancel", contact=self.id("k7"), reason="found it")
        self.submit("k8", text="你好", queue="quiet")
        self.desk.call("contact.move", contact=self.id("k8"), queue="held")
        self.preferred()
        self.submit("k10", text="a thing", queue="quiet", language="en")
        self.shop.call("contact.update", contact=self.id("k10"), subject="Beschwerde", text="a complaint, 投诉", language="zh",
                       issue="refund", customer={"id": "顾客-3", "tier": "vip", "attributes": {"level": "gold"}},
                       attributes={"n": -7}, skills={"zh": 2}, boost_ms=-1000, payload=b"\xff" * 20)
        # Scheduled: one woken early, one that stays, one that keeps its place.
        hour = int(time.time() * 1000) + 3600000
        self.submit("k11", queue="refunds", text="call me", not_before_at=hour, expires_ms=600000, preferred_agent="eve",
                    skills={"zh": 1}, customer={"id": "c11", "tier": "vip"}, payload=b"p", boost_ms=5)
        self.shop.call("contact.update", contact=self.id("k11"), not_before_at=int(time.time() * 1000) + 100)
        self.until_fact("k11", "contact_woken")
        self.submit("k12", queue="quiet", text="later", subject="回电", not_before_at=hour, keeps_place=True, attributes={"a": 1},
                    parent=self.id("k11"), reopens=self.id("k3"), lost_ms=3600000, issue="refund", language="zh",
                    customer={"id": "c12", "attributes": {"b": 2}}, received_at=int(time.time() * 1000) - 100)

    def preferred(self):
        """Agents who are waited for because they are here and busy."""
        fay, eve = self.agent("fay"), self.agent("eve", address="sip:eve@example.com")
        for name, client in (("k20", fay), ("k21", eve)):
            self.submit(name, queue="refunds", text="money back", skills={"zh": 4} if client == fay else {"en": 4})
            self.take(client, name)
        self.submit("k9", queue="refunds", preferred_agent="eve", text="refund please", skills={"zh": 4})
        fay.call("contact.requeue", contact=self.id("k20"), reason="eve knows", note="退款单号 77", preferred_agent="eve")
        for name in ("k20", "k9"):
            self.until_fact(name, "contact_opened")
        fay.call("agent.sign_out")

    def refused(self):
        """Offers that come to nothing."""
        dee = self.agent("dee", reason="early shift")
        self.submit("k13", queue="night", channel="chat", text="anyone?")
        dee.call("offer.decline", offer=self.offered(dee, "k13"), reason="not mine")
        self.until_fact("k13", "contact_escalated")
        bo = self.agent("bo", receipts=True)
        self.submit("k14", queue="misses", text="miss me")
        bo.call("offer.received", offer=self.offered(bo, "k14"))
        self.until_fact("k14", "offer_timed_out")
        self.submit("k15", queue="night", text="take it back")
        self.offered(dee, "k15")
        dee.call("agent.set_state", state="away", reason="training")
        self.until_fact("k15", "offer_withdrawn")
        dee.call("agent.set_state", state="available")
        self.take(dee, "k15")
        self.desk.call("contact.move", contact=self.id("k15"), queue="quiet")
        dee.call("agent.sign_out")
        bo.call("agent.sign_out")

    def lost(self):
        """Connections end without a word."""
        visitor = self.client("connector", name="web")
        visitor.call("contact.submit", id=self.id("w1"), channel="chat", queue="quiet", text="在吗", lost_ms=3600000)
        visitor.drop()
        visitor = self.client("connector", name="web")
        visitor.call("contact.mine")
        lone = self.agent("dee")
        self.submit("k16", queue="night", text="lost")
        self.take(lone, "k16")
        lone.drop()
        self.until_fact("k16", "contact_requeued")
        visitor.drop()

    def configured(self):
        self.admin.call("config.apply", text=LATER)
        self.submit("k17", queue="夜班", text="夜里")

    def left_open(self, ana, cy):
        """Something in every state, and offers whose clocks run while the disk is slow."""
        cy.call("agent.set_state", state="available")
        self.take(cy, "k4")
        self.submit("k18", queue="desk", text="wrap me")
        self.take(cy, "k18")
        cy.call("contact.complete", contact=self.id("k18"), disposition="sold")
        self.agent("bot", mode="pull", auto_accept=True)
        self.submit("k19", queue="general", text="offered", payload=b"x")
        self.offered(ana, "k19")
        self.desk.call("contact.assign", contact=self.id("k8"), agent="cy")
        # Who asks while a batch is on its way to the disk notices how slow it is.
        for i in range(40):
            self.shop.send("contact.update", contact=self.id("k10"), attributes={"n": i})
            for number in [self.desk.send("queue.get", queue="quiet") for _ in range(50)]:
                self.desk.wait(number)

    def yesterday_is_over(self):
        """What a day before left open stands in no agent's way."""
        until(lambda: all(row["state"] == "signed_out" for row in self.desk.call("agent.list")["agents"]), "grace to end")
        for row in pages(self.desk, "contact.list", "contacts", state="waiting"):
            if row["queue"] != "quiet":
                self.desk.call("contact.cancel", contact=row["contact"], reason="a new day")

    def run(self):
        self.yesterday_is_over()
        self.agents_exist()
        ana, cy = self.worked()
        self.waited()
        self.refused()
        self.lost()
        self.configured()
        self.left_open(ana, cy)


def pad(server):
    """Until a checkpoint is there: it begins when the journal has grown by some MiB."""
    big = {"channel": "email", "queue": "quiet", "text": "x" * 60000, "payload": b"\0" * 60000}
    with Client(server, "connector", name="filler") as filler:
        for i in range(1000):
            if '"checkpoint"' in server.log():
                segments = server.folder / "journal"
                until(lambda: len(list(segments.glob("*.segment"))) <= 2, "what the checkpoint covers to be freed")
                return
            small = {} if i < 66 else {"text": "x" * 4000, "payload": b"\0" * 4000}
            filler.call("contact.submit", id=f"p{i}", **{**big, **small})
            filler.call("contact.cancel", contact=f"p{i}")
    raise AssertionError("no checkpoint came")


def figures(server, workspace):
    """What the live server says, as test_journal_facts words it."""
    with Client(server, "supervisor", workspace=workspace) as desk:
        queues = pages(desk, "queue.list", "queues")
        counts = ", ".join(f"{sum(row[state] for row in queues)} {state}" for state in ("waiting", "offered", "active"))
        return [f"{workspace}: seq {desk.hello['seq']}, epoch {desk.hello['epoch']}, ", counts]


def main():
    target = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-journal-"))  # on a disk: its syncs must take time
    server = Server(document(["default"]), journal="file", folder=folder)
    try:
        Tour(server, "default", "a").run()
        pad(server)
        server.kill()
        server.start()
        server.config.write_text(document(["default", "other"]))
        server.signal(signal.SIGHUP)
        until(lambda: "reloaded" in server.log(), "the other workspace")
        tours = [Tour(server, "default", "b"), Tour(server, "other", "b")]
        for tour in tours:
            tour.run()
        alive = [words for tour in tours for words in figures(server, tour.workspace)]
        server.kill()
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for path in sorted((folder / "journal").glob("*.segment")):
            (target / path.name).write_bytes(path.read_bytes())
            print(path.name, path.stat().st_size)
        subprocess.run([BIN / "test_journal_facts", target], check=True)
        page = (target / "expected.txt").read_text()
        for words in alive:
            assert words in page, f"the live server said: {words}"
    except BaseException:
        sys.stderr.write(server.log()[-3000:])
        raise
    finally:
        server.end()
        shutil.rmtree(folder)


main()

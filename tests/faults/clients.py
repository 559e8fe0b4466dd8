"""The load of the fault rig: connectors, agents and supervisors who behave by chance, from a seed, and a read-out at the end.

    load = Load(recorder, ["tcp://127.0.0.1:7700"], seed=1)
    await load.start(); ...faults...; await load.finish()

It works against any router that speaks the protocol. CONFIG is the configuration that goes with it (configuration() has it for several
workspaces); what the checker must know of that is in the record.
"""
import asyncio
import random

from link import Link, Refused
from recorder import digest

UNITS, ROOM, GRACE_MS, ANSWER_MS, DELIVERY_MS, HEARTBEAT_MS = 20, 60, 3000, 1500, 500, 1000
WORKSPACE = f"""
    grace: {GRACE_MS}ms
    max_misses: 1000
    tiers: [{{name: standard, answer: 2m}}]
    channels: [{{name: email, units: {UNITS}}}]
    queue_defaults: {{answer_clock: {ANSWER_MS}ms, delivery_clock: {DELIVERY_MS}ms, cool_down: 0s}}
    queues: [{{name: general}}, {{name: spanish, requires: {{es: 2}}}}]
"""


def configuration(workspaces):
    return f"node: {{heartbeat: {HEARTBEAT_MS}ms, segment: 64KiB}}\nworkspaces:\n" + "".join(f"  {name}:{WORKSPACE}" for name in workspaces)


CONFIG = configuration(["default"])
NEW = 4  # contacts, the latest of which a watcher looks at
READINGS = 4  # of everything, until nothing moves meanwhile
ENDED = ("completed", "cancelled", "expired", "diverted", "rejected")
LATER = ("unavailable", "draining", "rate_limited", "not_owner", "queue_full", "closed")
OVER = ("gone", "conflict", "not_found", "forbidden")


class Person:
    """What connectors and agents share: a link that is kept up, and a life beside it."""

    def __init__(self, load, client, role):
        self.load = load
        self.chance = random.Random(f"{load.seed} {client}")
        self.link = load.link(client, role, client, self.chance)
        self.tasks = set()

    async def live(self):
        while not self.load.over.is_set():
            await self.link.connect()
            try:
                await self.session()
            except Refused as refused:
                if refused.code not in LATER + OVER:
                    raise
                await self.rest(10, 80)
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.part_in_order()
        await self.link.close()

    async def part_in_order(self):
        """The day is over."""

    def begin(self, doing):
        task = asyncio.ensure_future(doing)
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not isinstance(task.exception(), Refused):
            self.load.failed(task.exception())

    async def rest(self, low, high):
        """People think, and look up: the load's own pace, in ms."""
        await asyncio.sleep(self.chance.uniform(low, high) / 1000)

    async def settled(self, op, **params):
        """As often as it takes until the outcome is known; None when the connection ended. Raises Refused when it is over."""
        while True:
            try:
                return await self.link.ask(op, **params)
            except Refused as refused:
                if refused.code not in LATER:
                    raise
                await self.rest(5, refused.error.get("retry_after_ms") or 50)


class Connector(Person):
    def __init__(self, load, client):
        super().__init__(load, client, "connector")
        self.unanswered = {}  # by id: the submission
        self.mine = []
        self.count = 0

    async def session(self):
        rows = await self.link.list("contact.mine")
        if rows is None:
            return
        for contact, params in list(self.unanswered.items()):
            self.begin(self.submit(contact, params))
        while not self.link.ended.is_set() and not self.load.over.is_set():
            if self.load.submitting and len(self.unanswered) < 20:
                self.count += 1
                contact = f"{self.link.name}-{self.count}"
                text = f"text of {contact} {self.chance.random()}"
                if self.chance.random() < 0.1:  # a long letter: more than a stream's script takes
                    text += self.chance.randbytes(1500).hex()
                self.unanswered[contact] = {"id": contact, "channel": "email", "text": text, "attributes": {"a": 0, "b": contact}}
                if self.chance.random() < 0.3:
                    self.unanswered[contact]["skills"] = {"es": self.chance.randrange(1, 4)}
                elif self.chance.random() < 0.3:
                    self.unanswered[contact]["queue"] = "spanish"
                if self.chance.random() < 0.1:
                    self.unanswered[contact]["expires_ms"] = self.chance.randrange(50, 3000)
                self.load.begin(contact, self)
                self.begin(self.submit(contact, self.unanswered[contact]))
            if self.mine and self.chance.random() < 0.5:
                self.begin(self.change(self.chance.choice(self.mine[-60:])))
            await self.rest(1, self.load.every_ms * 2)

    async def submit(self, contact, params):
        if await self.settled("contact.submit", told={"digest": digest(params["text"])}, **params) is not None:
            self.unanswered.pop(contact, None)
            self.mine.append(contact)
            self.load.accept()

    async def change(self, contact):
        r = self.chance.random()
        if r < 0.4:
            self.load.updates += 1
            await self.settled("contact.update", contact=contact, attributes={"a": self.load.updates, "b": self.load.updates})
        elif r < 0.6:
            await self.settled("contact.get", contact=contact)
        elif r < 0.75:
            await self.settled("contact.cancel", contact=contact)
        elif r < 0.85:
            await self.settled("contact.end", contact=contact)
        elif r < 0.9:
            await self.link.list("contact.mine")
        else:  # the same id again, as after a lost answer
            await self.settled("contact.submit", id=contact, channel="email")


class Agent(Person):
    def __init__(self, load, client, pull):
        super().__init__(load, client, "agent")
        self.mode = "pull" if pull else "push"
        self.known = False
        self.at_work = set()

    async def session(self):
        state = {} if self.known and self.chance.random() < 0.5 else {"state": "available"}
        signed_in = await self.settled("agent.sign_in", agent=self.link.name, mode=self.mode, **state)
        if signed_in is None:
            return
        self.known = True
        self.at_work.clear()
        for offer in signed_in["held"]:
            if offer["state"] == "offered":
                self.begin(self.decide(offer))
            elif offer["state"] == "active":
                self.begin(self.work(offer["contact"]))
            else:
                self.begin(self.wrap_up(offer["contact"]))
        if signed_in["state"] != "available":
            self.begin(self.come_back())
        if self.mode == "pull":
            self.begin(self.pull())
        self.begin(self.breaks())
        while (notice := await self.next_notice()) is not None:
            op, body = notice
            if op == "offer":
                self.begin(self.decide(body))
            elif op == "signed_out":
                return

    async def next_notice(self):
        """None when the connection has ended, or the day is over."""
        if self.link.ended.is_set() or self.load.over.is_set():
            return None
        waits = [asyncio.ensure_future(wait) for wait in (self.link.notices.get(), self.link.ended.wait(), self.load.over.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[0].result() if waits[0].done() else None
        finally:
            for wait in waits:
                wait.cancel()

    async def part_in_order(self):
        """Without it, grace times would run out in the middle of the read-out."""
        if not self.link.ended.is_set():
            await self.settled("agent.sign_out")

    async def pull(self):
        while not self.link.ended.is_set():
            pulled = await self.settled("agent.pull", max=self.chance.randrange(1, 3), wait_ms=self.chance.randrange(0, 300))
            if pulled is None:
                return
            for offer in pulled["offers"]:
                self.begin(self.decide(offer))
            await self.rest(1, 20)

    async def breaks(self):
        while not self.link.ended.is_set():
            await self.rest(200, 2000)
            if self.load.submitting and self.load.pauses:
                r = self.chance.random()
                if r < 0.1:
                    await self.settled("agent.sign_out")
                    self.link.abort()
                    return
                await self.settled("agent.set_state", state="away", reason="pause")
            await self.come_back()

    async def come_back(self):
        await self.rest(10, 200)
        await self.settled("agent.set_state", state="available")

    async def decide(self, offer):
        await self.rest(0, 30)
        r = self.chance.random() if self.load.submitting else 0
        if r > 1 - self.load.ring:
            return
        method = "offer.decline" if r > 0.9 - self.load.ring else "offer.accept"
        accepted = await self.settled(method, offer=offer["offer"], told={"contact": offer["contact"]})
        if method == "offer.accept" and accepted is not None:
            await self.work(offer["contact"])

    async def work(self, contact):
        if contact in self.at_work:
            return
        self.at_work.add(contact)
        try:
            await self.part(contact)
        finally:
            self.at_work.discard(contact)

    async def part(self, contact):
        await self.rest(5, 120)
        r = self.chance.random() if self.load.submitting else 0
        if r > 0.93:
            await self.settled("contact.transfer", contact=contact, queue=self.chance.choice(("general", "spanish")), wrap_up_ms=self.chance.choice((0, 50)))
        elif r > 0.86:
            await self.settled("contact.requeue", contact=contact, reason="again")
        else:
            wrap_up = self.chance.choice((0, 0, 60, 2000))
            done = await self.settled("contact.complete", contact=contact, disposition="done", wrap_up_ms=wrap_up)
            if done is not None and wrap_up > 60:
                await self.wrap_up(contact)

    async def wrap_up(self, contact):
        await self.rest(5, 60)
        await self.settled("contact.wrapped_up", contact=contact)


class Supervisor(Person):
    def __init__(self, load, client):
        super().__init__(load, client, "supervisor")

    async def session(self):
        while not self.link.ended.is_set() and not self.load.over.is_set():
            r = self.chance.random()
            if r < 0.4 and self.load.contacts:
                contact = self.chance.choice(list(self.load.contacts))
                try:
                    await self.link.ask("contact.get", contact=contact)
                except Refused as refused:
                    if refused.code not in OVER + LATER:
                        raise
            elif r < 0.5:
                await self.settled("agent.list")
            elif r < 0.6:
                await self.link.list("contact.list", state=self.chance.choice(("waiting", "offered", "active")))
            elif r < 0.65 and self.load.submitting and self.load.contacts:
                contact = self.chance.choice(list(self.load.contacts)[-40:])
                try:
                    await self.settled("contact.move", contact=contact, queue=self.chance.choice(("general", "spanish")))
                except Refused as refused:
                    if refused.code not in OVER:
                        raise
            await self.rest(5, 60)


class Watcher(Person):
    """Reads what is new, and what has not ended, again and again: nothing that is read may ever be undone."""

    def __init__(self, load, client):
        super().__init__(load, client, "supervisor")
        self.over = set()

    async def session(self):
        while not self.link.ended.is_set() and not self.load.over.is_set():
            contacts = list(self.load.contacts)
            left = [contact for contact in contacts[:-NEW] if contact not in self.over]
            self.chance.shuffle(left)
            await asyncio.gather(*(self.look(contact) for contact in contacts[-NEW:] + left[:NEW]))
            await self.rest(1, 20)

    async def look(self, contact):
        try:
            seen = await self.link.ask("contact.get", contact=contact)
        except Refused as refused:
            if refused.code not in OVER + LATER:
                raise
            return
        if seen is not None and seen["state"] in ENDED:
            self.over.add(contact)


class Load:
    def __init__(self, recorder, addresses, seed=1, connectors=3, agents=6, pullers=2, supervisors=1, watchers=0, every_ms=15,
                 workspace="default", through=None, dial=None, ring=0.04, pauses=True):
        """`through`, `dial`: see Link. `ring`: how many offers nobody answers. `pauses`: whether agents leave for some time, which
        takes their offers away."""
        self.recorder, self.addresses, self.seed, self.every_ms = recorder, addresses, seed, every_ms
        self.workspace, self.through, self.dial, self.ring, self.pauses = workspace, through, dial, ring, pauses
        self.contacts, self.updates, self.accepted, self.submitting = {}, 0, 0, True
        self.over, self.news = asyncio.Event(), asyncio.Event()
        self.names = [f"agent{i}" for i in range(agents)]
        self.profiles = {name: {"capacity": ROOM, "skills": {"es": 5 if i == 0 else i % 4 + 1}} for i, name in enumerate(self.names)}
        recorder.rig("config", grace_ms=GRACE_MS, answer_clock_ms=ANSWER_MS, delivery_clock_ms=DELIVERY_MS, channels={"email": UNITS}, agents=self.profiles,
                     queues={"general": {}, "spanish": {"skills": {"es": 2}}})
        self.people = ([Connector(self, f"shop{i}") for i in range(connectors)]
                       + [Agent(self, name, pull=i >= agents - pullers) for i, name in enumerate(self.names)]
                       + [Supervisor(self, f"desk{i}") for i in range(supervisors)]
                       + [Watcher(self, f"eye{i}") for i in range(watchers)])
        self.tasks = []

    def link(self, client, role, name, chance=None):
        return Link(self.recorder, self.addresses, client, role, name, chance, self.workspace, self.through, self.dial)

    def failed(self, problem):
        self.recorder.failure = self.recorder.failure or problem
        self.news.set()

    def begin(self, contact, connector):
        self.contacts[contact] = connector
        self.news.set()

    def accept(self):
        self.accepted += 1
        self.news.set()

    async def start(self):
        admin = self.link("admin", "admin", "admin")
        for name, profile in self.profiles.items():
            while True:
                if self.recorder.failure is not None:
                    raise self.recorder.failure
                if admin.ended.is_set():
                    await admin.connect()
                try:
                    if await admin.ask("agent.put", agent=name, told=profile, **profile) is not None:
                        break
                except Refused as refused:
                    if refused.code not in LATER:
                        raise
        await admin.close()
        self.tasks = [asyncio.ensure_future(person.live()) for person in self.people]
        for task in self.tasks:
            task.add_done_callback(lambda task: task.cancelled() or task.exception() is None or self.failed(task.exception()))

    async def until(self, condition, seconds):
        """Until contacts, submitted or accepted, make it true, while the people work; whether that was in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not condition():
            if self.recorder.failure is not None:
                raise self.recorder.failure
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), end - loop.time())
            except asyncio.TimeoutError:
                return condition()
        return True

    async def work(self, contacts, seconds=60):
        """Until so many contacts more have been submitted."""
        goal = len(self.contacts) + contacts
        if not await self.until(lambda: len(self.contacts) >= goal, seconds):
            raise AssertionError(f"waited {seconds} s in vain for {contacts} more contacts")

    async def finish(self, healed_ms=4500, drain_ms=60_000, enough=None):
        """After the last fault: some load still, the drain, the read-out. `enough`: of contacts accepted, to end that load early."""
        self.recorder.rig("healed")
        had = self.accepted
        await self.until(lambda: enough is not None and self.accepted - had >= enough, healed_ms / 1000)
        self.submitting = False
        self.recorder.rig("draining", within_ms=drain_ms)
        reader = self.link("reader", "supervisor", "reader")
        try:
            await asyncio.wait_for(self.drain(reader), drain_ms / 1000 + 20)
            self.recorder.rig("drained")
        except asyncio.TimeoutError:
            pass  # the checker says so
        self.over.set()
        await asyncio.gather(*self.tasks)
        if self.recorder.failure is not None:
            raise self.recorder.failure
        await self.nobody_there(reader)
        for _ in range(READINGS):  # another node may become the owner meanwhile, as it wants to some seconds after the last fault
            if await self.read_out(reader):
                break
        await reader.close()

    async def give_up(self):
        """Nothing of it goes on, whatever state it is in."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for person in self.people:
            for task in person.tasks:
                task.cancel()
            await asyncio.gather(*person.tasks, return_exceptions=True)
            await person.link.close()

    async def drain(self, reader):
        connectors = [person for person in self.people if isinstance(person, Connector)]
        while True:
            if self.recorder.failure is not None:
                raise self.recorder.failure
            left = await self.patiently(reader, lambda: reader.list("contact.list"))
            if left == [] and not any(person.unanswered for person in connectors):
                return
            await self.ask_again()

    @staticmethod
    async def ask_again():
        """What only the server knows is asked for at this pace."""
        await asyncio.sleep(0.05)

    @staticmethod
    async def patiently(reader, asking):
        """The answer; None when there is none yet, and whoever asks may ask again."""
        if reader.ended.is_set():
            await reader.connect()
        try:
            return await asking()
        except Refused as refused:
            if refused.code not in LATER:
                raise
            return None

    async def nobody_there(self, reader):
        """Until no agent is signed in, and so no grace time runs."""
        end = asyncio.get_running_loop().time() + 3 * GRACE_MS / 1000 + 20
        while asyncio.get_running_loop().time() < end:
            listed = await self.patiently(reader, lambda: reader.ask("agent.list"))
            if listed is not None and all(row["state"] == "signed_out" for row in listed["agents"]):
                return
            await self.ask_again()
        raise AssertionError("waited in vain for all agents to be signed out")

    async def read_out(self, reader):
        """Everything, between two hellos whose seq shows that nothing moved meanwhile; False when something did."""
        self.recorder.rig("final")
        await reader.connect(final=True)
        began = reader.floor
        try:
            for contact in self.contacts:
                try:
                    await reader.ask("contact.get", final=True, contact=contact)
                except Refused as refused:
                    if refused.code != "not_found":
                        raise
            for state in (None, *ENDED):
                await reader.list("contact.list", final=True, **({"state": state} if state else {}))
            for op, key in (("queue.list", "queues"), ("agent.list", "agents"), ("stats", "rows")):
                await self.read_rows(reader, op, key)
        except Refused as refused:
            if refused.code not in LATER:
                raise
            return False
        await reader.connect(final=True)
        return reader.floor == began

    async def read_rows(self, reader, op, key):
        asked, noted = ({"by": "channel"}, {"exact": ["submitted", "completed"]}) if op == "stats" else ({}, {})
        answer = await reader.ask(op, final=True, noted=noted, **asked)
        assert answer is None or "next" not in answer, f"{op} has more than a page of {key}"

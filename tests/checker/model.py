"""Legal histories by chance: a router of a few lines, and clients whose answers are late, lost, and out of order.

The router does one thing after the other; each request has its effect at some moment between being sent and being answered, and
where the answer is lost, sometimes none. Notifications arrive when they like. Now and then another owner takes over.
"""
import random

MS = 1_000_000
UNITS, ROOM = 20, 60
ENDED = ("completed", "cancelled", "expired")


class Model:
    def __init__(self, seed, contacts=30, agents=4, shops=2):
        self.random = random.Random(seed)
        self.events, self.order, self.calls = [], 0, 0
        self.now, self.epoch, self.seq = 0, 65536, 3
        self.contacts, self.offers = {}, 0
        self.goal, self.calm = contacts, False
        self.agents = {f"a{i}": {"state": "away", "free": 0, "connection": 0} for i in range(agents)}
        self.shops = [f"shop{i}" for i in range(shops)]
        self.skills = {agent: {"zh": self.random.randrange(2, 6)} for agent in self.agents}
        for client, role in [(agent, "agent") for agent in self.agents] + [(shop, "connector") for shop in self.shops] + [("read", "supervisor")]:
            self.add(0, kind="rig", what="client", client=client, role=role, name=client)
        self.add(0, kind="rig", what="config", grace_ms=600_000, channels={"email": UNITS},
                 agents={agent: {"capacity": ROOM, "skills": self.skills[agent]} for agent in self.agents})

    def add(self, t, **event):
        self.order += 1
        self.events.append((t, self.order, event))

    def fact(self, contact=None, kind=None, agent=None):
        self.seq += self.random.randrange(1, 4)  # facts of which nobody hears
        if contact is not None:
            contact["history"].append({"seq": self.seq, "kind": kind, **({"agent": agent} if agent else {})})
        return self.seq

    def pause(self, most=400):
        return self.random.randrange(1, most) * MS // 10

    def request(self, client, op, effect, asked=None, final=False):
        """`effect()` gives ("ok", fields) or ("fail", fields)."""
        self.calls += 1
        call, before, after = self.calls, self.pause(), self.pause()
        lost = not final and not self.calm and self.random.random() < 0.06
        happens = not lost or self.random.random() < 0.5
        ran_out = self.random.random() < 0.5  # an unknown one may take effect after its connection's end
        t0, at, t1 = self.now - before, self.now, self.now + after
        self.add(t0, kind="invoke", client=client, op=op, call=call, **({"final": True} if final else {}), **(asked or {}))
        outcome = effect() if happens else None
        if lost:
            self.add(t1 if not ran_out else at, kind="info", client=client, op=op, call=call)
            return None
        kind, fields = outcome
        self.add(t1, kind=kind, client=client, op=op, call=call, **fields)
        return outcome

    def pair(self):
        return {"epoch": self.epoch, "seq": self.seq}

    def notify(self, client, op, at=None, **fields):
        t = (at or self.now) + self.pause()
        self.add(t, kind="event", client=client, op=op, connection=self.agents.get(client, {}).get("connection", 0), **self.pair(), **fields)
        return t

    # ---- the router ----

    def route(self):
        for name, contact in self.contacts.items():
            fit = [agent for agent, it in self.agents.items() if it["state"] == "available" and self.used(agent) + UNITS <= ROOM
                   and self.skills[agent]["zh"] >= contact["need"]]
            if contact["state"] == "waiting" and fit:
                agent = self.random.choice(fit)
                self.offers += 1
                contact.update(state="offered", agent=agent, offer=f"o{self.offers}")
                self.fact(contact, "contact_offered", agent)
                contact["heard"] = self.notify(agent, "offer", contact=name, offer=contact["offer"], channel="email",
                                               attributes=dict(contact["attributes"]), digest=contact["digest"])
                self.changed(name)

    def used(self, agent):
        return UNITS * sum(contact["agent"] == agent for contact in self.contacts.values())

    def changed(self, name):
        contact = self.contacts[name]
        fields = {"agent": contact["agent"], "offer": contact["offer"]} if contact["agent"] else {}
        self.notify(contact["shop"], "contact.changed", contact=name, state=contact["state"], **fields)

    def leave(self, name, state, kind, agent=None):
        contact = self.contacts[name]
        contact.update(state=state, agent=None, offer=None)
        self.fact(contact, kind, agent)
        self.changed(name)

    def withdraw(self, name, reason):
        contact = self.contacts[name]
        agent, offer = contact["agent"], contact["offer"]
        contact.update(state="waiting", agent=None, offer=None)
        self.fact(contact, "offer_withdrawn", agent)
        self.notify(agent, "offer.withdrawn", contact=name, offer=offer, reason=reason)

    def answer(self, name, **more):
        return "ok", {"state": self.contacts[name]["state"], **self.pair(), **more}

    def gone(self, name):
        return "fail", {"code": "gone", "field": "contact", "reason": self.contacts[name]["state"]}

    # ---- what clients do ----

    def submit(self, name=None):
        name = name or f"k{len(self.contacts) + 1}"
        if name in self.contacts:
            shop, asked = self.contacts[name]["shop"], self.contacts[name]["asked"]
        else:
            shop = self.random.choice(self.shops)
            asked = {"contact": name, "attributes": {"a": 0, "b": f"{name}"}, "digest": f"d{name}", "skills": {"zh": self.random.randrange(1, 4)}}

        def effect():
            known = self.contacts[name]
            if known["state"] is not None:
                return self.answer(name, duplicate=True)
            if not self.calm and self.random.random() < 0.05:
                return "fail", {"code": "unavailable", "retry_after_ms": 5}
            known["state"] = "waiting"
            self.fact(known, "contact_queued")
            return self.answer(name, duplicate=False)
        self.contacts.setdefault(name, {"shop": shop, "state": None, "agent": None, "offer": None, "attributes": dict(asked["attributes"]),
                                        "digest": asked["digest"], "need": asked["skills"]["zh"], "history": [], "asked": asked, "heard": 0})
        self.request(shop, "contact.submit", effect, asked)

    def update(self, name):
        contact = self.contacts[name]
        values = {"a": self.calls + 1, "b": self.calls + 1}

        def effect():
            if contact["state"] is None:
                return "fail", {"code": "not_found"}
            if contact["state"] in ENDED:
                return self.gone(name)
            contact["attributes"].update(values)
            self.fact(contact, "contact_updated")
            return self.answer(name)
        self.request(contact["shop"], "contact.update", effect, {"contact": name, "attributes": values})

    def cancel(self, name):
        contact = self.contacts[name]

        def effect():
            if contact["state"] is None:
                return "fail", {"code": "not_found"}
            if contact["state"] in ENDED:
                return self.gone(name)
            if contact["state"] in ("active", "wrapping"):
                return "fail", {"code": "conflict", "state": contact["state"]}
            if contact["state"] == "offered":
                self.withdraw(name, "cancelled")
            self.leave(name, "cancelled", "contact_cancelled")
            return self.answer(name)
        self.request(contact["shop"], "contact.cancel", effect, {"contact": name})

    def get(self, name, client=None, final=False):
        contact = self.contacts[name]

        def effect():
            if contact["state"] is None:
                return "fail", {"code": "not_found"}
            row = {"contact": name, "state": contact["state"], "attributes": dict(contact["attributes"])}
            return "ok", dict(row, history=[dict(line) for line in contact["history"]]) if final else row
        self.request(client or contact["shop"], "contact.get", effect, {"contact": name}, final)

    def mine(self, shop):
        def effect():
            return "ok", {"complete": True, "rows": [{"contact": name, "state": contact["state"]} for name, contact in self.contacts.items()
                                                     if contact["shop"] == shop and contact["state"] not in (None, *ENDED)]}
        self.request(shop, "contact.mine", effect)

    def sign_in(self, agent):
        state = self.random.choice(("available", "available", "away"))

        def effect():
            self.set_to(agent, state)
            self.fact()
            held = [{"contact": name, "offer": contact["offer"], "state": contact["state"], "channel": "email"}
                    for name, contact in self.contacts.items() if contact["agent"] == agent]
            return "ok", {"state": state, "held": held, **self.pair()}
        self.agents[agent]["connection"] += 1
        self.request(agent, "agent.sign_in", effect, {"state": state})

    def set_to(self, agent, state):
        self.agents[agent]["state"] = state
        if state == "away":
            for name, contact in self.contacts.items():
                if contact["agent"] == agent and contact["state"] == "offered":
                    self.withdraw(name, "away")

    def set_state(self, agent):
        state = self.random.choice(("available", "away"))

        def effect():
            self.set_to(agent, state)
            self.fact()
            return "ok", {"state": state, **self.pair()}
        self.request(agent, "agent.set_state", effect, {"state": state})

    def answer_offer(self, name, method):
        contact = self.contacts[name]
        agent, offer = contact["agent"], contact["offer"]

        def effect():
            if contact["offer"] != offer:
                return "fail", {"code": "gone", "reason": "timed_out"}
            if method == "offer.decline" and contact["state"] == "offered":
                self.leave(name, "waiting", "offer_declined", agent)
                return self.answer(name)
            if contact["state"] == "offered":
                contact["state"] = "active"
                self.fact(contact, "offer_accepted", agent)
                self.changed(name)
            return self.answer(name) if method == "offer.accept" else ("fail", {"code": "conflict"})
        if self.request(agent, method, effect, {"contact": name, "offer": offer}) is None:
            self.now += self.pause()
            self.request(agent, method, effect, {"contact": name, "offer": offer})

    def part(self, name, method):
        contact = self.contacts[name]
        agent = contact["agent"]
        to, kind = ("completed", "contact_completed") if method == "contact.complete" else ("waiting", "contact_requeued")

        def effect():
            if contact["state"] in ENDED:
                return self.gone(name)
            if contact["state"] != "active" or contact["agent"] != agent:
                return "fail", {"code": "not_found"}
            self.leave(name, to, kind, agent)
            return self.answer(name)
        self.request(agent, method, effect, {"contact": name})

    def take_over(self):
        self.add(self.now, kind="fault", what="kill")
        self.epoch += 65536
        self.fact()
        for agent in self.agents:
            self.now += self.pause()
            self.sign_in(agent)
        for shop in self.shops:
            self.now += self.pause()
            self.mine(shop)

    # ---- the day ----

    def step(self):
        self.now += self.pause()
        self.route()
        self.now += self.pause()
        name = self.random.choice(list(self.contacts) or [None])
        state = self.contacts[name]["state"] if name else None
        heard = name is not None and self.contacts[name]["heard"] < self.now - 50 * MS
        r = self.random.random()
        if r < 0.2 and len(self.contacts) < self.goal or name is None:
            self.submit()
        elif r < 0.25:
            self.submit(name)
        elif r < 0.32:
            self.update(name)
        elif r < 0.35:
            self.cancel(name)
        elif r < 0.40:
            self.get(name)
        elif r < 0.43:
            self.mine(self.random.choice(self.shops))
        elif r < 0.47:
            self.set_state(self.random.choice(list(self.agents)))
        elif r < 0.48:
            self.sign_in(self.random.choice(list(self.agents)))
        elif r < 0.49:
            self.take_over()
        elif state == "offered" and heard:
            if r < 0.55:
                self.withdraw(name, "timed_out")
                self.changed(name)
            else:
                self.answer_offer(name, "offer.accept" if r < 0.85 else "offer.decline")
        elif state == "active" and heard:
            self.part(name, "contact.complete" if r < 0.85 else "contact.requeue")

    def history(self, steps=400):
        for _ in range(steps):
            self.step()
        self.now += 1000 * MS
        self.add(self.now, kind="rig", what="healed")
        self.add(self.now, kind="rig", what="draining", within_ms=60_000)
        for name in self.contacts:
            self.now += self.pause()
            while self.contacts[name]["state"] is None:
                self.now += self.pause()
                self.submit(name)
        self.calm = True
        for _ in range(5):
            self.now += 700 * MS
            self.submit()
        for agent in self.agents:
            self.now += self.pause()
            self.request(agent, "agent.set_state", lambda agent=agent: (self.set_to(agent, "available"), self.fact(),
                                                                       ("ok", {"state": "available", **self.pair()}))[2], {"state": "available"})
        for _ in range(40 * self.goal):
            open_ones = [name for name, contact in self.contacts.items() if contact["state"] not in ENDED]
            if not open_ones:
                break
            self.now += 60 * MS
            self.route()
            self.now += 60 * MS
            name = self.random.choice(open_ones)
            state = self.contacts[name]["state"]
            if state is None:
                self.submit(name)
            elif state == "offered":
                self.answer_offer(name, "offer.accept")
            elif state == "active":
                self.part(name, "contact.complete")
            elif state == "waiting":
                self.cancel(name)
        self.now += 1000 * MS
        self.add(self.now, kind="rig", what="drained")
        self.read_out()
        return [dict(event, t=t) for t, _, event in sorted(self.shifted(), key=lambda each: each[:2])]

    def shifted(self):
        return [(max(t, 0) + 1000 * MS, order, event) for t, order, event in self.events]

    def read_out(self):
        self.now += 1000 * MS
        self.add(self.now, kind="rig", what="final")

        def read(op, answer, **asked):
            self.now += 100 * MS
            self.request("read", op, lambda: ("ok", answer), asked, final=True)
        read("hello", self.pair())
        for name in self.contacts:
            self.now += 100 * MS
            self.get(name, "read", final=True)
        for state in (None, *ENDED):
            rows = [{"contact": name, "state": contact["state"], "queue": "q"} for name, contact in self.contacts.items()
                    if contact["state"] is not None and (contact["state"] == state or (state is None and contact["state"] not in ENDED))]
            read("contact.list", {"complete": True, "rows": rows}, **({"state": state} if state else {}))
        count = sum(contact["state"] is not None for contact in self.contacts.values())
        live = [contact["state"] for contact in self.contacts.values()]
        read("queue.list", {"rows": [{"queue": "q", **{state: live.count(state) for state in ("waiting", "offered", "active")}}]})
        read("agent.list", {"rows": [{"agent": agent, "held": {"email": self.used(agent) // UNITS}, "used": self.used(agent), "units": ROOM}
                                     for agent in self.agents]})
        read("stats", {"exact": ["submitted", "completed"], "rows": [{"key": "email", "submitted": count, "completed": live.count("completed")}]})
        read("hello", self.pair())
        self.add(self.now + 15_000 * MS, kind="rig", what="end")

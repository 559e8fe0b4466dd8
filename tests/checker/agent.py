"""One agent's load and sessions: I5, I16 and, of its `held`, I17."""
import bisect
import collections

from history import NEVER, Event, Op
from workspace import Causes

LEAVES = {"contact.complete", "contact.transfer", "contact.requeue"}


class Agent:
    def __init__(self, name, records, workspace, verdict):
        self.name, self.ws, self.verdict = name, workspace, verdict
        self.ops = [Op(*record[1:]) for record in records if record[0] == "op"]
        self.events = [Event(*record[1:]) for record in records if record[0] == "event"]
        self.rows = [Op(*record[1:]) for record in records if record[0] == "row"]

    def say(self, invariant, text, *lines):
        self.verdict.add(invariant, f"{self.name}: {text}", *lines)

    def judge(self):
        self.lives = self.live_offers()
        self.capacity()
        self.not_ready()
        self.held()

    # ---- what it certainly has, from which seq to which ----

    def live_offers(self):
        """By offer: [first seq, last seq, contact, channel, lines], the span in which it certainly takes room of the agent's."""
        lives = {}

        def alive(offer, seq, contact, line, channel=None):
            if offer is None or seq is None:
                return
            life = lives.setdefault(offer, [seq, seq, contact, None, {}])
            life[0], life[1] = min(life[0], seq), max(life[1], seq)
            life[2], life[3] = life[2] or contact, life[3] or channel
            life[4].setdefault(line)

        for event in self.events:
            if event.op == "offer":
                alive(event.told.get("offer"), event.seq, event.told.get("contact"), event.line, event.told.get("channel"))
        accepted = collections.defaultdict(set)  # by contact: its offers that may have been accepted
        for op in self.ops:
            if op.op == "offer.accept" and op.outcome != "fail":
                accepted[op.asked.get("contact")].add(op.asked.get("offer"))
                if op.outcome == "ok" and op.answer.get("state") == "active":
                    alive(op.asked.get("offer"), op.seq, op.asked.get("contact"), op.line1)
            elif op.op == "agent.sign_in" and op.outcome == "ok":
                for row in op.answer.get("held", ()):
                    alive(row.get("offer"), op.seq, row.get("contact"), op.line1, row.get("channel"))
        for op in self.ops:
            if op.op == "contact.complete" and op.outcome == "ok" and op.seq is not None:
                offers = accepted[op.asked.get("contact")]
                again = any(other is not op and other.op == op.op and other.asked.get("contact") == op.asked.get("contact")
                            and other.outcome != "fail" for other in self.ops_of(op.asked.get("contact")))
                if len(offers) == 1 and not again and next(iter(offers)) in lives:
                    alive(next(iter(offers)), op.seq if op.answer.get("state") == "wrapping" else op.floor[1], None, op.line1)
        return lives

    def ops_of(self, contact):
        if not hasattr(self, "by_contact"):
            self.by_contact = collections.defaultdict(list)
            for op in self.ops:
                self.by_contact[op.asked.get("contact")].append(op)
        return self.by_contact[contact]

    # ---- I5 ----

    def capacity(self):
        profiles = [profile["capacity"] for profile in self.ws.profiles.get(self.name, ()) if profile.get("capacity") is not None]
        units_of = self.ws.config.get("channels") or {}
        room = max([each if isinstance(each, int) else each.get("units", 0) for each in profiles], default=None)
        if len(profiles) < len(self.ws.profiles.get(self.name, ())):
            room = None  # one that leaves the capacity to the server
        if room is not None:
            self.sweep(room, lambda channel: units_of.get(channel, 0), "units")
        for channel in units_of:
            most = [each.get("max", {}).get(channel) for each in profiles if not isinstance(each, int)]
            if profiles and len(most) == len(profiles) and None not in most:
                self.sweep(max(most), lambda other, channel=channel: other == channel, f"of {channel}")
        for row in self.rows:
            lowered = len(profiles) > 1
            if not lowered and row.answer.get("used", 0) > row.answer.get("units", NEVER):
                self.say("I5", f"{row.answer['used']} of {row.answer['units']} units are used", row)

    def sweep(self, room, weight, words):
        changes = []
        only = next(iter(self.ws.config.get("channels") or {}), None) if len(self.ws.config.get("channels") or {}) == 1 else None
        for offer, (first, last, _, channel, _) in self.lives.items():
            units = weight(channel or only)
            if units and last >= first:
                changes += [(first, 1, units, offer), (last + 1, 0, units, offer)]
        held, used = {}, 0
        for seq, begins, units, offer in sorted(changes):
            used += units if begins else -units
            if begins:
                held[offer] = units
            else:
                held.pop(offer, None)
            if used > room:
                lines = [line for other in held for line in list(self.lives[other][4])[:2]]
                self.say("I5", f"at seq {seq} it has {', '.join(held)}: {used} {words}, and room for {room}", *lines)
                return

    # ---- I16 ----

    def not_ready(self):
        """No new offer behind the answer that made it away or signed out, unless something may have made it available since."""
        stops = [op for op in self.ops if op.outcome == "ok" and op.seq is not None
                 and (op.op == "agent.sign_out" or (op.op == "agent.set_state" and op.answer.get("state", op.asked.get("state")) == "away")
                      or (op.op == "agent.sign_in" and op.answer.get("state") == "away"))]
        starts = [op for op in self.ops if op.outcome != "fail" and (
            (op.op == "agent.set_state" and op.asked.get("state") == "available")
            or (op.op == "agent.sign_in" and (op.asked.get("state") == "available" or op.answer.get("state") == "available")))]
        returns = [event for event in self.events if event.op == "agent.changed" and event.told.get("state") == "available"]
        stops.sort(key=lambda op: op.seq)
        unknown = min((op.t0 for op in starts if op.outcome == "info" or op.seq is None), default=NEVER)
        known = sorted((op.seq, op.floor[1], op.t0) for op in starts if op.outcome == "ok" and op.seq is not None)
        known += sorted((event.seq, event.seq - 1, 0) for event in returns if event.seq is not None)
        known.sort()
        at, last = 0, None
        for event in sorted((event for event in self.events if event.op == "offer" and event.seq is not None), key=lambda event: event.seq):
            while at < len(stops) and stops[at].seq < event.seq:
                last = stops[at]
                at += 1
            if last is not None and unknown >= event.t and not self.started(known, last, event):
                self.say("I16", f"{last.op} at seq {last.seq}, and an offer at seq {event.seq}", last, event)

    @staticmethod
    def started(known, last, event):
        """Whether what made it available lies behind the one and before the other."""
        for i in range(bisect.bisect_right(known, (last.seq, NEVER)), len(known)):
            _, floor, t0 = known[i]
            if floor < event.seq and t0 < event.t:
                return True
            if floor >= event.seq:
                return False
        return False

    # ---- I17 ----

    def held(self):
        """What it certainly held at the seq of a sign-in is in the answer to it, once."""
        sign_ins = sorted((op for op in self.ops if op.op == "agent.sign_in" and op.outcome == "ok" and op.seq is not None
                           and "held" in op.answer), key=lambda op: op.seq)
        lives = sorted(((life[0], life[1], offer) for offer, life in self.lives.items()), reverse=True)
        open_ones = []
        for op in sign_ins:
            offers = [row.get("offer") for row in op.answer["held"]]
            if len(set(offers)) < len(offers):
                self.say("I17", "its held has an offer twice", op)
            while lives and lives[-1][0] < op.seq:
                open_ones.append(lives.pop())
            open_ones = [life for life in open_ones if life[1] > op.seq]
            for _, _, offer in open_ones:
                if offer not in offers:
                    _, _, contact, _, lines = self.lives[offer]
                    self.say("I17", f"its held leaves out {contact} ({offer}), which it had before and after", *list(lines)[:1], op, *list(lines)[-1:])
        self.kept(sign_ins)

    def kept(self, sign_ins):
        """What it had accepted, and nothing can have taken from it, it still has."""
        held = [{row.get("contact") for row in op.answer["held"]} for op in sign_ins]
        gone = self.ws.gone.get(self.name, Causes())
        for accept in self.ops:
            if accept.op != "offer.accept" or accept.outcome != "ok" or accept.answer.get("state") != "active" or accept.seq is None:
                continue
            contact = accept.asked.get("contact")
            causes = Causes()
            for op in self.ops_of(contact):
                if op.op in LEAVES:
                    causes.add(op)
            for i in range(bisect.bisect_right(sign_ins, accept.seq, key=lambda op: op.seq), len(sign_ins)):
                sign_in = sign_ins[i]
                if any(each.between(accept.seq, NEVER, sign_in.t1) for each in (causes, gone, self.ws.touched.get(contact, causes))) \
                        or self.ws.may_have_lost(self.name, accept.t0, sign_in.t1):
                    break
                if contact not in held[i]:
                    self.say("I17", f"its held leaves out {contact}, which it had accepted", accept, sign_in)
                    break

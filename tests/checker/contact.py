"""One contact's life: I1 to I4, I12 to I15, I17 (contact.mine), I18 and I20.

Time is the seq of the workspace: an answer and a notification carry the seq of the last fact before them, so what they say
is true at exactly that seq, in whatever order they arrived. Such a thing is a Point. A read carries none, so it is only known
to be true at some moment between its request and its answer. An `info` may have happened at any moment after its request.
"""
import bisect
import collections

import clocks
import story
import words
from history import NEVER, Event, Op
from workspace import Causes

TERMINAL = {"completed", "cancelled", "expired", "diverted", "rejected", "ended"}
IN_LINE = {"scheduled", "waiting"}
LIVE = {"offered", "active"}  # held for, or by, one agent through one offer
# Methods whose answer has the contact's state at its seq.
STATEFUL = {"contact.submit", "contact.update", "contact.cancel", "contact.end", "contact.rate", "contact.complete", "contact.transfer",
            "contact.requeue", "contact.move", "contact.assign", "offer.received", "offer.accept", "offer.decline"}
BY_HOLDER = {"contact.complete", "contact.transfer", "contact.requeue"}
REPEATED = {"contact.complete", "contact.transfer", "contact.requeue", "contact.move", "contact.assign", "offer.decline"}
RELEASES = {"contact.transfer", "contact.requeue", "contact.move", "contact.assign"}  # what takes an active contact from its agent
GONE_AFTER = {"contact.cancel", "contact.end", "contact.complete", "contact.transfer", "contact.requeue", "offer.accept", "offer.decline"}
LAST = NEVER

Point = collections.namedtuple("Point", "seq state agent offer tlo thi source")
Read = collections.namedtuple("Read", "tlo thi state agent source final")


class Contact:
    def __init__(self, name, records, workspace, verdict):
        self.name, self.ws, self.verdict, self.takers = name, workspace, verdict, None
        self.ops = [Op(*record[1:]) for record in records if record[0] == "op"]
        self.events = [Event(*record[1:]) for record in records if record[0] == "event"]
        self.rows = [Op(*record[1:]) for record in records if record[0] == "row"]
        self.submits = [op for op in self.ops if op.op == "contact.submit"]
        self.accepted = [op for op in self.submits if op.outcome == "ok"]
        self.possible = [op for op in self.submits if op.outcome != "fail"]
        self.accepts = [op for op in self.ops if op.op == "offer.accept"]
        self.points = sorted(self.make_points(), key=lambda point: point.seq)
        self.reads = sorted(self.make_reads(), key=lambda read: (read.tlo, read.thi))

    def say(self, invariant, text, *lines):
        self.verdict.add(invariant, f"{self.name}: {text}", *(line.source if isinstance(line, (Point, Read)) else line for line in lines))

    def judge(self):
        if not self.origin():
            return
        self.identity()
        self.one_offer()
        self.moves()
        self.holders()
        self.ends_of_offers()
        self.ended()
        self.reads_of_held()
        self.mine()
        if self.ws.final is not None:
            self.finally_there()
        words.judge(self)
        clocks.judge(self)
        for op in self.ops:
            if op.op == "contact.get" and op.outcome == "ok" and op.answer.get("history"):
                story.judge(self, op)

    # ---- what is known ----

    def make_points(self):
        first = min([op.t0 for op in self.submits], default=0)
        began = {}  # by offer: since when it may have been accepted
        for op in self.accepts:
            if op.outcome != "fail":
                began[op.asked.get("offer")] = min(op.t0, began.get(op.asked.get("offer"), NEVER))
        for op in self.ops:
            state = op.answer.get("state")
            if op.outcome != "ok" or op.seq is None or not state:
                continue
            if op.op in REPEATED and any(other.op == op.op and other.client == op.client and other.t0 < op.t0 and other.outcome != "fail"
                                         for other in self.ops):
                continue  # it answers as the first time
            if op.op in STATEFUL:
                agent = op.who if op.role == "agent" and op.op.startswith("offer.") and state in LIVE else None
                yield Point(op.seq, state, agent, op.asked.get("offer") if agent else None, op.t0, op.t1, op)
            elif op.op == "contact.wrapped_up" and state in TERMINAL and not any(
                    other.op == "contact.transfer" and other.outcome != "fail" for other in self.ops):
                yield Point(op.seq, state, None, None, op.t0, op.t1, op)
        for event in self.events:
            told, state, agent = event.told, event.told.get("state"), None
            if event.seq is None:
                continue
            if event.op == "offer":
                state, agent = "active" if event.who in self.ws.auto_accept else "offered", event.who
            elif event.op == "contact.ended":  # or the wrap-up of one who had passed it on
                state = None if any(op.op in ("contact.transfer", "contact.requeue", "contact.move") for op in self.ops) else "ended"
            elif event.op == "contact.changed":
                agent = told.get("agent") if state in LIVE else None
            elif event.op != "contact.updated":
                continue
            if state:
                tlo = began.get(told.get("offer"), first) if state == "active" else first
                yield Point(event.seq, state, agent, told.get("offer") if state in LIVE else None, min(tlo, event.t), event.t, event)
        for row in self.rows:
            if row.op == "held" and row.answer.get("state") in LIVE and row.seq is not None:
                yield Point(row.seq, row.answer["state"], row.who, row.answer.get("offer"), row.t0, row.t1, row)

    def make_reads(self):
        for op in self.ops + self.rows:
            if op.op in ("contact.get", "contact.list", "contact.mine") and op.outcome == "ok":
                yield Read(op.t0, op.t1, op.answer.get("state"), op.answer.get("agent"), op, op.final)
            elif op.outcome == "fail" and op.code == "gone" and op.answer.get("field") == "contact" and op.op in GONE_AFTER:
                yield Read(op.t0, op.t1, "ended", None, op, op.final)

    # ---- I2, I12, I20: where it comes from ----

    def origin(self):
        """False when it never was: then nothing else is asked."""
        seen = [(point.thi, point.source) for point in self.points if point.source not in self.accepted]
        seen += [(read.thi, read.source) for read in self.reads]
        seen += [(op.t1, op) for op in self.ops if op.outcome == "ok" and op.op != "contact.submit"]
        if not seen:
            return bool(self.possible)
        t, first = min(seen, key=lambda each: each[0])
        if any(op.t0 < t for op in self.possible):
            return True
        if self.ws.nameless:  # a submission without an id, whose answer nobody got
            return False
        refused = [op for op in self.submits if op.outcome == "fail" and op.code != "conflict" and op.t0 < t]
        if refused:
            self.say("I20", f"it was refused ({refused[0].code}), and there it is", refused[0], first)
        else:
            self.say("I2", "nobody had submitted it", first)
        return False

    def identity(self):
        """The same id again is the same contact, and the answer says so."""
        new = [op for op in self.accepted if not op.answer.get("duplicate")]
        if len(new) > 1:
            self.say("I12", "submitted again, it was a new contact", *new)
        for op in self.submits:
            others = [other for other in self.possible if other is not op and other.t0 < op.t1]
            if op.outcome == "ok" and op.answer.get("duplicate") and not others and not self.ws.replays:
                refused = [other for other in self.submits if other.outcome == "fail" and other.t0 < op.t1 and other.code != "conflict"]
                if refused:
                    self.say("I20", "a refused submission had taken effect: the next is a duplicate", refused[0], op)
                else:
                    self.say("I12", "the first submission was called a duplicate", op)
            if op.outcome == "ok" and op.answer.get("contact", self.name) != self.name:
                self.say("I12", f"the answer calls it {op.answer['contact']}", op)
            if op.outcome == "fail" and op.code == "conflict" and {other.who for other in self.submits} == {op.who}:
                self.say("I12", "its own connector, submitting it again, was refused with conflict", op)
        for op in new:
            for other in self.accepted:
                if other.answer.get("duplicate") and (other.t1 < op.t0 or (other.seq or 0) < (op.seq or 0)):
                    self.say("I12", "it was a duplicate before it was new", other, op)

    # ---- I3, I4, I13: one at a time, in the order of seq ----

    def one_offer(self):
        agents = {}  # by offer
        over = {}    # offers that another one, or none, has followed
        current = None
        before = None
        for point in self.points:
            if point.offer is not None and point.agent is not None:
                known = agents.setdefault(point.offer, point)
                if known.agent != point.agent:
                    self.say("I4", f"offer {point.offer} is both {known.agent}'s and {point.agent}'s", known, point)
            if before is not None and before.seq == point.seq:
                self.at_once(before, point)
            if point.state in LIVE and point.offer is not None:
                ended = over.get(point.offer)
                if ended is not None and ended.seq < point.seq:
                    name = "I4" if ended.state in LIVE else "I14"
                    self.say(name, f"offer {point.offer} is {point.state} at seq {point.seq}, though the contact was {ended.state} "
                             f"without it at seq {ended.seq}", agents.get(point.offer), ended, point)
                if current is not None and current.offer != point.offer and current.seq < point.seq:
                    over.setdefault(current.offer, point)
                current = point
            elif point.state in IN_LINE and current is not None and current.seq < point.seq:
                over.setdefault(current.offer, point)
                current = None
            before = point

    def at_once(self, a, b):
        """Two words about the same seq."""
        if a.agent and b.agent and a.agent != b.agent:
            self.say("I3" if a.state == b.state == "active" else "I4",
                     f"at seq {a.seq} it is {a.state} at {a.agent} and {b.state} at {b.agent}", a, b)
        elif a.offer and b.offer and a.offer != b.offer:
            self.say("I4", f"at seq {a.seq} both {a.offer} and {b.offer} are live", a, b)

    def moves(self):
        """From each point to the next, and from the last one to the last read of all."""
        route = list(self.points)
        if route and self.reads:
            read = self.reads[-1]
            if read.tlo > max(point.thi for point in route) and read.state:
                route.append(Point(LAST, read.state, None, None, read.tlo, read.thi, read.source))
        holder = None
        for p, q in zip(route, route[1:]):
            if p.state == "active" and (p.agent or holder is None):
                holder = p if p.agent else None
            elif p.state != "active":
                holder = None
            if p.seq == q.seq:
                if (p.state in TERMINAL) != (q.state in TERMINAL):
                    self.say("I13", f"at seq {p.seq} it is {p.state} and {q.state}", p, q)
            elif p.state in TERMINAL and q.state not in TERMINAL:
                self.say("I13", f"{p.state} at seq {p.seq}, and {q.state} later", p, q)
            elif p.state == "wrapping" and q.state not in ("wrapping", "completed", "ended"):
                self.say("I15" if q.state in TERMINAL else "I13", f"wrapping at seq {p.seq}, and {q.state} later", p, q)
            elif p.state == "active" and holder is not None:
                parted = q.state in IN_LINE or q.state == "offered" or (q.state == "active" and q.offer not in (None, holder.offer))
                lost = q.state in TERMINAL and q.state not in ("completed", "ended")
                if (parted or lost) and not self.released(holder, q):
                    self.say("I15" if lost else "I3", f"active at {holder.agent} at seq {p.seq}, and {q.state}"
                             f"{f' at {q.agent}' if q.agent else ''} later, though nothing took it from {holder.agent}", holder, q)

    def released(self, p, q):
        """Whether anything can have taken an active contact from the agent of p, after p and before q."""
        if self.takers is None:
            self.takers = Causes()
            for op in self.ops:
                if op.op in RELEASES:
                    self.takers.add(op)
        gone = self.ws.gone.get(p.agent)
        return (self.takers.between(p.seq, q.seq, q.thi) or (gone is not None and gone.between(p.seq, q.seq, q.thi))
                or self.ws.may_have_lost(p.agent, p.tlo, q.thi))

    # ---- I3, I15, I17: who works it has taken it ----

    def holders(self):
        for point in self.points:
            if point.state != "active" or not point.agent or point.agent in self.ws.auto_accept:
                continue
            mine = [op for op in self.accepts if op.who == point.agent and op.t0 < point.thi
                    and (point.offer is None or op.asked.get("offer") == point.offer)]
            if any(op.outcome != "fail" for op in mine):
                continue
            if isinstance(point.source, Op) and point.source.op == "held":
                self.say("I17", f"{point.agent} is said to work it and has not accepted it", point, *mine)
            elif mine:
                self.say("I15", f"{point.agent} works it, though its acceptance was refused", point, mine[0])
            else:
                self.say("I3", f"{point.agent} works it and has not accepted it", point)
        for op in self.ops:
            if op.op not in BY_HOLDER or op.outcome != "ok" or op.role != "agent" or op.who in self.ws.auto_accept:
                continue
            mine = [accept for accept in self.accepts if accept.who == op.who and accept.outcome != "fail" and accept.t0 < op.t1]
            if not mine:
                self.say("I3", f"{op.who} did {op.op} and has never accepted it", op)
                continue
            others = [point for point in self.points if point.agent not in (None, op.who) and point.state in LIVE
                      and op.seq is not None and point.seq <= op.floor[1]]
            if not others or any(other.op == op.op and other.who == op.who and other.outcome != "fail" and other is not op
                                 for other in self.ops):
                continue  # a repeated request answers as the first time
            last = others[-1]
            if all(accept.outcome == "ok" and accept.seq is not None and accept.seq < last.seq for accept in mine):
                self.say("I15", f"{op.who} did {op.op} at seq {op.seq}, when it was {last.state} at {last.agent} since seq {last.seq}",
                         mine[-1], last, op)

    # ---- I14: an offer ends once ----

    def ends_of_offers(self):
        ends = collections.defaultdict(list)  # by offer: (how, seq, source)
        made = {}
        for event in self.events:
            offer = event.told.get("offer")
            if event.op == "offer.withdrawn":
                ends[offer].append(("withdrawn", event.seq, event))
            elif event.op == "offer":
                made.setdefault(offer, event)
        for op in self.ops:
            if op.outcome == "ok" and op.op == "offer.decline":
                ends[op.asked.get("offer")].append(("declined", op.seq, op))
            elif op.outcome == "ok" and op.op == "offer.accept" and op.answer.get("state") == "active":
                ends[op.asked.get("offer")].append(("accepted", op.seq, op))
        for offer, found in ends.items():
            kinds = {how: (seq, source) for how, seq, source in reversed(found)}
            if len(kinds) > 1:
                self.say("I14", f"offer {offer} was {' and '.join(sorted(kinds))}", *(source for _, source in kinds.values()))
            elif len({seq for how, seq, _ in found if how == "withdrawn"}) > 1:
                self.say("I14", f"offer {offer} was withdrawn twice", *(source for _, _, source in found))
        for offer, event in made.items():
            self.late(offer, event)
        for read in self.reads:
            offer = read.source.answer.get("offer")
            over = [source for how, _, source in ends.get(offer, ()) if how in ("withdrawn", "declined")]
            if read.state == "offered" and over and read.tlo > max(each.t if isinstance(each, Event) else each.t1 for each in over):
                self.say("I14", f"it still stands with offer {offer}, which is over", over[0], read)

    def late(self, offer, event):
        """Accepted when its clock had certainly run out, and nothing can have moved the clock."""
        until = event.t + int(event.told.get("expires_ms") or 0) * 1_000_000
        answer_clock = int(self.ws.config.get("answer_clock_ms") or 0) * 1_000_000
        accepts = [op for op in self.accepts if op.asked.get("offer") == offer and op.outcome != "fail"]
        if not event.told.get("expires_ms") or not accepts:
            return
        for op in self.ops:
            if op.op == "offer.received" and op.asked.get("offer") == offer and op.outcome != "fail":
                if op.outcome == "info" or not answer_clock:
                    return
                until = max(until, op.t1 + answer_clock)
        for row in self.rows:
            if row.op == "held" and row.answer.get("offer") == offer:
                until = max(until, row.t1 + int(row.answer.get("expires_ms") or 0) * 1_000_000)
        first = min(accepts, key=lambda op: op.t0)
        if first.outcome == "ok" and first.t0 > until + 1_000_000_000 and not self.ws.restless_in(event.t, first.t1):
            self.say("I14", f"offer {offer} was accepted {(first.t0 - until) / 1e9:.1f} s after its clock had run out", event, first)

    # ---- I13, I15: an end is the end ----

    def ended(self):
        ends = [(point.thi, point) for point in self.points if point.state in TERMINAL]
        ends += [(read.thi, read) for read in self.reads if read.state in TERMINAL]
        if not ends:
            return
        ends.sort(key=lambda each: each[0])
        t, first = ends[0]
        specific = {}
        for _, end in ends:
            if end.state != "ended":
                specific.setdefault(end.state, end)
        if len(specific) > 1:
            self.say("I13", f"it ended twice: {' and '.join(sorted(specific))}", *specific.values())
            told = [op for op in self.ops if op.outcome == "ok" and op.op in GONE_AFTER and op.answer.get("state") in specific]
            if len({op.answer["state"] for op in told}) > 1:
                self.say("I15", "two requests that exclude each other both succeeded", *told)
        for read in self.reads:
            if read.tlo > t and read.state not in TERMINAL:
                self.say("I13", f"{first.state}, and {read.state} later", first, read)
        for op in self.ops:
            if op.op in GONE_AFTER and op.outcome == "ok" and op.t0 > t:
                self.say("I13", f"{op.op} succeeded after the contact had {first.state if first.state != 'ended' else 'been'} ended", first, op)
        enders = {}
        for op in self.ops:
            if op.outcome == "ok" and op.op in ("contact.cancel", "contact.complete") and op.answer.get("state") in TERMINAL:
                other = enders.setdefault(op.answer["state"], op)
                if other.who != op.who or other.client != op.client and other.who is None:
                    self.say("I15", f"it was {op.answer['state']} by {other.who or other.client} and by {op.who or op.client}", other, op)

    # ---- I18: reads ----

    def reads_of_held(self):
        runs = {}  # by offer: what shows that its agent worked the contact, from the first to the last
        for point in self.points:
            if point.state == "active" and point.agent and point.offer:
                runs.setdefault(point.offer, []).append(point)
        for run in runs.values():
            since, until = min(run, key=lambda point: point.thi), max(point.tlo for point in run if isinstance(point.source, Op)) \
                if any(isinstance(point.source, Op) for point in run) else 0
            for read in self.reads:
                if read.tlo < since.thi:
                    continue
                away = read.state in IN_LINE or read.state == "offered"
                if away and (read.thi <= until or not self.released(since, Point(LAST, read.state, None, None, read.tlo, read.thi, None))):
                    self.say("I18", f"a read says {read.state} when {since.agent} worked it", since, read)
                elif read.state == "active" and read.agent and read.agent != since.agent and read.thi <= until:
                    self.say("I3", f"a read says {read.agent} works it when {since.agent} did", since, read)
        known = min((op.t1 for op in self.accepted), default=NEVER)
        for op in self.ops:
            may_see = op.role in ("supervisor", "admin", "reader") or (op.role == "connector" and op.who and any(
                submit.who == op.who for submit in self.accepted))
            if op.op == "contact.get" and op.outcome == "fail" and op.code == "not_found" and op.t0 > known and may_see:
                self.say("I1" if op.final else "I18", "accepted, and not found", self.accepted[0], op)

    # ---- I17: contact.mine ----

    def mine(self):
        """A connector that asks what is its own hears of every contact that had not ended, and of nobody else's."""
        listed = {row.asked["number"] for row in self.rows if row.op == "contact.mine"}
        for row in self.rows:
            if row.op == "contact.mine" and row.who and row.who not in {op.who for op in self.submits}:
                self.say("I17", f"it is not {row.who}'s, who hears of it", row)
        if not self.accepted:
            return
        since = min(self.accepted, key=lambda op: op.t1)
        later = max((point for point in self.points if isinstance(point.source, Op) and point.state not in TERMINAL),
                    key=lambda point: point.tlo, default=None)
        seen = max((read for read in self.reads if read.state not in TERMINAL), key=lambda read: read.tlo, default=None)
        if seen is not None and (later is None or seen.tlo > later.tlo):
            later = seen
        if later is None:
            return
        mines = self.ws.mines.get(since.who, ())
        for number, t0, t1, line in mines[bisect.bisect_right(mines, since.t1, key=lambda mine: mine[1]):]:
            if t0 > later.tlo:
                break
            if since.t1 < t0 and t1 < later.tlo and number not in listed:
                self.say("I17", f"contact.mine of {since.who} leaves it out", since, line, later)

    # ---- I1, and what the counts are made of ----

    def finally_there(self):
        tally = self.ws.tally
        finals = [read for read in self.reads if read.final]
        missing = [op for op in self.ops if op.final and op.op == "contact.get" and op.outcome == "fail" and op.code == "not_found"]
        states = {read.state: read for read in finals if read.state != "ended"}
        if self.accepted and not finals and not missing:
            self.say("I1", "accepted, and not in the final read-out", self.accepted[0])
        elif missing and not finals and not self.accepted:
            seen = next((read for read in self.reads if read.state), None) or next(iter(self.points), None)
            if seen is not None:
                self.say("I10", "it was seen, and is not in the final read-out", seen, missing[0])
        if missing and finals:
            self.say("I1", "in the final read-out it is there, and is not", missing[0], finals[0])
        quiet = len(self.ws.finals["seqs"]) == 1
        if len(states) > 1 and (quiet or any(read.state in TERMINAL for read in finals)):
            self.say("I1", f"it ends in {len(states)} states: {' and '.join(sorted(states))}", *states.values())
        if self.ws.drained is not None:
            for state, read in states.items():
                if state not in TERMINAL:
                    self.say("I1", f"{state} after the drain", *self.accepted[:1], read)
        listed = [read for read in finals if read.source.op == "contact.list"]
        if finals and not listed and quiet and finals[-1].state in self.ws.listed and not self.ws.finals["cut"]:
            self.say("I1", f"it is {finals[-1].state}, and in no list of such", finals[-1])
        if states:
            tally["present"] += 1
            tally[finals[-1].state] += 1
            if finals[-1].state == "completed":
                tally["worked"] += 1

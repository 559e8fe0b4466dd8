"""What can be said of a workspace as a whole while its history passes by: I9, I10, I17, I18, L1, L2 and L5; the rest is
handed on, sorted by contact and agent."""
import array
import bisect
import collections

from history import NEVER

S = 1_000_000_000  # ns
ANSWER = 10 * S    # L2
SERVE = 5 * S      # L1
SLACK = 1 * S      # of a recorder that did not get the processor
STALL = S // 25    # for which nothing was durable, and a router may have stood still

# Methods whose requests and answers are about one contact.
OF_CONTACT = {"contact.submit", "contact.get", "contact.update", "contact.cancel", "contact.end", "contact.rate", "contact.complete",
              "contact.wrapped_up", "contact.transfer", "contact.requeue", "contact.move", "contact.assign", "offer.received",
              "offer.accept", "offer.decline"}
# Those that have made a fact of their own whenever they are answered with success: repeated, they say duplicate, or gone.
OWN_FACT = {"contact.submit", "contact.cancel"}
LISTS = {"contact.list", "contact.mine"}
OF_AGENT = ("agent", "contact", "offer", "channel", "state", "used", "units")  # see for_agent
STATES_OF_LIST = {"scheduled", "waiting", "offered", "active", "wrapping"}  # of one that names no state


def for_agent(line):
    """Of a line only what is asked about an agent."""
    return {key: line[key] for key in OF_AGENT if key in line}


class Causes:
    """Requests that may have taken a contact from its agent."""

    def __init__(self):
        self.known, self.unknown = [], NEVER  # (seq, floor, t0) of those that succeeded; when the first of the others was asked

    def add(self, op):
        if op.outcome == "ok" and op.seq is not None:
            bisect.insort(self.known, (op.seq, op.floor[1], op.t0))  # they come nearly in order
        elif op.outcome != "fail":
            self.unknown = min(self.unknown, op.t0)

    def between(self, after, before, until):
        """Whether one of them may have had facts behind seq `after` and before seq `before`, and was asked before `until`. Its
        facts lie behind what was known when it was asked, and up to the seq of its answer."""
        if self.unknown < until:
            return True
        for i in range(bisect.bisect_right(self.known, (after, NEVER)), len(self.known)):
            _, floor, t0 = self.known[i]
            if floor < before and t0 < until:
                return True
            if floor >= before:
                break
        return False


class Workspace:
    def __init__(self, name, verdict, shards, seqs):
        self.name, self.verdict, self.shards, self.seqs = name, verdict, shards, seqs
        self.config = {}
        self.profiles = collections.defaultdict(list)  # agent to what agent.put, or the configuration, may have made of it
        self.auto_accept = set()
        self.touched = collections.defaultdict(Causes)  # contact to what may have taken it from its agent, and is not the agent's
        self.nameless = False             # whether a submission without an id may have made a contact that nobody knows
        self.replays = False              # whether the rig sends requests of clients twice
        self.tally = collections.Counter()
        self.spans = {}                   # epoch to [lowest seq, its line, highest seq, its line]
        self.alive = {}                   # agent to (t0s, t1s): when its session was certainly served
        self.gone = collections.defaultdict(Causes)  # agent to its sign-outs and removals
        self.mines = collections.defaultdict(list)  # connector to (number, t0, t1, line)
        self.mine_count = 0
        self.restless = []                # [begin, end] of faults, ends may be None
        self.epochs_at = []               # (t, epoch) whenever a higher one was told first
        self.answered, self.silences = 0, ([], [], [0])  # when anything was, last; longer silences, and how long all were by the end of each
        self.healed = self.draining = self.drained = self.final = None
        self.drain_within = None
        self.tries, self.served = [], []  # submissions since the healing
        self.last = {}                    # (client, connection) to the last fact of a watch
        self.told = {}                    # (client, connection) to the notifications of its last seq
        self.forget_finals()

    def forget_finals(self):
        """A read-out begins: what an earlier one said is not what it ends with."""
        self.listed = set()               # the states of which the final read-out has every contact
        self.finals = {"queues": {}, "agents": {}, "stats": None, "lists": 0, "states": collections.Counter(),
                       "seqs": set(), "cut": False, "rows": collections.Counter()}

    # ---- lines of the rig ----

    def rig(self, t, where, line):
        what = line["what"]
        if what == "config":
            self.config.update(line)
            for agent, profile in (line.get("agents") or {}).items():
                self.profiles[agent].append(profile)
        elif line["kind"] == "rig" and what in ("healed", "draining", "drained", "final"):
            setattr(self, what, t)
            if what == "final":
                self.forget_finals()
            if what == "draining":
                self.drain_within = line.get("within_ms")
        if line["kind"] == "fault":
            self.replays |= what.startswith("replay")
            if line.get("phase") == "end" and self.restless:
                for span in reversed(self.restless):
                    if span[2] == what and span[1] is None:
                        span[1] = t
                        break
            else:
                self.restless.append([t, None if line.get("phase") == "begin" else t, what])

    # ---- requests ----

    def take_op(self, op):
        self.liveness(op)
        if op.outcome == "ok":
            self.silence(op.t1)
            self.owner(op.epoch, op.seq, op)
            if op.epoch is not None and not op.asked.get("standby"):
                if op.epoch < op.floor[0]:
                    self.verdict.add("I9", f"{op.op} of {op.client} was answered under epoch {op.epoch}, though epoch {op.floor[0]} "
                                     "had been told before it was asked", op)
                if op.seq < op.own_floor[1]:
                    self.verdict.add("I18", f"{op.op} of {op.client} was answered at seq {op.seq}; the client knew seq {op.own_floor[1]}", op)
                if op.seq < op.floor[1]:
                    self.verdict.add("I10", f"{op.op} of {op.client} was answered at seq {op.seq}, though seq {op.floor[1]} had been told "
                                     "before it was asked", op)
                if op.final:
                    self.finals["seqs"].add(op.seq)
                if op.role == "agent" and op.who and op.op != "hello":
                    t0s, t1s = self.alive.setdefault(op.who, (array.array("q"), array.array("q")))
                    t0s.append(op.t0)
                    t1s.append(op.t1)
        if op.outcome != "fail":
            if op.op == "agent.put":
                self.profiles[op.asked["agent"]].append(op.asked)
            elif op.op in ("contact.end", "contact.move", "contact.assign"):
                self.touched[op.asked.get("contact")].add(op)
            elif op.op == "agent.sign_in" and op.asked.get("auto_accept"):
                self.auto_accept.add(op.who)
            elif op.op == "contact.submit" and op.outcome == "info" and not op.asked.get("contact"):
                self.nameless = True
        contact = op.asked.get("contact") or op.answer.get("contact")
        if contact and op.op in OF_CONTACT:
            self.shards.put(("contact", self.name, contact), ("op", *op))
            if op.outcome == "ok" and op.op in OWN_FACT and op.seq is not None and not op.answer.get("duplicate"):
                self.seqs.put((self.name, str(op.seq)), ("answer", contact, op.op, op.line1))
        agent = op.who if op.role == "agent" else op.asked.get("agent")
        if agent and op.op not in ("contact.get", "hello", "ping", "contact.list"):
            answer = for_agent(op.answer)
            if "held" in op.answer and op.op == "agent.sign_in":
                answer["held"] = [for_agent(row) for row in op.answer["held"]]
            self.shards.put(("agent", self.name, agent), ("op", *op._replace(asked=for_agent(op.asked), answer=answer)))
        if op.op in ("agent.sign_out", "agent.remove") and op.outcome != "fail" and agent:
            self.gone[agent].add(op)
        if op.outcome == "ok":
            self.rows_of(op)

    def rows_of(self, op):
        """A list's rows, a sign-in's `held` and a pull's offers are observations of their contacts."""
        if op.op in LISTS:
            number = None
            if op.op == "contact.mine":
                self.mine_count += 1
                number = self.mine_count
                if op.answer.get("complete"):
                    self.mines[op.who].append((number, op.t0, op.t1, op.line1))
            elif op.final:
                self.finals["lists"] += 1
                self.finals["cut"] |= not op.answer.get("complete")
                self.listed |= {op.asked["state"]} if op.asked.get("state") else STATES_OF_LIST
            for row in op.answer.get("rows", ()):
                self.shards.put(("contact", self.name, row["contact"]), ("row", *op._replace(asked={"number": number}, answer=row)))
                if op.final and op.op == "contact.list":
                    self.finals["states"][row["state"]] += 1
                    self.finals["rows"][row.get("queue"), row["state"]] += 1
        elif op.op == "agent.sign_in":
            for row in op.answer.get("held", ()):
                self.shards.put(("contact", self.name, row["contact"]), ("row", *op._replace(op="held", asked={}, answer=row)))
        elif op.op == "agent.pull":
            for offer in op.answer.get("offers", ()):
                event = ("offer", op.client, op.role, op.who, op.t1, op.epoch, op.seq, offer, op.line1, None)
                self.shards.put(("contact", self.name, offer["contact"]), ("event", *event))
                self.shards.put(("agent", self.name, op.who), ("event", *event[:7], for_agent(offer), *event[8:]))
        elif op.final and op.op == "queue.list":
            self.finals["queues"].update({row["queue"]: (row, op.line1) for row in op.answer.get("rows", ())})
        elif op.op == "agent.list" and op.answer.get("rows"):
            for row in op.answer["rows"]:
                if op.final:
                    self.finals["agents"][row["agent"]] = (row, op.line1)
                self.shards.put(("agent", self.name, row["agent"]), ("row", *op._replace(asked={}, answer=for_agent(row))))
        elif op.final and op.op == "stats":
            self.finals["stats"] = (op.answer, op.line1)

    # ---- notifications ----

    def take_event(self, event):
        self.owner(event.epoch, event.seq, event)
        line = event.told
        if event.op == "fact":
            self.watch(event)
        if event.seq is not None and event.op != "fact":
            self.repeated(event)
        if "contact" in line:
            self.shards.put(("contact", self.name, line["contact"]), ("event", *event))
        agent = event.who if event.role == "agent" else None
        if agent:
            self.shards.put(("agent", self.name, agent), ("event", *event._replace(told=for_agent(line))))

    def repeated(self, event):
        """On one connection nothing is told twice."""
        key = event.client, event.connection
        mark = event.op, event.told.get("contact"), event.told.get("offer"), event.told.get("state"), event.told.get("reason"), event.told.get("step")
        seq, marks = self.told.get(key, (None, None))
        if seq != event.seq:
            seq, marks = event.seq, {}
            self.told[key] = seq, marks
        if mark in marks and event.op in ("offer", "offer.withdrawn", "contact.changed", "contact.ended"):
            self.verdict.add("I17", f"{event.client} was told twice on one connection: {event.op} {mark[1]} at seq {seq}", marks[mark], event)
        marks[mark] = event

    def watch(self, event):
        key = event.client, event.connection
        before = self.last.get(key)
        if before is not None and event.seq != before.seq + 1:
            self.verdict.add("I10", f"a watch goes from seq {before.seq} to {event.seq}", before, event)
        self.last[key] = event
        self.seqs.put((self.name, str(event.seq)), ("fact", event.told.get("digest"), "", event.line))

    # ---- one owner ----

    def owner(self, epoch, seq, what):
        if epoch is None or seq is None:
            return
        span = self.spans.get(epoch)
        line = getattr(what, "line1", None) or getattr(what, "line", None)
        if span is None:
            if not self.epochs_at or epoch > self.epochs_at[-1][1]:
                self.epochs_at.append((getattr(what, "t", None) or what.t1, epoch))
            self.spans[epoch] = [seq, line, seq, line]
        elif seq < span[0]:
            span[0:2] = seq, line
        elif seq > span[2]:
            span[2:4] = seq, line

    def owners(self):
        """Epochs follow each other in seq: each begins where or after the one below it ended."""
        spans = sorted(self.spans.items())
        for (low, before), (high, after) in zip(spans, spans[1:]):
            if before[2] > after[0]:
                self.verdict.add("I9", f"epoch {low} told seq {before[2]}, and epoch {high} told seq {after[0]}", before[3], after[1])

    # ---- liveness ----

    def liveness(self, op):
        if self.healed is None or op.t0 < self.healed:
            return
        allowed = ANSWER + SLACK + int(op.asked.get("wait_ms") or 0) * 1_000_000
        if op.ended is not None and op.ended - op.t0 > allowed:
            self.verdict.add("L2", f"{op.op} of {op.client} waited {(op.ended - op.t0) / S:.1f} s", op)
        if op.ended is None:
            self.tries.append((op.t0, allowed, op.op, op.client, op.line0))
        if op.op == "contact.submit" and op.t0 <= self.healed + SERVE:
            self.served.append((op.outcome, op.t0, op.t1, op.code, op.line0))

    def finish(self, last_t):
        for mines in self.mines.values():
            mines.sort(key=lambda mine: mine[1])
        self.owners()
        for t0, allowed, op, client, line in self.tries:
            if last_t - t0 > allowed:
                self.verdict.add("L2", f"{op} of {client} has had no answer and no end of its connection for {(last_t - t0) / S:.1f} s", line)
        self.served_again()
        if self.draining is not None and self.drain_within is not None:
            took = (self.drained or last_t) - self.draining
            if took > self.drain_within * 1_000_000:
                words = "took" if self.drained else "has not ended after"
                self.verdict.add("L5", f"the drain {words} {took / S:.1f} s; {self.drain_within / 1000:.1f} s were predicted")

    def served_again(self):
        """An owner answers a submission by what the contact is, or why it is not taken; the others only say that it is not them.
        Judged where somebody went on trying for some seconds."""
        in_time = [each for each in self.served if each[2] <= self.healed + SERVE + SLACK
                   and (each[0] == "ok" or each[3] not in ("unavailable", "not_owner", "draining"))]
        patient = any(self.healed + 2 * S <= each[1] <= self.healed + SERVE - S for each in self.served)
        if patient and not in_time:
            self.verdict.add("L1", f"no submission was accepted within 5 s of the healing; {len(self.served)} were tried",
                             *(each[4] for each in self.served[:5]))

    # ---- what judges of a contact or an agent ask ----

    def restless_in(self, t0, t1):
        """Whether a fault or a change of the owner falls between two moments: clocks of offers may have moved."""
        for begin, end, _ in self.restless:
            if begin <= t1 and (end is None or end >= t0 - SLACK):
                return True
        return any(t0 - SLACK <= t <= t1 + SLACK for t, _ in self.epochs_at[1:])

    def restless_until(self, t):
        """The last moment before t at which clocks of offers may have moved; t itself while a fault lasts."""
        spans = [t if end is None else min(end, t) for begin, end, _ in self.restless if begin <= t]
        return max([*spans, *(at for at, _ in self.epochs_at[1:] if at <= t)], default=0)

    def silence(self, t):
        """Nothing is answered while nothing can be made durable: only then can a router have stood still."""
        begins, ends, until = self.silences
        if t - self.answered > STALL:
            begins.append(self.answered)
            ends.append(t)
            until.append(until[-1] + t - self.answered)
        self.answered = t

    def silent_until(self, t):
        """How long nobody was answered, all in all, before a moment."""
        begins, ends, until = self.silences
        i = bisect.bisect_left(ends, t)
        return until[i] + (max(0, t - begins[i]) if i < len(begins) else 0)

    def may_have_lost(self, agent, t0, t1):
        """Whether the agent's grace may have run out between two moments: for so long there is no sign that it was served."""
        grace = int(self.config.get("grace_ms", 0) * 900_000)  # a tenth for clocks that differ
        if t1 - t0 < grace:
            return False
        t0s, t1s = self.alive.get(agent, ((), ()))
        at, i = t0, bisect.bisect_left(t1s, t0) if t1s else 0
        while i < len(t0s) and t0s[i] <= t1:
            if t1s[i] - at >= grace:
                return True
            at = max(at, t0s[i])
            i += 1
        return t1 - at >= grace

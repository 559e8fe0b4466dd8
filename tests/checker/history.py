"""Reads a history, as README.md describes it, and joins each request with its outcome.

Lines come in the order of their time; several files are merged. What is wrong with the history itself, and not with
what it tells, is Malformed. Requests are held in memory only until they have an outcome.
"""
import collections
import heapq
import json

KINDS = ("invoke", "ok", "fail", "info", "event", "fault", "rig")
NEVER = 1 << 62  # a moment after all others: when an outcome that is not known may still come about
LOWEST = (0, 0)

# One request and what came of it. `t0` is before it was sent, `t1` after its answer came. `floor` is the highest
# (epoch, seq) that anybody had been told before `t0`: what it caused has a higher seq. Of an `info` t1 is NEVER; `ended` is when its outcome was
# written down all the same, None when it never was.
Op = collections.namedtuple("Op", "op client role who t0 t1 ended outcome code floor own_floor epoch seq asked answer line0 line1 final")

# One notification. `who` is the agent or the connector that the client is.
Event = collections.namedtuple("Event", "op client role who t epoch seq told line connection")


class Malformed(Exception):
    """The history cannot be judged: the recorder is broken, or the file."""


class Client:
    """What the recorder said of a client, and the highest pair that the client has been told."""

    def __init__(self, role="", who="", connection=0):
        self.role, self.who, self.connection = role, who, connection
        self.floor = {}  # by workspace


def read_lines(path, number_of_file):
    """(t, file, line number, map) of each line."""
    with open(path, "rb") as file:
        last = -1
        for number, raw in enumerate(file, start=1):
            try:
                line = json.loads(raw)
                t, kind = line["t"], line["kind"]
            except (ValueError, KeyError, TypeError) as problem:
                raise Malformed(f"{path}:{number}: {problem!r}") from None
            if not isinstance(t, int) or kind not in KINDS:
                raise Malformed(f"{path}:{number}: no time in ns, or an unknown kind {kind!r}")
            if t < last:
                raise Malformed(f"{path}:{number}: its time is before that of the line above")
            last = t
            yield t, number_of_file, number, line


class Reader:
    """Iterate over it: it gives Op (when its outcome comes), Event, and maps (of kind `rig` and `fault`) with their lines."""

    def __init__(self, paths):
        self.paths = list(paths)
        self.clients = collections.defaultdict(Client)
        self.calls = {}   # (file, client, call) to what was invoked
        self.heard = {}   # by workspace: the highest (epoch, seq) that anybody has been told
        self.finals = set()
        self.started = False
        self.last_t = 0
        self.lines = 0

    def __iter__(self):
        sources = [read_lines(path, i) for i, path in enumerate(self.paths)]
        stream = sources[0] if len(sources) == 1 else heapq.merge(*sources, key=lambda item: item[0])
        for t, file, number, line in stream:
            where = number if len(self.paths) == 1 else f"{self.paths[file]}:{number}"
            self.lines += 1
            self.last_t = t
            made = self.take(t, file, where, line)
            if made is not None:
                yield made
        for what in sorted(self.calls.values(), key=lambda what: what[0]):
            yield self.join(what, "info", {}, None, what[2])

    def take(self, t, file, where, line):
        kind = line["kind"]
        if kind in ("rig", "fault"):
            if "what" not in line:
                raise Malformed(f"{where}: a line of the rig without `what`")
            if line["what"] == "client":
                self.clients[line.get("client")].__init__(line.get("role", ""), line.get("name", ""), line.get("connection", 0))
            return t, where, line
        if not isinstance(line.get("client"), str) or not isinstance(line.get("op"), str):
            raise Malformed(f"{where}: no client or no op")
        client = self.clients[line["client"]]
        if kind == "event":
            made = Event(line["op"], line["client"], client.role, client.who, t, line.get("epoch"), line.get("seq"), line, where,
                         line.get("connection", client.connection))
            self.hear(line, client)
            return made
        key = (file, line["client"], line.get("call"))
        if kind == "invoke":
            if key[2] is None or key in self.calls:
                raise Malformed(f"{where}: an invoke needs a call of its own")
            ws = line.get("ws", "default")
            self.calls[key] = (t, line, where, self.heard.get(ws, LOWEST), client.floor.get(ws, LOWEST), client.role, client.who)
            return None
        what = self.calls.pop(key, None)
        if what is None or what[1]["op"] != line["op"]:
            raise Malformed(f"{where}: {kind} of {line['op']} without its invoke")
        made = self.join(what, kind, line, t, where)
        self.hear(line, client, what[1].get("ws"))
        return made

    @staticmethod
    def join(what, kind, line, ended, where):
        t0, asked, line0, floor, own, role, who = what
        code = line.get("code") if kind == "fail" else None
        if code == "internal":  # a defect: what it did, nobody knows
            kind = "info"
        if kind == "fail" and not code:
            raise Malformed(f"{where}: a fail without its code")
        return Op(asked["op"], asked["client"], role, who, t0, NEVER if kind == "info" else ended, ended, kind, code, floor, own, line.get("epoch"), line.get("seq"),
                  asked, line, line0, where, bool(asked.get("final")))

    def hear(self, line, client, ws=None):
        epoch, seq = line.get("epoch"), line.get("seq")
        if epoch is None or seq is None:
            return
        if not isinstance(epoch, int) or not isinstance(seq, int):
            raise Malformed("epoch and seq are integers")
        ws = ws or line.get("ws", "default")
        highest, own = self.heard.get(ws, LOWEST), client.floor.get(ws, LOWEST)
        self.heard[ws] = max(highest[0], epoch), max(highest[1], seq)
        client.floor[ws] = max(own[0], epoch), max(own[1], seq)

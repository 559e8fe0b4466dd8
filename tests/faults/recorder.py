"""Writes the history of what clients see, as tests/checker/README.md describes it."""
import hashlib
import itertools
import json
import threading
import time

# Of answers and notifications, what the checker may ask; texts stand as their digest.
KEPT = ("contact", "state", "queue", "agent", "offer", "reason", "duplicate", "epoch", "seq", "attributes", "channel", "expires_ms",
        "code", "field", "retry_after_ms", "address", "used", "units", "held", "waiting", "offered", "active", "wrapping", "step", "complete",
        "exact", "submitted", "completed", "skills")
ASKED = ("mode", "wait_ms", "wrap_up_ms", "auto_accept", "capacity", "queues")  # and of requests
NESTED = {"rows": "rows", "queues": "rows", "agents": "rows", "offers": "offers", "held": "held"}


def digest(text):
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def slim(body):
    """A map with only what the checker may ask."""
    kept = {key: body[key] for key in KEPT if body.get(key) is not None}
    if isinstance(body.get("text"), str):
        kept["digest"] = digest(body["text"])
    for key, name in NESTED.items():
        if isinstance(body.get(key), list) and all(isinstance(row, dict) for row in body[key]):
            kept[name] = [slim(row) for row in body[key]]
    if "history" in body:
        kept["history"] = [{key: row[key] for key in ("seq", "kind", "agent") if row.get(key) is not None} for row in body["history"]]
    return kept


class Recorder:
    """Lines are written in the order of their times. Any thread: faults are made in others than the clients live in."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.calls = itertools.count(1)
        self.counts = {}
        self.failure = None  # of a client itself: the history is then worth nothing

    def write(self, kind, **fields):
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.file.write(json.dumps({"t": time.monotonic_ns(), "kind": kind, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n")

    def rig(self, what, **fields):
        self.write("rig", what=what, **fields)

    def fault(self, what, phase=None):
        self.write("fault", what=what, **({"phase": phase} if phase else {}))

    def invoke(self, client, op, params, **more):
        call = next(self.calls)
        fields = slim(params)
        if op == "contact.submit" and "id" in params:
            fields["contact"] = params["id"]
        fields.update({key: params[key] for key in ASKED if key in params})
        self.write("invoke", client=client, op=op, call=call, **fields, **{key: value for key, value in more.items() if value is not None})
        return call

    def outcome(self, kind, client, op, call, body=None):
        self.write(kind, client=client, op=op, call=call, **slim(body or {}))

    def event(self, client, connection, op, body, dropped):
        self.write("event", client=client, connection=connection, op=op, **slim(body), **({"dropped": True} if dropped else {}))

    def close(self):
        self.file.close()

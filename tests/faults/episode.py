"""One fault, begun and ended on a stage, with a log of what was done and the proof that it struck.

    episode = Episode(stage, fault, parameters, workspace="default")
    episode.begin() ... episode.end()        or run(): begin, last as long as the parameters say, end

A fault's function is a generator: up to its `yield` it begins, behind it it ends. It does things through the episode:
did() writes the log, prove() the proof. What did not strike raises NotStruck, and must not be counted.
"""
import binascii
import dataclasses
import signal
import threading
import time
import typing

from processes import until
from resp import RedisError


class NotStruck(AssertionError):
    """The fault was made, but nothing shows that anybody could feel it."""


@dataclasses.dataclass(frozen=True)
class Fault:
    number: str                # as in the list of faults: F1, F2, ...
    name: str
    stages: str                # the kinds of stage that it needs: "single sentinel cluster"
    parameters: typing.Tuple   # of dicts, the shortest meaningful one first
    function: typing.Callable
    routers: int = 0           # how many it needs
    kinds: int = 1             # how many of the first parameters are different things, and not more of the same
    apart: typing.Optional[float] = None  # seconds between these in one play; None: a play for each
    needs: str = ""            # of the stage: "hosts" of their own, a "disk" of their own

    @property
    def what(self):
        return " ".join(self.function.__doc__.split())


class Episode:
    def __init__(self, stage, fault, parameters=None, workspace="default", note=None):
        """`note`: told each line of the log."""
        self.stage, self.fault, self.workspace, self.note = stage, fault, workspace, note
        self.tag = f"switchboard:{{{workspace}}}"
        self.stream = self.tag + ":journal"
        self.key = self.tag + ":stage"  # of the rig's own, on the same primary
        self.parameters = dict(fault.parameters[0] if parameters is None else parameters)
        self.log, self.proof = [], []
        self.may_end = []   # processes that may end of it by themselves
        self.tail_lost = 0  # entries that a failover is shown to have lost
        self.steps = None
        if stage.kind not in fault.stages.split():
            raise ValueError(f"{fault.number} needs a stage of {fault.stages}, and this is {stage.kind}")
        if len(stage.routers) < fault.routers:
            raise ValueError(f"{fault.number} needs {fault.routers} routers")

    def did(self, text):
        self.log.append((time.monotonic_ns(), text))
        if self.note:
            self.note(text)

    def prove(self, truth, text):
        if not truth:
            raise NotStruck(f"{self.fault.number} {self.fault.name} {self.parameters}: not shown that {text}; "
                            f"done: {[done for _, done in self.log]}")
        self.proof.append(text)

    def begin(self):
        self.did(f"begin {self.fault.number} {self.fault.name} {self.parameters}")
        self.steps = self.fault.function(self, **{key: value for key, value in self.parameters.items()
                                                  if key != "seconds"})
        next(self.steps)

    def end(self):
        for _ in self.steps:
            raise AssertionError("a fault has one beginning and one end")
        if not self.proof:
            raise NotStruck(f"{self.fault.number} {self.fault.name} has proved nothing")
        self.did(f"end {self.fault.number}")

    def run(self):
        self.begin()
        over = time.monotonic() + self.parameters.get("seconds", 0)
        until(lambda: time.monotonic() >= over, "the fault to have lasted", self.parameters.get("seconds", 0) + 1)
        self.end()
        return self

    def history(self):
        """As lines of a history, for the checker: {"t", "kind": "fault", "what"}."""
        return [{"t": when, "kind": "fault", "what": what} for when, what in self.log]

    def victim(self, role):
        """The process that now has this role."""
        stage = self.stage
        if role == "owner":
            return stage.owner(self.workspace)
        if role == "standby":
            owner = stage.owner(self.workspace)
            return next(router for router in stage.routers if router is not owner)
        if role == "primary":
            return until(self.leader, "a primary that answers")
        if role == "replica":
            return self.replicas(self.victim("primary"))[0]
        if role == "sentinel":
            return next(sentinel for sentinel in stage.sentinels if sentinel.running())
        raise ValueError(f"nobody is {role}")

    def leader(self):
        """None while there is none: another fault may have seen to that."""
        try:
            leader = self.stage.slot_owner(self.slot) if self.stage.kind == "cluster" else self.stage.primary()
            return leader if leader.is_primary() else None
        except (OSError, RedisError, StopIteration):
            return None

    def replicas(self, primary):
        """Those that follow it."""
        return [redis for redis in self.stage.redis if redis is not primary and redis.running() and not redis.paused
                and redis.role()[:3] == ["slave", *primary.announced]]

    @property
    def slot(self):
        """Of the workspace, in a Cluster."""
        return slot_of(self.workspace)

    def failover(self, old):
        """Until another than `old` leads, where somebody sees to that; it is given back, or None."""
        if self.stage.kind == "sentinel":
            return self.stage.wait_failover(old)
        if self.stage.kind == "cluster" and len(self.stage.redis) > 3:
            return until(lambda: self.led_by_another(old), f"another primary than {old.name}")
        return None

    def led_by_another(self, old):
        new = self.stage.slot_owner(self.slot)
        return new if new is not old and new.is_primary() else None

    def killed(self, process):
        status = process.kill()
        self.did(f"kill -9 {process.name} (pid {process.pid})")
        self.prove(status == -9, f"{process.name} died by signal 9")


def slot_of(tag):
    return binascii.crc_hqx(tag.encode(), 0) % 16384


class Background:
    """A command that keeps Redis busy: sent now, its reply awaited at the end."""

    def __init__(self, redis, *command, seconds=60.0):
        self.connection = redis.connect(seconds)
        self.connection.send(command)

    def wait(self):
        try:
            return self.connection.read()
        finally:
            self.connection.close()


class Rhythm:
    """Stops a process for most of the time: what a starved virtual machine looks like."""

    def __init__(self, process, share, period=0.1):
        self.process, self.share, self.period = process, share, period
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)
        self.thread.start()

    def beat(self):
        while not self.over.is_set():
            self.process.process.send_signal(signal.SIGSTOP)
            self.over.wait(self.period * (1 - self.share))
            self.process.process.send_signal(signal.SIGCONT)
            self.over.wait(self.period * self.share)

    def end(self):
        self.over.set()
        self.thread.join()


class Wires:
    """What one fault has cut, so that it can heal that and nothing of others'. Hosts of their own are healed all together."""

    def __init__(self, stage):
        self.stage, self.rules = stage, []

    def cut(self, one, other, way="both"):
        self.rules += self.stage.cut(one, other, way)

    def heal(self):
        if self.stage.network:
            self.stage.network.heal()
        for rule in self.rules:
            rule.remove()
        self.rules = []

"""One fault, begun and ended on a stage, with a log of what was done and the proof that it struck.

    episode = Episode(stage, fault, parameters, stream="switchboard:{default}")
    episode.begin() ... episode.end()        or run(): begin, last as long as the parameters say, end

A fault's function is a generator: up to its `yield` it begins, behind it it ends. It does things through the episode:
did() writes the log, prove() the proof. What did not strike raises NotStruck, and must not be counted.
"""
import dataclasses
import signal
import threading
import time
import typing

from processes import until


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

    @property
    def what(self):
        return " ".join(self.function.__doc__.split())


class Episode:
    def __init__(self, stage, fault, parameters=None, stream="switchboard:{default}"):
        self.stage, self.fault, self.stream = stage, fault, stream
        self.parameters = dict(fault.parameters[0] if parameters is None else parameters)
        self.log, self.proof = [], []
        self.steps = None
        if stage.kind not in fault.stages.split():
            raise ValueError(f"{fault.number} needs a stage of {fault.stages}, and this is {stage.kind}")
        if len(stage.routers) < fault.routers:
            raise ValueError(f"{fault.number} needs {fault.routers} routers")

    def did(self, text):
        self.log.append((time.monotonic_ns(), text))

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
            return stage.owner()
        if role == "standby":
            owner = stage.owner()
            return next(router for router in stage.routers if router is not owner)
        if role == "primary":
            return stage.slot_owner(0) if stage.kind == "cluster" else stage.primary()
        if role == "replica":
            return next(redis for redis in stage.redis if redis.running() and redis.role()[0] == "slave")
        if role == "sentinel":
            return next(sentinel for sentinel in stage.sentinels if sentinel.running())
        raise ValueError(f"nobody is {role}")

    def replicas(self, primary):
        return [redis for redis in self.stage.redis if redis is not primary and redis.running()]

    def killed(self, process):
        status = process.kill()
        self.did(f"kill -9 {process.name} (pid {process.pid})")
        self.prove(status == -9, f"{process.name} died by signal 9")


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

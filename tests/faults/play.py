"""A play: people of all roles in one workspace of routers that share it, faults at their times, and the checker's verdict.

    with House("sentinel") as house:                 a stage with two routers, which several plays use one after the other
        outcome = Play(house, [Strike(find("F5")[0])], seed=7).run()
        outcome.violations, outcome.struck, outcome.proofs

A play begins with some load, lets each fault strike while that goes on, heals, waits for everything to be whole, has some
more load, drains, reads everything out, and asks the checker (tests/checker) what clients saw. Each play has a workspace of
its own, so that it begins with nothing, whatever the one before has left.
"""
import asyncio
import dataclasses
import json
import pathlib
import signal
import subprocess
import sys
import time
import typing

from clients import Load, configuration
from episode import Episode, Fault
from processes import BIN, until
from recorder import Recorder
from resp import RedisError
from stage import Stage

CHECK = pathlib.Path(__file__).resolve().parents[1] / "checker" / "check.py"
WARM, AFTERWARDS = 30, 20  # contacts before the first fault, and behind the last one
EACH_MS = 15  # that a contact takes of eight agents who work three at a time, and who decline, give back and pass on
FAILOVER_MS = 2000  # on a busy machine an attempt comes to nothing, and the next one follows after twice this
# What an owner can put back of a stream that is gone: a workspace older than that is refused, as it must be, with nobody to serve it.
REMEMBERED_S = 60
SHAPES = {"single": {}, "sentinel": {}, "cluster": {"replicas": 1}}


@dataclasses.dataclass(frozen=True)
class Strike:
    fault: Fault
    parameters: typing.Optional[dict] = None  # None: the shortest meaningful ones
    after: float = 0.0                        # seconds behind the warm load
    seconds: typing.Optional[float] = None    # how long, instead of what the parameters say

    @property
    def chosen(self):
        return self.fault.parameters[0] if self.parameters is None else self.parameters

    @property
    def words(self):
        return " ".join([self.fault.number, self.fault.name, *(f"{key}={value}" for key, value in self.chosen.items())])


@dataclasses.dataclass
class Outcome:
    seed: int
    history: pathlib.Path
    struck: list = dataclasses.field(default_factory=list)    # the words of those that did
    missed: list = dataclasses.field(default_factory=list)    # why others did not
    proofs: list = dataclasses.field(default_factory=list)
    tail_lost: int = 0                                         # entries that a failover is shown to have lost
    violations: list = dataclasses.field(default_factory=list)
    contacts: int = 0
    problem: str = ""                                          # what kept the play from its end

    @property
    def word(self):
        return "violations" if self.violations else "failed" if self.problem else "missed" if self.missed else "clean"


class House:
    """A stage, its routers, and workspaces for so many plays; then the routers begin anew on an empty store."""

    def __init__(self, kind, routers=2, plays=6, binary=None, options=(), env=None, **stage):
        self.names = [f"play{number}" for number in range(plays)]
        self.left = []
        self.stage = Stage(failover_timeout=FAILOVER_MS, **stage)
        try:
            getattr(self.stage, kind)(**SHAPES[kind])
            config = self.stage.folder.path / "config.yaml"
            config.write_text(configuration(self.names), encoding="utf-8")
            self.stage.start_routers(routers, config=config, binary=binary or BIN / "switchboard-server",
                                     workspace=self.names[0], env=env, options=["--log-level", "debug", *options])
        except BaseException:
            self.stage.end(failed=True)
            raise
        self.left, self.began = list(self.names), time.monotonic()

    def workspace(self, young=False):
        """One that nobody has used; ready when somebody owns it. `young`: its owners remember everything, of it and of all others."""
        if not self.left or (young and time.monotonic() - self.began > REMEMBERED_S / 2):
            self.begin_anew()
        name = self.left.pop(0)
        self.stage.owner(name)
        return name

    def begin_anew(self):
        stage = self.stage
        for router in stage.routers:
            router.stop()
        for redis in stage.redis:
            if redis.is_primary():
                redis.command("FLUSHALL")
        stage.wait_whole(by_hand=True)
        for router in stage.routers:
            router.start()
        self.left, self.began = list(self.names), time.monotonic()

    def end(self, failed=False, keep=False):
        self.stage.end(failed, keep)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end(failed=kind is not None)


class Play:
    def __init__(self, house, strikes, seed=1, history=None, drain_ms=25_000, **load):
        self.house, self.stage, self.strikes, self.seed, self.load = house, house.stage, list(strikes), seed, load
        self.may_end, self.drain_ms = [], drain_ms
        self.outcome = Outcome(seed, pathlib.Path(history or self.stage.folder.path / f"history-{seed}.jsonl"))

    def run(self):
        try:
            self.workspace = self.house.workspace(young=any(strike.fault.number == "F8" for strike in self.strikes))
            if any(strike.chosen.get("noticed") for strike in self.strikes):
                until(self.has_settled, "routers to have what they are to have")  # the owner shall stay it, whatever clients do
            asyncio.run(self.perform())
            self.judge()
            for process in self.stage.processes:
                if not process.running():
                    self.ended(process)
        except Exception as problem:  # whatever it is, the ledger has it; a defect of the rig, too
            self.outcome.problem = f"{type(problem).__name__}: {problem}"
        return self.outcome

    def has_settled(self):
        """Routers that have run for five seconds give one another what each is to have."""
        return all(time.monotonic() - router.launched > 7 for router in self.stage.routers if router.running())

    async def perform(self):
        recorder = Recorder(self.outcome.history)
        through = {"tcp://%s:%d" % router.address: "tcp://%s:%d" % router.route.address for router in self.stage.routers if router.route}
        addresses = list(through.values()) or ["tcp://%s:%d" % router.address for router in self.stage.routers]
        dial = self.stage.network.place("clients").connect if self.stage.network else None
        load = Load(recorder, addresses, self.seed, workspace=self.workspace, through=through, dial=dial, **self.load)
        try:
            await load.start()
            await load.work(WARM)
            struck = await asyncio.gather(*(asyncio.to_thread(self.strike, strike, recorder) for strike in self.strikes),
                                          return_exceptions=True)
            await asyncio.to_thread(self.heal, recorder)
            for problem in struck:
                if problem is not None:
                    raise problem
            # Whoever could not be served meanwhile has gone on asking: what waits takes as long as its people need for it.
            await load.finish(drain_ms=max(self.drain_ms, EACH_MS * len(load.contacts)), enough=AFTERWARDS)
        finally:
            await load.give_up()
            recorder.close()

    def strike(self, strike, recorder):
        """One fault, in a thread of its own."""
        what = ("replay: " if strike.fault.number == "F21" else "") + strike.words
        start = time.monotonic() + strike.after
        until(lambda: time.monotonic() >= start, "the time of the fault", strike.after + 5)
        recorder.fault(what, "begin")
        episode = Episode(self.stage, strike.fault, strike.parameters, self.workspace, recorder.fault)
        if strike.seconds is not None:
            episode.parameters["seconds"] = strike.seconds
        try:
            episode.run()
            self.outcome.struck.append(strike.words)
            self.outcome.proofs += episode.proof
            self.outcome.tail_lost += episode.tail_lost
            self.may_end += episode.may_end
        except (AssertionError, OSError, RedisError) as why:  # among them NotStruck, and what another fault was in the way of
            self.outcome.missed.append(f"{strike.words}: {type(why).__name__} {why}")
        finally:
            recorder.fault(what, "end")

    def heal(self, recorder):
        recorder.fault("healing", "begin")
        for process in self.stage.processes:
            if not process.running():
                self.ended(process)
        self.stage.restore()
        recorder.fault("healing", "end")

    def ended(self, process):
        """Nothing ends by itself, whatever happens to it; whoever limits its memory says so."""
        if process.process.returncode != -signal.SIGKILL and process not in self.may_end:
            raise AssertionError(f"{process.name} has ended with {process.process.returncode}:\n{process.log(3000)}")

    def judge(self):
        checked = subprocess.run([sys.executable, "-B", str(CHECK), str(self.outcome.history), "--json"], capture_output=True, text=True,
                                 timeout=300, check=False)
        if checked.returncode not in (0, 1):
            raise AssertionError(f"the checker: {checked.stdout}{checked.stderr}")
        found = json.loads(checked.stdout)
        self.outcome.violations, self.outcome.contacts = found["violations"], found["contacts"]
        if not found["violations"] and (found["final"], found["quiet"]) != (["default"], ["default"]):
            raise AssertionError(f"the read-out was not quiet: {found}")

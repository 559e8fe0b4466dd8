"""Processes of a stage: they end with the test, however it ends, and so does what they left on disk.

The kernel kills them when the test dies (PR_SET_PDEATHSIG), which goes by the thread that started them; so one thread,
which lives as long as the test, starts them all. The folder is removed by a small shell that waits for the test's end.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))
from center import BIN, DEADLINE, MINIMAL, until  # noqa: E402  (the folder must be known first)

# Below the ports that the kernel gives to outgoing connections, so that none of them is in the way of a restart.
PORTS = range(12000, 30000)
WALL_STEP = BIN / "wall_step.so"
CLOCK, CLOCKS = struct.Struct("=4q"), struct.Struct("=2Q8q")  # as wall_step.c has them

_starter = concurrent.futures.ThreadPoolExecutor(1, "starter")


class Port:
    """A number that no other test of this machine takes: kept by an abstract socket, which dies with the test."""

    def __init__(self, also=0):
        """`also`: a second port, so much higher, that must be free too."""
        for number in random.sample(PORTS, len(PORTS)):
            self.keeper = socket.socket(socket.AF_UNIX)
            try:
                self.keeper.bind(f"\0switchboard-test-port-{number}")
                for wanted in {number, number + also}:
                    with socket.socket() as probe:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                        probe.bind(("127.0.0.1", wanted))
                self.number = number
                return
            except OSError:
                self.keeper.close()
        raise AssertionError("no free port")

    def close(self):
        self.keeper.close()


class Folder:
    """A temporary folder that is gone when the test is, unless KEEP is set and the test failed."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"switchboard-{name}-"))
        # One line from us means that the test ended in order and will see to it; the pipe's end means that it died.
        self.keeper = subprocess.Popen(["/bin/sh", "-c", 'read _ || { sleep 1; rm -rf -- "$0"; }', str(self.path)],
                                       stdin=subprocess.PIPE, start_new_session=True)

    def close(self, keep=False):
        self.keeper.stdin.write(b"\n")
        self.keeper.stdin.close()
        self.keeper.wait()
        if keep:
            sys.stderr.write(f"the folder is kept: {self.path}\n")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """One program in a folder of its own. `host` is a network namespace (namespaces.py) or None for this one.

    started() is asked until it is true after each start; subclasses say what ready means.
    """

    def __init__(self, name, command, folder, host=None, env=None, clock=False):
        self.name, self.arguments, self.host = name, [str(word) for word in command], host
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / "log"
        self.env = dict(os.environ, **(env or {}))
        self.process, self.paused = None, False
        self.launched = None  # when, by the monotonic clock
        self.on_start = []  # called with this process after each start: a proxy learns the new pid
        if clock:
            self.clock_path = self.folder / "wall_step"
            self.step_clock(0)
            self.env.update(LD_PRELOAD=str(WALL_STEP), WALL_STEP=str(self.clock_path),
                            ASAN_OPTIONS=self.env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    @property
    def pid(self):
        return self.process.pid

    def launch(self):
        """Start it and do not wait until it is ready."""
        enter = self.host.enter if self.host else []
        with open(self.log_path, "ab") as log:
            self.process = _starter.submit(
                subprocess.Popen, [*enter, "setpriv", "--pdeathsig", "KILL", *self.arguments], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, start_new_session=True).result()
        self.paused, self.launched = False, time.monotonic()
        for tell in self.on_start:
            tell(self)

    def start(self):
        self.launch()
        self.wait_ready()

    def wait_ready(self, seconds=DEADLINE):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode} at its start:\n{self.log(2000)}")
            return self.started()
        until(ready, f"{self.name} to be ready", seconds)

    def started(self):
        return True

    def running(self):
        return self.process is not None and self.process.poll() is None

    def state(self):
        """As the kernel names it: R, S, D, T (stopped), Z; None when it is gone."""
        try:
            return pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return None

    def kill(self):
        """As kill -9 does it; the exit status."""
        self.process.kill()
        return self.process.wait(DEADLINE)

    def pause(self):
        """SIGSTOP, and wait until every thread stands."""
        self.process.send_signal(signal.SIGSTOP)
        self.paused = True
        until(lambda: self.state() in ("T", "Z", None), f"{self.name} to stand still")

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.paused = False
        until(lambda: self.state() != "T", f"{self.name} to go on")

    def stop(self, seconds=DEADLINE):
        """As an init system does it; the exit status."""
        if self.running():
            if self.paused:
                self.resume()
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"waited {seconds} s in vain for {self.name} to end") from None

    def end(self):
        """Gone, whatever state it is in."""
        if self.running():
            self.kill()

    def step_clock(self, seconds, ppm=0):
        """Its wall clock is so far from the machine's, from now on, and all its clocks run so many parts per million faster; only
        with clock=True at the start."""
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        had = CLOCKS.unpack(self.clock_path.read_bytes()) if self.clock_path.exists() else (0,) * 10
        chosen = had[1]
        _, rate, since, gained = had[2 + 4 * chosen:6 + 4 * chosen]
        data = CLOCK.pack(round(seconds * 1e9), ppm, now, gained + (now - since) // 1000 * rate // 1000)
        if not self.clock_path.exists():
            self.clock_path.write_bytes(bytes(CLOCKS.size))
        with open(self.clock_path, "r+b", buffering=0) as file:  # the same file: it is mapped
            os.pwrite(file.fileno(), data, 16 + CLOCK.size * (1 - chosen))
            os.pwrite(file.fileno(), struct.pack("=Q", 1 - chosen), 8)

    def clock_looks(self):
        """How often it has asked for the time."""
        return CLOCKS.unpack(self.clock_path.read_bytes())[0]

    def lines(self):
        """What it has logged as JSON."""
        whole = self.log_path.read_text(errors="replace").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def log(self, last=20000):
        return self.log_path.read_text(errors="replace")[-last:] if self.log_path.exists() else ""

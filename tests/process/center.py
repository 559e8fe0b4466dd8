"""A contact centre of real processes, for tests: starts switchboard-server on loopback, and talks to it.

Nothing here waits for a time to pass. Everything waits for a condition, and a condition that does not come within its
deadline is a failure that says what was waited for. Whatever was started is stopped when the test ends, and what a
server logged is printed when it fails.
"""
import itertools
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import msgpack

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SWITCHBOARD_BIN") or ROOT / "build" / "bin")
MINIMAL = ROOT / "deploy" / "minimal.yaml"
DEADLINE = 30.0  # for what should take milliseconds, on a machine that is busy with other things
# The default is one a processor. The gate repeats everything with four, under ThreadSanitizer.
REACTORS = ["--reactors", os.environ["SWITCHBOARD_REACTORS"]] if os.environ.get("SWITCHBOARD_REACTORS") else []
THREADS_SANITIZED = b"__tsan_init" in (BIN / "switchboard-server").read_bytes()
SANITIZED = THREADS_SANITIZED or b"__asan_init" in (BIN / "switchboard-server").read_bytes()

_tick = threading.Event()  # never set: waiting on it is how a poll gives the processor to somebody else


def until(condition, what, seconds=DEADLINE):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        _tick.wait(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Refused(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.error = error
        self.code = error["code"]


class Server:
    """One switchboard-server in a folder of its own; CenterTest.start makes one."""

    def __init__(self, config=MINIMAL, journal="memory", folder=None, env=None, wrap=(), options=(), ready=True,
                 workspace="default"):
        self.workspace = workspace
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="switchboard-test-"))
        self.owns_folder = folder is None
        if isinstance(config, str):
            (self.folder / "config.yaml").write_text(config)
            config = self.folder / "config.yaml"
        self.config = config
        self.journal = f"file:{self.folder / 'journal'}" if journal == "file" else journal
        self.port = free_port()
        self.tcp = f"tcp://127.0.0.1:{self.port}"
        self.unix = f"unix://{self.folder / 'socket'}"
        self.log_path = self.folder / "log"
        self.wrap, self.options, self.env = list(wrap), list(options), dict(os.environ, **(env or {}))
        self.process = None
        self.clients = []  # closed at the end, where a test has not done it
        self.start(ready=ready)

    def start(self, ready=True, env=None):
        command = [*self.wrap, str(BIN / "switchboard-server"), "--config", str(self.config), "--journal", self.journal,
                   "--listen", self.tcp, "--listen", self.unix, *REACTORS, *self.options]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=dict(self.env, **(env or {})))
        if ready:
            self.wait_ready()

    def wait_ready(self):
        """Ready: it accepts a connection and answers hello."""
        def serves():
            if self.process.poll() is not None:
                self.has_ended_at_start()
            try:
                Client(self, "supervisor", workspace=self.workspace).close()
                return True
            except OSError:
                return False
        until(serves, "the server to serve", DEADLINE * (5 if THREADS_SANITIZED else 1))  # it may have much to replay

    def has_ended_at_start(self):
        """With all that it said, for nobody else will show it."""
        raise ConnectionError(f"the server ended with {self.process.returncode} at its start; its log:\n{self.log()}")

    def wait_end(self, seconds=DEADLINE):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"waited {seconds} s in vain for the server to end") from None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As kill -9 does it."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As an init system does it; the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait_end()

    def memory(self, field="VmRSS"):
        """Bytes, as the kernel counts them."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"/proc says nothing of {field}")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def end(self, failed=False):
        """Stop it in order, which must succeed; after a failure kill it and show what it logged."""
        for client in self.clients:
            client.close()
        try:
            if self.process.poll() is None and failed:
                self.kill()
            elif self.process.poll() is None:
                failed = True
                status = self.stop()
                if status != 0:
                    raise AssertionError(f"the server's exit status is {status}")
                failed = False
        finally:
            if self.process.poll() is None:
                self.kill()
            if failed:
                sys.stderr.write(f"--- the server's log\n{self.log()[-20000:]}\n---\n")
            if failed and "KEEP" in os.environ:
                sys.stderr.write(f"its folder is kept: {self.folder}\n")
            elif self.owns_folder:
                shutil.rmtree(self.folder, ignore_errors=True)


class Client:
    """One connection. Not a pattern for real clients: it never reconnects, as tests must see what happens."""

    def __init__(self, server, role=None, workspace="default", address=None, trickle=False, seconds=DEADLINE, **hello):
        self.seconds = seconds
        self.trickle = trickle
        self.numbers = itertools.count(1)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=0)
        self.answers, self.notices = {}, []
        self.ended = False
        server.clients.append(self)
        unix = (address or server.tcp).startswith("unix://")
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.sock.settimeout(seconds)
        try:
            self.sock.connect(address[len("unix://"):] if unix else ("127.0.0.1", server.port))
        except OSError:
            self.sock.close()
            raise
        if not unix:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if role is not None:
            self.hello = self.call("hello", protocol=1, role=role, workspace=workspace, **hello)

    def send_bytes(self, data):
        self.sock.settimeout(self.seconds)
        if self.trickle:
            for i in range(len(data)):
                self.sock.sendall(data[i:i + 1])
        else:
            self.sock.sendall(data)

    def send(self, method, **params):
        """Without waiting; the number to wait for."""
        number = next(self.numbers)
        self.send_bytes(msgpack.packb([0, number, method, [params]]))
        return number

    def read(self, seconds):
        """Take in what comes next; False when nothing came in time or the connection is over."""
        if self.ended or not select.select([self.sock], [], [], max(0, seconds))[0]:
            return False
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == 1:
                assert message[1] not in self.answers, f"two answers to {message[1]}"
                self.answers[message[1]] = message[2:]
            else:
                self.notices.append((message[1], message[2][0]))
        return True

    def wait_for(self, condition, what, seconds=None):
        end = time.monotonic() + (seconds or self.seconds)
        while True:
            value = condition()
            if value:
                return value
            if self.ended:
                raise ConnectionError(f"the connection ended; waited for {what}")
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}; notices: {self.notices[-5:]}")
            self.read(end - time.monotonic())

    def wait(self, number, what="an answer", seconds=None):
        """The result, or Refused."""
        self.wait_for(lambda: number in self.answers, what, seconds)
        error, result = self.answers.pop(number)
        if error is not None:
            raise Refused(error)
        return result

    def call(self, method, **params):
        return self.wait(self.send(method, **params), f"the answer to {method}")

    def refusal(self, method, **params):
        """The error of a call that must be refused."""
        try:
            result = self.call(method, **params)
        except Refused as refused:
            return refused.error
        raise AssertionError(f"{method} {params} was not refused but answered with {result}")

    def notice(self, name, seconds=None, **fields):
        """Take the first notification of that name whose map has these fields; others stay."""
        def find():
            for i, (kind, body) in enumerate(self.notices):
                if kind == name and all(body.get(key) == value for key, value in fields.items()):
                    return self.notices.pop(i)
            return None
        return self.wait_for(find, f"{name} {fields}", seconds)[1]

    def wait_closed(self, seconds=None):
        """Until the server closes the connection."""
        end = time.monotonic() + (seconds or self.seconds)
        while not self.ended:
            if time.monotonic() > end:
                raise AssertionError("waited in vain for the server to close the connection")
            self.read(end - time.monotonic())

    def drop(self):
        """Gone without a word, as when the power fails."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()
        self.ended = True

    def close(self):
        self.sock.close()
        self.ended = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def agent(server, name, sign_in=None, admin=None, **settings):
    """An agent of that name, signed in and available. `settings` go to agent.put, `sign_in` to agent.sign_in."""
    if admin is None:
        with Client(server, "admin") as admin:
            admin.call("agent.put", agent=name, **settings)
    else:
        admin.call("agent.put", agent=name, **settings)
    client = Client(server, "agent")
    client.signed_in = client.call("agent.sign_in", agent=name, **dict({"state": "available"}, **(sign_in or {})))
    return client


def pages(client, method, key, **params):
    """All rows of a list."""
    rows, after = [], None
    while True:
        page = client.call(method, **params, **({"after": after} if after else {}))
        rows += page[key]
        after = page.get("next")
        if not after:
            return rows


class CenterTest(unittest.TestCase):
    def start(self, *arguments, **options):
        """A server that is stopped, and its exit status looked at, when the test ends."""
        server = Server(*arguments, **options)
        self.addCleanup(lambda: server.end(failed=self.failed()))
        return server

    def failed(self):
        """Asked in a cleanup: whether this test has failed."""
        result = self._outcome.result
        return any(test is self for test, _ in result.failures + result.errors)


main = unittest.main

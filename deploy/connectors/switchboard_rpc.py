"""A session with Switchboard for connectors: MessagePack-RPC, and what to do when the line breaks.

One thread of its own connects, says hello, reads, and comes back with growing pauses after a loss. What it
hears goes into `events`; `call` may be used from any other thread.

The one rule that makes it safe: a request without an answer is sent again, as it was, on the next
connection. Switchboard knows a contact by the id that the connector chose, so the second time is the same contact.
"""
import itertools
import logging
import queue
import random
import socket
import threading
import time
from urllib.parse import urlsplit

import msgpack

NOT_NOW = ("unavailable", "rate_limited", "draining")  # nothing was changed: the same again, later
UNANSWERED_MAX = 500  # below the 1,024 that a server works on for one connection
PAUSE_MIN, PAUSE_MAX = 0.1, 10.0
log = logging.getLogger("switchboard")


class Refused(Exception):
    """The server answered with an error. What to do is decided by `code`, never by the words."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error.get('message', '')}")
        self.code = error["code"]
        self.retry_after = error.get("retry_after_ms", 1000) / 1000
        self.error = error


class Call:
    def __init__(self, frame):
        self.frame, self.answered, self.error, self.result = frame, threading.Event(), None, None


class Session:
    def __init__(self, address, name, workspace="default"):
        self.address = address
        self.hello = {"protocol": 1, "role": "connector", "workspace": workspace, "name": name,
                      "client": f"{name}/1"}
        self.events = queue.Queue()  # ("ready", hello's answer) after every connection, then (notification, its map)
        self.numbers = itertools.count(1)
        self.unanswered = {}  # by msgid, in the order in which they were made
        self.seen = (0, 0)  # the highest epoch and its seq
        self.sock = None  # set while the server has said hello back
        self.lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def call(self, method, timeout=None, **params):
        """The result; Refused; or TimeoutError, and then the request is still on its way and may yet take effect."""
        end = None if timeout is None else time.monotonic() + timeout
        params = {key: value for key, value in params.items() if value is not None}
        while True:
            number = next(self.numbers)
            call = Call(msgpack.packb([0, number, method, [params]]))
            with self.lock:
                if len(self.unanswered) >= UNANSWERED_MAX:
                    raise Refused({"code": "unavailable", "message": "too many requests wait for the server"})
                self.unanswered[number] = call
                self._send(call.frame)
            if not call.answered.wait(None if end is None else max(0, end - time.monotonic())):
                raise TimeoutError(f"no answer to {method} yet")
            if call.error is None:
                return call.result
            refused = Refused(call.error)
            if refused.code not in NOT_NOW or (end and time.monotonic() + refused.retry_after > end):
                raise refused
            time.sleep(refused.retry_after)

    def _run(self):
        pause = PAUSE_MIN
        while True:
            try:
                with self._connect() as sock:
                    for message in self._messages(sock):
                        self._take(message, sock)
                        pause = PAUSE_MIN
            except (OSError, ValueError, Refused) as problem:
                log.warning("not connected to %s: %s", self.address, problem)
                if getattr(problem, "code", "") == "not_owner":
                    self.address = problem.error["address"]
            with self.lock:
                self.sock = None
            # Everybody lost the same server at the same moment: the jitter keeps them from coming back at one.
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, PAUSE_MAX)

    def _connect(self):
        url = urlsplit(self.address)
        if url.scheme == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(url.path)
        else:
            sock = socket.create_connection((url.hostname, url.port), timeout=10)
        hello = dict(self.hello, epoch=self.seen[0], seq=self.seen[1])
        sock.sendall(msgpack.packb([0, 0, "hello", [hello]]))
        return sock

    def _messages(self, sock):
        """What the server says, until it is gone; pings it when there is nothing else to say."""
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        self.heartbeat, heard = 10.0, time.monotonic()
        self.spoke = heard
        while True:
            sock.settimeout(self.heartbeat / 2)
            try:
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError("the server closed the connection")
                heard = time.monotonic()
                unpacker.feed(data)
                yield from unpacker
            except socket.timeout:
                if time.monotonic() - heard > 3 * self.heartbeat:
                    raise ConnectionError("the server has been silent for too long") from None
            with self.lock:
                if self.sock and time.monotonic() - self.spoke > self.heartbeat / 2:
                    self._send(msgpack.packb([0, next(self.numbers), "ping", [{}]]))

    def _take(self, message, sock):
        body = (message[2][0] if message[0] == 2 else message[3]) or {}
        position = (body.get("epoch", self.seen[0]), body.get("seq", 0))
        if position[0] < self.seen[0]:
            return  # from an owner that has been deposed
        self.seen = max(self.seen, position)
        if message[0] == 2:
            self.events.put((message[1], body))
        elif message[1] == 0:
            if message[2] is not None:
                raise Refused(message[2])
            self.heartbeat = body["heartbeat_ms"] / 1000
            with self.lock:
                self.sock = sock
                for call in self.unanswered.values():
                    self._send(call.frame)
            self.events.put(("ready", body))
        else:
            with self.lock:
                call = self.unanswered.pop(message[1], None)
            if call is not None:  # a ping is nobody's call
                call.error, call.result = message[2], message[3]
                call.answered.set()

    def _send(self, frame):
        """Under the lock. A connection that breaks here is noticed by the reader, and the frame is kept."""
        self.spoke = time.monotonic()
        if self.sock is not None:
            try:
                self.sock.sendall(frame)
            except OSError:  # perhaps half a frame went out: this connection can say nothing more
                self.sock.shutdown(socket.SHUT_RDWR)
                self.sock = None

#!/usr/bin/python3
"""Hostile bytes cost the sender its connection, the server almost nothing, and everybody else nothing at all."""
import os
import random
import resource
import select
import socket

import msgpack

from center import SANITIZED, THREADS_SANITIZED, CenterTest, Client, agent, main, until

KIB = 1024
# What a server may grow by. Sanitizers keep freed memory back and put walls around the rest, so that
# under them only a runaway shows; the bound that counts is the one of the plain build.
BOUND = 65536 * KIB if THREADS_SANITIZED else 16384 * KIB if SANITIZED else 512 * KIB
SEED = int(os.environ.get("SEED", "20260117"))

HELLO = msgpack.packb([0, 1, "hello", [{"protocol": 1, "role": "connector", "workspace": "default"}]])
SUBMIT = msgpack.packb([0, 2, "contact.submit", [{
    "id": "k", "channel": "chat", "customer": {"id": "c", "attributes": {"a": 1}}, "text": "where is it",
    "skills": {"refund": 3}, "payload": b"\x00\x01", "expires_ms": 60000}]])
SIGN_IN = msgpack.packb([0, 3, "agent.sign_in", [{"agent": "ana", "state": "available"}]])


class Raw:
    """A socket that says what it likes."""

    def __init__(self, server, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(("127.0.0.1", server.port))
        self.sock.setblocking(False)
        self.heard = b""
        server.clients.append(self)

    def pour(self, data):
        """As much as is taken now; false when the connection is over."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return -1
        return sent

    def over(self):
        try:
            while True:
                data = self.sock.recv(65536)
                if not data:
                    return True
                self.heard += data
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self):
        self.sock.close()


def mutated(randomness, frames):
    data = bytearray(b"".join(randomness.choice(frames) for _ in range(randomness.randint(1, 4))))
    for _ in range(randomness.randint(1, 12)):
        at = randomness.randrange(len(data))
        kind = randomness.randrange(5)
        if kind == 0:
            data[at] = randomness.randrange(256)
        elif kind == 1:
            data[at:at] = randomness.randbytes(randomness.randint(1, 9))
        elif kind == 2:
            del data[at:at + randomness.randint(1, 9)]
        elif kind == 3:
            data[at] = randomness.choice(b"\xc1\xc4\xc6\xc9\xd9\xdb\xdc\xdd\xde\xdf")
        else:
            data[at:at] = randomness.choice((b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
                                             b"\xcf" + b"\xff" * 8, b"\x91" * 40))
    return bytes(data)


class Hostile(CenterTest):
    def setUp(self):
        # A sanitizer's quarantine would look like a leak here.
        self.server = self.start(env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                                      ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"})
        self.witness = Client(self.server, "connector", name="witness")
        self.ana = agent(self.server, "ana")
        self.round("warm-up")
        # The first of everything (lists that grow, the allocator's arenas) is not the enemy's doing.
        for _ in range(20):
            raw = Raw(self.server)
            raw.pour(HELLO + SUBMIT)
            self.until(lambda: raw.over() or raw.heard, "an answer")
            raw.close()
        self.before = self.server.memory("VmRSS")

    def until(self, condition, what):
        """As ever, and all the while two others are answered: nobody is cut off for another's sins."""
        def lively():
            self.witness.call("ping")
            self.ana.call("ping")
            return condition()
        return until(lively, what)

    def round(self, name):
        """Somebody else's contact goes its way meanwhile."""
        self.ana.call("agent.set_state", state="available")
        self.witness.call("contact.submit", id=f"w-{name}", channel="chat", preferred_agent="ana", boost_ms=10 ** 9)
        offer = self.ana.notice("offer", contact=f"w-{name}")
        self.ana.call("offer.accept", offer=offer["offer"])
        self.ana.call("contact.complete", contact=f"w-{name}", wrap_up_ms=0)
        self.ana.call("agent.set_state", state="away")

    def grown(self):
        return self.server.memory("VmRSS") - self.before

    def peak(self):
        return self.server.memory("VmHWM") - self.before

    def clear_peak(self):
        with open(f"/proc/{self.server.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        self.before = self.server.memory("VmRSS")

    def check(self, name):
        self.round(name)
        peak = self.peak()
        print(f"{name}: the server's memory grew by {self.grown() // KIB} KiB, {peak // KIB} KiB at its peak", flush=True)
        self.assertLess(peak, BOUND, f"{name} cost the server {peak} bytes")

    def expect_cut(self, name, data, greeting=HELLO):
        raw = Raw(self.server)
        data = greeting + data

        def cut():
            nonlocal data
            if raw.over():
                return True
            if data:
                sent = raw.pour(data[:65536])
                if sent < 0:
                    return True
                data = data[sent:]
            return False
        self.until(cut, f"the server to cut off: {name}")
        raw.close()
        return raw.heard

    def test_declared_lengths_of_four_gigabytes(self):
        self.clear_peak()
        for head in (b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"):
            for start in (b"", b"\x94\x00\x02", b"\x94\x00\x02\xaecontact.submit\x91", b"\x94\x00\x02\xaecontact.submit\x91\x81\xa4text"):
                for _ in range(10):
                    heard = self.expect_cut(f"{start + head}", start + head + b"\xff\xff\xff\xff" + b"x" * 100)
                    self.assertTrue(b"too_large" in heard or b"invalid" in heard, heard)
        self.check("declared lengths of 4 GiB")

    def test_nesting_of_a_million(self):
        self.clear_peak()
        for opening in (b"\x91", b"\x81\xa1a", b"\xdc\x00\x01"):
            heard = self.expect_cut("nesting", b"\x94\x00\x02\xa4ping\x91" + opening * 1000000)
            self.assertIn(b"too_large", heard)
            self.expect_cut("nesting from the start", opening * 1000000)
        self.check("nesting of a million")

    def test_half_frames_that_never_end(self):
        self.clear_peak()
        halves = [Raw(self.server) for _ in range(40)]
        for i, raw in enumerate(halves):
            raw.pour(HELLO + SUBMIT[:1 + i % (len(SUBMIT) - 1)])
        # And one byte now and then is a sign of life, but not a frame.
        self.check("half frames of 40 connections")
        self.until(lambda: all(raw.over() for raw in halves), "silent half frames to be cut off")
        # A frame as large as allowed that never ends may cost what it has sent, and only until it is cut off.
        self.clear_peak()
        big = Raw(self.server)
        big.pour(HELLO)
        data = b"\x94\x00\x02\xaecontact.submit\x91\x81\xa4text\xdb\x00\x0f\xf0\x00" + b"x" * 500000

        def poured():
            nonlocal data
            data = data[max(0, big.pour(data)):]
            return not data
        self.until(poured, "half a megabyte of a frame to be taken")
        self.assertLess(self.peak(), 3 * 500000 + BOUND)
        self.until(big.over, "the large half frame to be cut off")
        self.round("after the large half")
        self.until(lambda: self.grown() < BOUND, "the memory of the large half frame to be given back")

    def test_fuzzed_frames(self):
        print(f"SEED={SEED}")
        randomness = random.Random(SEED)
        for i in range(400):
            raw = Raw(self.server)
            raw.pour(HELLO + mutated(randomness, (SUBMIT, SIGN_IN, HELLO)))
            raw.over()
            if i == 100:
                self.round("fuzz-0")
                self.clear_peak()
            if i % 100 == 99 and i > 100:
                self.round(f"fuzz-{i}")
            raw.close()
        # A mutated request may be a right one: then there is one contact more, at a few hundred bytes.
        self.check("300 connections of fuzzed frames")

    def test_a_reader_that_never_reads(self):
        """Its answers fill a bounded buffer; then it is not read from, or cut off; others go on."""
        self.clear_peak()
        output_max = 4 * 1024 * KIB  # `output` in the configuration: what may wait for one client
        raw = Raw(self.server, receive_buffer=4096)
        raw.pour(HELLO)
        flood = msgpack.packb([0, 7, "contact.mine", [{}]]) * 1000
        rounds = 0

        def stuck():
            nonlocal rounds
            if raw.pour(flood) < 0:
                return True
            rounds += 1
            writable = select.select([], [raw.sock], [], 0.2)[1]
            return not writable
        self.until(stuck, "the server to stop reading from one that never reads")
        self.round("while one never reads")
        self.assertLess(self.peak(), output_max + 2 * 1024 * KIB + BOUND)
        print(f"a reader that never reads: {self.peak() // KIB} KiB at its peak, {rounds} rounds", flush=True)
        raw.close()
        self.until(lambda: self.grown() < BOUND, "its memory to be given back")

    def test_five_hundred_silent_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        crowd = [Raw(self.server) for _ in range(500)]
        self.round("in the crowd")
        self.until(lambda: all(raw.over() for raw in crowd), "those who say no hello to be cut off")
        for raw in crowd:
            raw.close()
        self.round("after the crowd")


if __name__ == "__main__":
    main()

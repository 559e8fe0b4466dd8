#!/usr/bin/python3
"""What a client can make the server hold is bounded: what it has sent and not finished, and a fixed amount that it does not read.

Each test lets many bad clients do the same at once, watches the server's memory at its peak, sees that honest clients are
served all the while, and that the memory is given back when the bad ones are gone.
"""
import os
import select
import socket
import time

import msgpack

from center import MINIMAL, SANITIZED, THREADS_SANITIZED, CenterTest, Client, agent, main, until

KIB = 1024
# Sanitizers keep freed memory back and put walls around the rest: under them only a runaway shows.
SLACK = 98304 * KIB if THREADS_SANITIZED else 16384 * KIB if SANITIZED else 768 * KIB
FRAME, OUTPUT, ANSWERS = 1024 * KIB, 256 * KIB, 256 * KIB  # one frame; `output`; what may wait before nothing more is read
CONNECTION = 4 * KIB  # the record of a connection and its smallest buffers

CONFIG = (MINIMAL.read_text().replace("  heartbeat: 1s\n", f"  heartbeat: 1s\n  output: {OUTPUT // KIB}KiB\n")
          .replace("answer_clock: 500ms", "answer_clock: 10m").replace("delivery_clock: 300ms", "delivery_clock: 10m")
          .replace("agent_units: 100", "agent_units: 1000000"))

HELLO = {"protocol": 1, "role": "connector", "workspace": "default"}


class Deaf:
    """A client that writes and never reads, over a Unix socket, whose buffers in the kernel are small and fixed."""

    def __init__(self, server, **hello):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(server.unix[len("unix://"):])
        self.sock.setblocking(False)
        self.unsent = b""
        self.number = 0
        server.clients.append(self)
        self.say("hello", **{**HELLO, **hello})

    def say(self, method, **params):
        self.number += 1
        self.pour(msgpack.packb([0, self.number, method, [params]]))

    def pour(self, data=b""):
        """Send what the server takes now and keep the rest; false once the connection is over."""
        self.unsent += data
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def over(self):
        """Closed by the server? Without reading a byte of what it sent before."""
        poll = select.poll()
        poll.register(self.sock, select.POLLHUP | select.POLLERR)
        return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def close(self):
        self.sock.close()


class Memory(CenterTest):
    def setUp(self):
        self.server = self.start(CONFIG, env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
                                              ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"})
        self.admin = Client(self.server, "admin")
        self.witness = Client(self.server, "connector", name="witness")
        self.ana = agent(self.server, "ana", admin=self.admin, queues=["second"])
        self.rounds, self.slowest, self.peak = 0, 0.0, 0
        for _ in range(20):
            self.round()
        self.mark()

    def mark(self):
        """From here on memory is counted, and so is its peak."""
        with open(f"/proc/{self.server.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        self.before = self.server.memory()

    def round(self):
        """A contact of honest people goes its whole way; how long that took."""
        began = time.monotonic()
        self.rounds += 1
        name = f"w{self.rounds}"
        self.witness.call("contact.submit", id=name, channel="email", queue="second", text="where is my order?")
        self.ana.call("offer.accept", offer=self.ana.notice("offer", contact=name)["offer"])
        self.ana.call("contact.complete", contact=name)
        self.witness.notice("contact.changed", contact=name, state="completed")
        self.witness.notices.clear()
        self.admin.call("ping")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def until(self, condition, what):
        def lively():
            began = time.monotonic()
            for client in (self.witness, self.ana, self.admin):
                client.call("ping")
            self.slowest = max(self.slowest, time.monotonic() - began)
            return condition()
        return until(lively, what)

    def grown(self):
        return self.server.memory() - self.before

    def check_peak(self, what, bound):
        self.peak = peak = self.server.memory("VmHWM") - self.before
        print(f"{what}: {peak // KIB} KiB at the peak, {bound // KIB} KiB allowed; an honest contact's whole way took at most "
              f"{self.slowest * 1000:.0f} ms", flush=True)
        self.assertLess(peak, bound, what)

    def check_given_back(self):
        """Buffers that grew side by side leave holes, which stay with the allocator: more of them, the more there was at the peak."""
        bound = SLACK + self.peak // 3
        self.round()
        try:
            self.until(lambda: self.grown() < bound, "the memory to be given back")
        except AssertionError:
            print(f"{self.grown() // KIB} KiB were not given back")
            raise
        print(f"given back but for {self.grown() // KIB} KiB", flush=True)

    def test_frames_of_the_greatest_size_come_slowly(self):
        """A frame may be as large as allowed: it costs what has come of it, not what it announces, and no more than twice that."""
        crowd = [Deaf(self.server) for _ in range(8)]
        head = b"\x94\x00\x02" + msgpack.packb("contact.update") + b"\x91\x81" + msgpack.packb("unknown") + b"\xc6" + (FRAME - 64).to_bytes(4, "big")
        for deaf in crowd:
            deaf.pour(head)
        self.round()
        self.check_peak("8 announced frames of 1 MiB", len(crowd) * 64 * KIB + SLACK)
        for part in range(1, 16):
            for deaf in crowd:
                deaf.pour(b"x" * (60 * KIB))
            self.until(lambda: all(deaf.pour() and not deaf.unsent for deaf in crowd), "parts of frames to be taken")
            if part in (1, 4, 15):
                self.check_peak(f"{part * 60} KiB of each", len(crowd) * 2 * (part + 1) * 60 * KIB + SLACK)
        for deaf in crowd:
            deaf.close()
        self.check_given_back()

    def test_two_hundred_half_frames(self):
        """Small pieces may stay with the allocator; a second crowd then costs nothing more."""
        half = msgpack.packb([0, 2, "contact.submit", [{"channel": "email", "text": "x" * 2000}]])[:1500]
        bound = 200 * (CONNECTION + 2 * len(half)) + SLACK
        for wave in ("first", "second", "third"):
            crowd = [Deaf(self.server) for _ in range(200)]
            for deaf in crowd:
                deaf.pour(half)
            for _ in range(20):
                self.round()
            self.check_peak(f"half frames of 200 connections, the {wave} time", bound)
            for deaf in crowd:
                deaf.close()
            self.until(lambda: self.admin.call("ping"), "the server")
        self.round()
        self.assertLess(self.grown(), bound)

    def test_requests_in_flight_whose_answers_are_not_read(self):
        """The server stops reading from those; it holds some answers for each, and none is lost when they read after all."""
        with Client(self.server, "connector", name="shop") as shop:
            shop.call("contact.submit", id="large", channel="email", queue="general", text="文" * 20000, subject="s" * 1000)
        self.mark()
        crowd = [Deaf(self.server, name="shop", notify="none") for _ in range(8)]
        for deaf in crowd:
            for _ in range(1024):
                deaf.say("contact.get", contact="large")
        for _ in range(50):
            self.round()
            for deaf in crowd:
                self.assertTrue(deaf.pour(), "one that only does not read is not cut off at once")
        # An answer more than what may wait, and the copy that is on its way.
        self.check_peak("1,024 requests of 61 KiB of answer each, of 8 connections", len(crowd) * (2 * ANSWERS + 2 * 128 * KIB + 256 * KIB) + SLACK)
        reader, rest = crowd[0], crowd[1:]
        unpacker, answers = msgpack.Unpacker(raw=False, max_buffer_size=0), []

        def all_read():
            reader.pour()
            try:
                unpacker.feed(reader.sock.recv(1 << 20))
            except BlockingIOError:
                pass
            answers.extend(message[1] for message in unpacker)
            return len(answers) == 1025
        self.until(all_read, "1,024 answers")
        self.assertEqual(answers, list(range(1, 1026)))
        self.until(lambda: all(deaf.over() for deaf in rest), "those who never read to be cut off")
        reader.close()
        self.check_given_back()

    def test_an_agent_that_never_reads_its_offers(self):
        """It is cut off when its offers are more than `output`; its contacts wait for others."""
        self.admin.call("agent.put", agent="dea", queues=["general"])
        dea = Deaf(self.server, role="agent")
        dea.say("agent.sign_in", agent="dea", state="available")
        self.until(lambda: self.admin.call("agent.get", agent="dea")["state"] == "available", "dea to be there")
        shop = Client(self.server, "connector", name="shop")
        self.mark()
        count = 0

        def cut_off():
            nonlocal count
            count += 1
            shop.call("contact.submit", id=f"k{count}", channel="email", queue="general", text="x" * 30000)
            return dea.over()
        self.until(cut_off, "the deaf agent to be cut off")
        self.check_peak(f"{count} offers of 30 KiB unread", 2 * count * 31 * KIB + 2 * OUTPUT + SLACK)  # the contacts are there, too
        desk = Client(self.server, "supervisor")
        self.until(lambda: desk.call("queue.get", queue="general")["waiting"] == count, "its contacts to wait for others")
        bo = agent(self.server, "bo", admin=self.admin, queues=["general"], capacity=40)
        self.assertEqual(bo.notice("offer")["contact"], "k1")

    def test_connectors_that_never_read_their_notifications(self):
        """Each connection of a name hears all: each holds at most `output`, then it is cut off; the contacts go their way."""
        shop = Client(self.server, "connector", name="shop", notify="none")
        shop.call("contact.submit", id="k", channel="email", queue="general")
        self.mark()
        for wave in ("first", "second"):
            crowd = [Deaf(self.server, name="shop") for _ in range(20)]
            count = 0

            def all_cut_off():
                nonlocal count
                shop.call("ping")
                for queue in ("strict", "general") * 20:  # a contact that moves is one contact
                    count += 1
                    self.admin.send("contact.move", contact="k", queue=queue)
                self.admin.wait_for(lambda: len(self.admin.answers) == 40, "the answers to moves")
                self.assertEqual([error for error, _ in self.admin.answers.values() if error], [])
                self.admin.answers.clear()
                return all(deaf.over() for deaf in crowd)
            self.until(all_cut_off, "all who never read to be cut off")
            # Twice: a buffer grows by doubling, and who takes nothing is given a moment before it is cut off.
            self.check_peak(f"20 connections that did not hear of {count} moves, the {wave} time", len(crowd) * 3 * OUTPUT + SLACK)
            for deaf in crowd:
                deaf.close()
        self.check_given_back()


if __name__ == "__main__":
    main()

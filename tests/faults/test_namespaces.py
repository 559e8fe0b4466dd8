#!/usr/bin/python3
"""Hosts in network namespaces: cables that are cut, one-way silence, loss; and nothing left when the test is killed."""
import os
import pathlib
import subprocess
import sys
import time

from namespaces import Network, Unsupported
from processes import Process, until
from stage import StageTest, main
from resp import Connection

SERVER = ["redis-server", "--save", "", "--protected-mode", "no", "--bind", "0.0.0.0"]

# Starts what a stage starts, says what it has started, and waits to be killed.
VICTIM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from stage import Stage
stage = Stage(network=sys.argv[2] == "network")
stage.single()
print(stage.folder.path, stage.redis[0].pid, *([host.holder.pid for host in stage.network.hosts] +
      [stage.network.switch.holder.pid] if stage.network else [stage.proxy.process.pid]), flush=True)
sys.stdin.read()
"""


class Cables(StageTest):
    def setUp(self):
        self.network = Network()
        self.addCleanup(self.network.close)
        self.a, self.b = self.network.host("a"), self.network.host("b")
        folder = self.stage(proxied=False).folder.path
        for host in (self.a, self.b):
            redis = Process(f"redis-{host.name}", SERVER, folder / host.name, host)
            self.addCleanup(redis.end)
            redis.started = lambda host=host: self.reaches(host, host)
            redis.start()

    @staticmethod
    def reaches(host, other, seconds=0.3):
        """Whether a new connection works; a second try, as the first packet after a fault may wait for the address."""
        try:
            with Connection((other.address, 6379), seconds, open_socket=host.connect) as connection:
                return connection("PING") == "PONG"
        except OSError:
            return False

    def wait_reached(self, host, other):
        until(lambda: self.reaches(host, other, 2), f"{host.name} to reach {other.name} again")

    def test_cut_and_healed(self):
        self.wait_reached(self.a, self.b)
        self.network.cut(self.a, self.b)
        self.assertFalse(self.reaches(self.a, self.b))
        self.assertFalse(self.reaches(self.b, self.a))
        self.assertGreater(self.b.lost_packets(), 0)
        self.network.heal()
        self.wait_reached(self.a, self.b)

    def test_one_way_is_one_way(self):
        """b is deaf for a: what a asks never arrives, and what b says does."""
        connection = Connection((self.a.address, 6379), 0.3, open_socket=self.b.connect)
        self.addCleanup(connection.close)
        connection("PING")
        self.network.deafen(self.b, self.a)
        connection.send(("SET", "heard", "yes"))
        with self.assertRaises(TimeoutError):
            connection.read()
        with Connection(("127.0.0.1", 6379), 5, open_socket=self.a.connect) as at_a:
            self.assertEqual(at_a("GET", "heard"), "yes")

    def test_what_was_sent_into_a_pulled_cable_arrives_later(self):
        connection = Connection((self.b.address, 6379), 0.3, open_socket=self.a.connect)
        self.addCleanup(connection.close)
        self.b.unplug()
        until(lambda: not self.b.plugged(), "the cable to be out")
        connection.send(("SET", "late", "yes"))
        with self.assertRaises(TimeoutError):
            connection.read()
        self.b.plug()
        connection.socket.settimeout(20)
        self.assertEqual(connection.read(), "OK")

    def test_a_link_that_is_down_is_an_error_at_once(self):
        self.a.link_down()
        begin = time.monotonic()
        with self.assertRaises(OSError) as refused:
            self.a.connect((self.b.address, 6379), 5)
        self.assertNotIsInstance(refused.exception, TimeoutError)
        self.assertLess(time.monotonic() - begin, 2)
        self.a.link_up()
        self.wait_reached(self.a, self.b)

    def test_loss_takes_packets_and_tcp_makes_up_for_it(self):
        self.b.lose(0.3)
        with Connection((self.b.address, 6379), 25, open_socket=self.a.connect) as connection:
            for number in range(40):
                self.assertEqual(connection("INCR", "n"), number + 1)
        self.assertGreater(self.b.lost_packets(), 0)

    def test_slow_is_bytes_a_second(self):
        self.a.slow(100000)
        with Connection((self.b.address, 6379), 20, open_socket=self.a.connect) as connection:
            begin = time.monotonic()
            connection("SET", "k", "x" * 60000)
            self.assertGreater(time.monotonic() - begin, 0.2)

    def test_delay_where_the_kernel_has_it(self):
        """By netem; elsewhere the refusal names the way that works everywhere."""
        try:
            self.a.delay(30)
        except Unsupported as unsupported:
            self.assertIn("fault proxy", str(unsupported))
            self.assertIn("unknown", self.qdisc_error())
        else:
            with Connection((self.b.address, 6379), 5, open_socket=self.a.connect) as connection:
                begin = time.monotonic()
                connection("PING")
                self.assertGreaterEqual(time.monotonic() - begin, 0.03)

    def qdisc_error(self):
        return subprocess.run([*self.a.enter, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
                              capture_output=True, text=True, timeout=30, check=False).stderr


class Killed(StageTest):
    def test_nothing_is_left_when_the_test_is_killed(self):
        for what in ("network", "proxy"):
            victim = subprocess.Popen([sys.executable, "-B", "-c", VICTIM, str(pathlib.Path(__file__).parent), what],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            folder, *pids = victim.stdout.readline().split()
            self.assertTrue(all(os.path.exists(f"/proc/{pid}") for pid in pids))
            victim.kill()
            victim.wait()
            victim.stdin.close()
            victim.stdout.close()
            until(lambda pids=pids: all(self.gone(pid) for pid in pids), f"the processes of a stage with {what} to end")
            until(lambda folder=folder: not os.path.exists(folder), "its folder to be removed")

    @staticmethod
    def gone(pid):
        """Ended; nobody may be there to ask for its exit status."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""switchboard-bench peers: a small count through each server, every contact accounted for, and nothing left behind.

Here beanstalkd and Redis stand for all; PEERS=all takes every row that there is.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from center import BIN, SANITIZED, main, until

BENCH = str(BIN / "switchboard-bench")
SMALL = "switchboard,switchboard-auto,switchboard-all,switchboard-text,switchboard-redis,floor,beanstalkd,redis-stream,redis-stream-all," \
        "redis-list,redis-sorted-set"
COUNT = 500
WAITING = 2000
ALL = os.environ.get("PEERS") == "all"
SECONDS = 900.0 if ALL else 240.0 if SANITIZED else 120.0  # RabbitMQ takes its time to start

COSTS = ("life_cycles_per_second", "server_cpu_us", "bench_cpu_share")
AT_RATE = ("handed_out_p50_us", "handed_out_p99_us", "server_cpu_at_rate_us")


def bench(*arguments, seconds=SECONDS):
    return subprocess.run([BENCH, "peers", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, text=True, check=False)


def rows_there_are():
    """{name: whether it has a memory row, whether a durable one}"""
    rows, name = {}, None
    for line in bench("--list").stdout.splitlines():
        if not line.startswith(" "):
            name = line
        elif line.startswith(("  memory: ", "  durable: ")):
            rows.setdefault(name, []).append(not line.endswith(": no"))
    return rows


def processes_in(folder):
    """Whoever works below a folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(str(folder) + "/"):
                    found.append(int(entry.name))
            except OSError:
                pass  # it ended, or is somebody else's
    return found


class Peers(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="switchboard-test-")))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def nothing_is_left(self):
        until(lambda: not processes_in(self.folder), "the servers to end")
        self.assertEqual(list(self.folder.iterdir()), [])

    def measure(self, names, *options):
        with tempfile.NamedTemporaryFile(suffix=".json") as result:
            answer = bench("--peers", names, "--folder", str(self.folder), "--json", result.name, "--rounds", "1",
                           *options)
            self.assertEqual(answer.returncode, 0, answer.stdout)
            self.nothing_is_left()
            return answer.stdout, json.load(result)

    def rows(self, names, report, mode):
        """The rows of a mode: one for each name that has it, none of them failed, every contact completed once."""
        there = rows_there_are()
        expected = [name for name in there if name in names.split(",") and there[name][mode == "durable"]]
        rows = [row for row in report["rows"] if row["mode"] == mode]
        self.assertEqual([row["peer"] for row in rows], expected)
        for row in rows:
            self.assertNotIn("failed", row)
            self.assertGreaterEqual(row["contacts"], COUNT, row["peer"])
        return rows

    def test_every_contact_is_accounted_for(self):
        names = ",".join(rows_there_are()) if ALL else SMALL
        with tempfile.NamedTemporaryFile(suffix=".html") as page:
            table, report = self.measure(names, "--windows", "4", "--count", str(COUNT), "--rate", "500",
                                         "--seconds", "0.5", "--warm-up", "0.1", "--waiting", str(WAITING),
                                         "--html", page.name)
            html = pathlib.Path(page.name).read_text()
        for mode in ("memory", "durable"):
            for row in self.rows(names, report, mode):
                self.assertIn(row["peer"], table)
                self.assertIn(row["peer"], html)
                for figure in COSTS + AT_RATE:
                    self.assertGreater(row[figure]["median"], 0, (row["peer"], figure))
                self.assertGreater(row["contacts"], COUNT, row["peer"])  # those at a rate come on top
                self.assertGreater(row["times_switchboard"]["server_cpu_us"]["median"], 0)

    def test_a_window_of_one(self):
        _, report = self.measure(SMALL, "--windows", "1", "--memory", "--count", str(COUNT), "--rate", "0")
        for row in self.rows(SMALL, report, "memory"):
            self.assertEqual(row["contacts"], COUNT, row["peer"])
            self.assertIsNone(row["handed_out_p50_us"])

    def test_ratios_are_those_of_the_rounds(self):
        _, report = self.measure("switchboard,redis-stream", "--windows", "4", "--memory", "--count", str(COUNT), "--rate", "0")
        base, peer = report["rows"]
        ratio = peer["times_switchboard"]["server_cpu_us"]["rounds"]
        self.assertAlmostEqual(ratio[0], peer["server_cpu_us"]["rounds"][0] / base["server_cpu_us"]["rounds"][0], places=6)

    def test_shared(self):
        """The journal in Redis beside one in memory: what Redis was asked is what life cycles write."""
        answer = subprocess.run([BENCH, "shared", "--rounds", "1", "--seconds", "0.5", "--window", "4", "--rate", "500",
                                 "--folder", str(self.folder), "--json", "-"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, timeout=SECONDS, text=True, check=True)
        self.nothing_is_left()
        report = json.loads(answer.stdout)
        for loop in "closed", "open":
            figures = {name: figure["median"] for name, figure in report[loop].items()}
            # Submitted, offered, accepted, completed; what is under way when the counting begins or ends blurs it.
            self.assertGreater(figures["facts"], 3, loop)
            self.assertLess(figures["facts"], 6, loop)
            self.assertGreater(figures["bytes_in"], 200, loop)  # of a contact's text, which cannot be packed
            self.assertGreater(figures["bytes_file"], 200, loop)
            self.assertLess(figures["entries"], figures["commands"], "whoever appends looks first")
            for name in "memory_cpu_us", "router_cpu_us", "redis_cpu_us":
                self.assertGreater(figures[name], 0, (loop, name))
            self.assertAlmostEqual(figures["ratio"], figures["router_cpu_us"] / figures["memory_cpu_us"], places=6)

    def test_interrupted_it_leaves_nothing_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with subprocess.Popen([BENCH, "peers", "--peers", "redis-stream", "--memory", "--seconds", "600", "--folder",
                                   str(self.folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as running:
                try:
                    until(lambda: processes_in(self.folder), "a server to be started")
                finally:
                    running.send_signal(number)
                until(lambda: running.poll() is not None, "the bench to end")
                until(lambda: not processes_in(self.folder), "its server to end")
                if number == signal.SIGKILL:  # nobody is left to tidy up; no process is left, either
                    self.assertEqual(running.returncode, -number)
                else:
                    self.assertEqual(running.returncode, 1)
                    self.nothing_is_left()

    def test_what_it_refuses(self):
        for arguments in (("--peers", "carrier-pigeon"), ("--windows", "0"), ("--rounds", "none"), ("nonsense",)):
            answer = bench(*arguments)
            self.assertEqual(answer.returncode, 2, answer.stdout)
        answer = bench("--peers", "beanstalkd", "--memory", "--rounds", "1", "--folder", "/nonexistent")
        self.assertEqual(answer.returncode, 1, answer.stdout)
        self.assertIn("/nonexistent", answer.stdout)


if __name__ == "__main__":
    main()

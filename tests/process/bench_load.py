#!/usr/bin/python3
"""`switchboard-bench load` and `scale`: as many contacts as was said, when it was said, over all servers and workspaces; none lost
by a storm; and results that say so."""
import json
import re
import subprocess
import tempfile

from center import BIN, DEADLINE, ROOT, CenterTest, Client, main, until

BENCH = str(BIN / "switchboard-bench")
BAD, UNABLE = 1, 2
CONFIG = """
node: {heartbeat: 2s}
workspaces:
  bench: &workspace
    default_queue: general
    agent_units: 1000
    grace: 20s
    channels: [{name: email, units: 1}, {name: chat, units: 1}]
    tiers: [{name: vip, answer: 10s}, {name: standard, answer: 60s}]
    queue_defaults: {answer_clock: 20s, delivery_clock: 20s, cool_down: 50ms}
    queues: [{name: general}, {name: second}]
  other: *workspace
"""
STORM = """
mix:
  - {weight: 3, tier: [vip, standard], handle: {mean: 10ms}, patience: {law: exponential, mean: 2s}}
  - {weight: 1, channel: chat, queue: second, language: en, text: 50, handle: {law: lognormal, mean: 20ms, spread: 60}}
agents: {declines: 10}
phases:
  - {name: before, duration: 500ms, rate: 200}
  - {name: storm, duration: 1s, rate: 200..400, reconnect: {share: 100, after: 100ms}}
  - {name: full, duration: 500ms, window: 2}
"""


class BenchLoad(CenterTest):
    def run_bench(self, *arguments, status=0):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/result.json"
            answer = subprocess.run([BENCH, *arguments, "--json", path], timeout=2 * DEADLINE, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(answer.returncode, status, answer.stderr)
            with open(path, encoding="utf-8") as file:
                return json.load(file)

    def load(self, server, *arguments, status=0):
        return self.run_bench("load", "--connect", server.tcp, "--make-agents", "--agents", "4", "--connectors", "2", "--quiet",
                              *arguments, status=status)

    def check(self, result, due, slack=0):
        """What a machine that does other things could not send before the end is told, and no less was due."""
        counts = result["counts"]
        self.assertLessEqual(abs(counts["submitted"] + counts["unsent"] - due), slack, counts)
        self.assertEqual(counts["completed"] + counts["abandoned"], counts["submitted"], counts)
        self.assertEqual(counts["unaccounted"] + counts["two_agents"] + counts["unanswered"], 0, counts)

    def test_the_backlog_is_what_agents_take_and_a_window_more(self):
        server = self.start(config=CONFIG, workspace="bench")
        desk = Client(server, "supervisor", workspace="bench")
        run = subprocess.Popen([BENCH, "load", "--connect", server.tcp, "--make-agents", "--agents", "4", "--connectors", "2",
                                "--at-once", "3", "--window", "2", "--handle-ms", "20", "--count", "1500", "--quiet"],
                               stdout=subprocess.DEVNULL)
        seen = []

        def ended():
            row = desk.call("queue.get", queue="general")
            seen.append(row["waiting"] + row["offered"] + row["active"])
            return run.poll() is not None
        until(ended, "the load to end")
        self.assertEqual(run.returncode, 0)
        self.assertEqual(max(seen), 4 * 3 + 2 * 2)

    def test_a_ramp_has_the_area_below_it(self):
        server = self.start(config=CONFIG, workspace="bench")
        result = self.load(server, "--rate", "100..300", "--even", "--duration", "1.5")
        self.check(result, 300, slack=1)
        self.assertGreaterEqual(len(result["series"]), 1)
        self.assertGreater(result["series"][0]["due_per_second"], 100)

    def test_bursts_come_on_top(self):
        server = self.start(config=CONFIG, workspace="bench")
        self.check(self.load(server, "--rate", "100", "--even", "--burst", "150", "--every", "0.4", "--duration", "1"), 100 + 3 * 150,
                   slack=1)

    def test_a_storm_loses_nothing(self):
        server = self.start(config=CONFIG, workspace="bench")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(STORM)
            file.flush()
            result = self.load(server, "--scenario", file.name)
        counts = result["counts"]
        self.check(result, counts["submitted"])
        self.assertEqual(counts["reconnects"], 6)
        self.assertGreater(counts["declined"], 0)
        self.assertGreater(counts["submitted"], 300)
        self.assertEqual(result["latency"]["reconnect"]["count"], 6)

    def test_a_wrong_scenario_is_refused_with_its_places(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("mix:\n  - {weight: 1, colour: red}\nphases:\n  - {duration: 5}\n")
            file.flush()
            answer = subprocess.run([BENCH, "load", "--scenario", file.name], timeout=DEADLINE, capture_output=True, text=True,
                                    check=False)
            self.assertEqual(answer.returncode, UNABLE)
            self.assertRegex(answer.stderr, re.escape(file.name) + r":2:\d+: mix\[1\].*colour")
            self.assertRegex(answer.stderr, re.escape(file.name) + r":4:\d+: phases\[1\].*duration")

    def test_the_examples_are_right(self):
        """They are read, and only then is nobody there."""
        for path in (ROOT / "bench" / "scenarios").glob("*.yaml"):
            answer = subprocess.run([BENCH, "load", "--connect", "unix:///nonexistent", "--scenario", str(path), "--agents", "0"],
                                    timeout=DEADLINE, capture_output=True, text=True, check=False)
            self.assertEqual(answer.returncode, UNABLE)
            self.assertNotIn(path.name, answer.stderr)

    def test_several_workspaces_and_servers_share_the_load(self):
        servers = [self.start(config=CONFIG, workspace="bench") for _ in range(2)]
        result = self.run_bench("load", "--connect", servers[0].tcp, "--connect", servers[1].tcp, "--workspaces", "bench,other",
                                "--make-agents", "--agents", "8", "--connectors", "4", "--count", "400", "--window", "8", "--quiet")
        self.check(result, 400)
        completed = []
        for server in servers:
            for workspace in ("bench", "other"):
                with Client(server, "supervisor", workspace=workspace) as desk:
                    completed.append(sum(row["completed"] for row in desk.call("stats", by="queue")["rows"]))
        self.assertEqual(sum(completed), 400)
        self.assertGreater(min(completed), 0)

    def test_a_workspace_that_is_not_there_is_named(self):
        server = self.start(config=CONFIG, workspace="bench")
        answer = subprocess.run([BENCH, "load", "--connect", server.tcp, "--workspace", "nowhere", "--quiet"], timeout=DEADLINE,
                                capture_output=True, text=True, check=False)
        self.assertEqual(answer.returncode, UNABLE)
        self.assertIn("nowhere", answer.stderr)

    def test_the_page_has_plots_and_fetches_nothing(self):
        server = self.start(config=CONFIG, workspace="bench")
        with tempfile.TemporaryDirectory() as folder:
            self.load(server, "--rate", "200", "--duration", "1.2", "--html", f"{folder}/page.html", "--server-pid",
                      str(server.process.pid))
            with open(f"{folder}/page.html", encoding="utf-8") as file:
                page = file.read()
        self.assertEqual(page.count("<svg "), 7)
        self.assertEqual(page.count("<svg "), page.count("</svg>"))
        self.assertNotRegex(page, r"https?://|<script|src=|@import|url\(")

    def test_limits_decide_the_exit_status(self):
        server = self.start(config=CONFIG, workspace="bench")
        self.load(server, "--count", "50", "--max-p99-ms", "60000", "--max-errors", "0")
        result = self.load(server, "--count", "50", "--max-p99-ms", "0.000001", status=BAD)
        self.assertIn("p99", result["failed"])

    def test_scale_steps_through_sizes(self):
        result = self.run_bench("scale", "--quick", "--only", "agents,waiting", "--rate", "1000", "--duration", "0.5", "--quiet")
        self.assertEqual([point["size"] for point in result["axes"]["agents"]], [10, 100, 1000])
        self.assertEqual([point["size"] for point in result["axes"]["waiting"]], [0, 1000, 10000])
        for points in result["axes"].values():
            for point in points:
                self.assertGreater(point["submit_offer_p50_ns"], 0)
        waiting = result["axes"]["waiting"][-1]["bytes_each"]
        self.assertGreater(waiting, 200, "the text is in it")


if __name__ == "__main__":
    main()

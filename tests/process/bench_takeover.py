#!/usr/bin/python3
"""`switchboard-bench takeover` in its short form: two rounds of each kind on one Redis.

How long a takeover takes on a machine that does other things besides is not judged here: only that somebody takes over each
time, that every contact is there at the end, and that nobody's hand-over brings an error.
"""
import json
import subprocess
import unittest

from center import BIN, main

BENCH = str(BIN / "switchboard-bench")
SHORT = ["takeover", "--agents", "50", "--contacts", "2000", "--rate", "200", "--quiet", "--json", "-"]
SECONDS = 150


def bench(*arguments):
    return subprocess.run([BENCH, *SHORT, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=SECONDS, check=False)


class BenchTakeover(unittest.TestCase):
    def test_rounds(self):
        answer = bench("--rounds", "2", "--only", "kill,hand-over")
        self.assertEqual(answer.returncode, 0, answer.stderr + answer.stdout)
        result = json.loads(answer.stdout)
        self.assertEqual(result["kept"], result["completed"] + result["found"])
        self.assertGreater(result["kept"], 2000, "each completed contact is followed by another one")
        self.assertEqual(sorted(result["kinds"]), ["hand-over", "kill"])
        for kind, series in result["kinds"].items():
            self.assertEqual(series["rounds"], 2, kind)
            for figure in ("first_offer_ms", "gap_ms", "usual_gap_ms"):
                self.assertEqual(len(series[figure]["sorted"]), 2, kind)
                self.assertGreater(series[figure]["median"], 0, kind)
                self.assertLessEqual(series[figure]["median"], series[figure]["max"], kind)
        self.assertEqual(result["kinds"]["hand-over"]["errors"], 0)

    def test_limits_decide_the_exit_status(self):
        answer = bench("--rounds", "1", "--only", "kill", "--max-kill-ms", "0.001")
        self.assertEqual(answer.returncode, 1, "no takeover is as fast as that: " + answer.stderr)

    def test_what_cannot_be_is_refused(self):
        for arguments in (["--only", "primary"], ["--only", "flood"], ["--contacts", "10"]):
            self.assertEqual(bench(*arguments).returncode, 2, arguments)


if __name__ == "__main__":
    main()

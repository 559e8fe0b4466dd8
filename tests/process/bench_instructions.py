#!/usr/bin/python3
"""The guard of instruction counts lets through what it should and nothing else, and says where it grew."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from center import BIN, DEADLINE, ROOT, main

FIGURE = "codec: encode offer"
GUARD = [str(ROOT / "bench" / "instructions")]


class BenchInstructions(unittest.TestCase):
    def guard(self, what):
        return subprocess.run([*GUARD, what, str(BIN / "switchboard-instructions"), "--only", FIGURE, "--file", str(self.record)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE * 2,
                              check=False)

    def recorded_as(self, factor):
        """What the guard says when the record is so many times what is true."""
        record = json.loads(json.dumps(self.truth))
        figure = record[FIGURE]
        figure["total"] *= factor
        figure["functions"] = {name: count * factor for name, count in figure["functions"].items()}
        self.record.write_text(json.dumps(record))
        return self.guard("--check")

    def test_it_can_fail(self):
        with tempfile.TemporaryDirectory() as folder:
            self.record = pathlib.Path(folder) / "record.json"
            self.assertEqual(self.guard("--record").returncode, 0)
            self.truth = json.loads(self.record.read_text())
            same = self.guard("--check")
            self.assertEqual(same.returncode, 0, same.stderr)
            self.assertIn("+0.0%", same.stdout, "the same program, the same instructions")
            for factor, passes in (1.04, True), (0.96, True), (1.06, False), (0.94, False):
                answer = self.recorded_as(factor)
                self.assertEqual(answer.returncode == 0, passes, f"recorded {factor} times what it is: {answer.stderr}")
            self.assertIn("+6.4%", answer.stderr)
            self.assertIn("router/", answer.stderr, "the functions that grew are named")
            self.assertIn("--record", answer.stderr, "and what to do when it is meant so")

    def test_what_is_not_recorded_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            self.record = pathlib.Path(folder) / "record.json"
            self.record.write_text("{}")
            self.assertNotEqual(self.guard("--check").returncode, 0)


if __name__ == "__main__":
    main()

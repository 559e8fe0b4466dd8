#!/usr/bin/python3
"""The checker's own proof: bad histories are caught under their names, good ones pass, malformed ones are called so."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import telling

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from check import Checker  # noqa: E402
from verdict import INVARIANTS  # noqa: E402


def stories(name):
    """(title, invariants that must be found, lines) of each paragraph."""
    for paragraph in (HERE / name).read_text(encoding="utf-8").split("\n\n"):
        title, *lines = paragraph.strip().splitlines()
        if title.startswith("#"):
            continue
        names = title[1:title.index("]")].split() if title.startswith("[") else []
        yield title.split("] ")[-1], names, lines


def judged(events):
    """The verdict on events."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event) + "\n")
        file.flush()
        checker = Checker()
        checker.check([file.name])
        return checker.verdict


class Histories(unittest.TestCase):
    def test_bad_ones_are_caught_under_their_names(self):
        count, caught = 0, set()
        for title, names, lines in stories("bad.txt"):
            count += 1
            with self.subTest(title):
                verdict = judged(telling.history(lines))
                self.assertTrue(names, "it names no invariant")
                for name in names:
                    self.assertIn(name, verdict.counts)
                    caught.add(name)
                for each in verdict.violations():
                    self.assertTrue(each["lines"] or each["invariant"] == "L5", each)
        print(f"{count} bad histories, {len(caught)} invariants")
        self.assertGreaterEqual(count, 45)
        self.assertEqual(caught, set(INVARIANTS))

    def test_good_ones_pass(self):
        count = 0
        for title, _, lines in stories("good.txt"):
            count += 1
            with self.subTest(title):
                self.assertEqual(judged(telling.history(lines)).violations(), [])
        print(f"{count} good histories")
        self.assertGreaterEqual(count, 25)


class Program(unittest.TestCase):
    def run_on(self, text, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            return subprocess.run([sys.executable, "-B", str(HERE / "check.py"), file.name, *options], capture_output=True, text=True)

    def test_exit_status(self):
        for name, status in (("good.txt", 0), ("bad.txt", 1)):
            _, names, lines = next(stories(name))
            text = "".join(json.dumps(event) + "\n" for event in telling.history(lines))
            self.assertEqual(self.run_on(text).returncode, status)
            told = json.loads(self.run_on(text, "--json").stdout)
            self.assertEqual([name for name in told["counts"]], names)

    def test_malformed(self):
        invoke = '{"t":1,"kind":"invoke","client":"a","op":"ping","call":1}\n'
        for text in ("nonsense\n", '{"t":1}\n', '{"t":1,"kind":"guess"}\n', '[1]\n', invoke + invoke,
                     '{"t":1,"kind":"ok","client":"a","op":"ping","call":1}\n', invoke + invoke.replace("invoke", "ok").replace('"t":1', '"t":0'),
                     invoke + invoke.replace("invoke", "fail"), invoke + invoke.replace("invoke", "ok").replace("ping", "pong"),
                     '{"t":1,"kind":"rig"}\n', '{"t":1,"kind":"event","op":"offer"}\n'):
            self.assertEqual(self.run_on(text).returncode, 2, text)
            self.assertIn("malformed", json.loads(self.run_on(text, "--json").stdout))


if __name__ == "__main__":
    unittest.main()

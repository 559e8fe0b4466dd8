#!/usr/bin/python3
"""The micro-benchmarks run, say what they measured, and do exactly as much as they were told."""
import json
import subprocess
import tempfile
import unittest

from center import BIN, DEADLINE, main


def bench(*arguments):
    answer = subprocess.run([str(BIN / "switchboard-bench"), *arguments, "--json", "-"], stdin=subprocess.DEVNULL, timeout=DEADLINE * 2,
                            stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


class BenchMicro(unittest.TestCase):
    def cost(self, cost):
        self.assertGreater(cost["ns"], 0)
        if cost["instructions"] is not None:  # many machines count none
            self.assertGreater(cost["instructions"], 10)

    def test_engine(self):
        result = bench("engine", "--operations", "2000", "--ended", "100")
        self.assertEqual(result["count"], 2000)
        self.assertGreater(result["ns_per_life_cycle"], 0)

    def test_codec(self):
        result = bench("codec", "--operations", "1000")
        self.assertEqual(result["operations"], 1000)
        rows = {row["operation"]: row for row in result["rows"]}
        self.assertEqual(len(rows), 8)
        for row in rows.values():
            self.cost(row["ours"])
            self.cost(row["msgpack_c"])
            self.assertGreater(row["bytes"], 30)
        self.assertGreater(rows["decode contact.submit"]["bytes"], 200, "the text is in it")
        self.assertGreater(rows["encode offer"]["bytes"], 400, "the text and the reasons are in it")

    def test_one_row_of_codec(self):
        result = bench("codec", "--operations", "1000", "--only", "encode offer")
        self.assertEqual([row["operation"] for row in result["rows"]], ["encode offer"])

    def test_ring(self):
        result = bench("ring", "--operations", "10000")
        self.assertEqual([row["batch"] for row in result["rows"]], [1, 4, 16, 64, 256])
        for row in result["rows"]:
            self.assertGreater(row["ns_per_message"], 0, "messages were lost")
            self.assertGreater(row["mailbox_ns_per_message"], 0, "messages were lost")

    def test_replay(self):
        with tempfile.TemporaryDirectory() as folder:
            result = bench("replay", "--operations", "500", "--contacts", "2000", "--behind", "700", "--folder", folder)
        facts, checkpoint, checkpoint_redis, behind, behind_redis = result["rows"]
        self.assertGreaterEqual(facts["facts"], 4 * 500, "submitted, offered, accepted, completed")
        self.assertEqual(facts["records"], 0)
        self.assertGreater(checkpoint["records"], 2000)
        self.assertEqual(checkpoint["facts"], 0)
        self.assertEqual(behind["facts"], 700)
        self.assertEqual(checkpoint["records"] - behind["records"], 700, "the others are in the checkpoint")
        for memory, redis in (checkpoint, checkpoint_redis), (behind, behind_redis):
            self.assertEqual([redis[key] for key in ("facts", "records", "entries", "bytes")],
                             [memory[key] for key in ("facts", "records", "entries", "bytes")], "what was written was read")
        for row in result["rows"]:
            self.cost(row["cost"])

    def test_journal(self):
        with tempfile.TemporaryDirectory() as folder:
            result = bench("journal", "--operations", "50", "--entries", "3", "--bytes", "100", "--folder", folder)
        one, many = result["rows"]
        self.assertEqual(one["syncs"], 50, "with one batch on its way each needs its own sync")
        self.assertLess(many["syncs"], 50, "with more of them, several share one")
        for row in one, many:
            self.assertGreater(row["entries_per_second"], 0)


if __name__ == "__main__":
    main()

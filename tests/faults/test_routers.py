#!/usr/bin/python3
"""Each fault of the table strikes two routers that share their workspaces, at work, with its shortest meaningful parameters: every
fault proves that it did, and the checker finds nothing in what clients saw.

    test_routers.py STAGE PART/PARTS     the faults that can be made on that stage, every PARTSth of them

KEEP keeps histories and logs of what failed.
"""
import os
import sys
import unittest

from faults import FAULTS
from play import House, Play, Strike
from stage import StageTest

# What several stages have is made on the first of these that a row names; Redis alone is the quickest.
FIRST = ("single", "sentinel", "cluster")
# Those that move slots or primaries are different things in a Cluster.
IN_THE_CLUSTER = ("kill -9 of a router", "kill -9 of the primary", "pause of Redis", "lost reply", "error replies")
# By cable or wire between routers, for which they need hosts; a disk of Redis's own; another build; what ends a service for good; and
# what takes so long on a busy machine that the Sentinels may refuse to switch. The last one is in test_defects.py.
ELSEWHERE = ("a cable pulled", "partition of owner and standby", "the disk of Redis is full", "two versions, and back", "another version for good",
             "another product in our stream", "kill -9 of the primary that feeds a replica",
             "failover that loses the tail, and routers die")
UNDER_SENTINEL = ("kill -9 of the primary", "a host alone", "pause of Redis", "NOREPLICAS")


def rows_of(kind):
    """The rows of the table for this stage."""
    rows = []
    for fault in FAULTS:
        if fault.name in ELSEWHERE or kind not in fault.stages.split():
            continue
        first = next(each for each in FIRST if each in fault.stages.split())
        if kind == first or kind == "sentinel" and fault.name in UNDER_SENTINEL or kind == "cluster" and fault.name in IN_THE_CLUSTER:
            rows.append(fault)
    return rows


class Routers(StageTest):
    kind, rows = "single", ()

    def test_each_fault(self):
        house = House(self.kind, plays=len(self.rows), clock=True)
        self.addCleanup(lambda: house.end(failed=self.failed(), keep=self.failed() and "KEEP" in os.environ))
        for seed, fault in enumerate(self.rows, start=1):
            with self.subTest(f"{fault.number} {fault.name}"):
                outcome = Play(house, [Strike(fault)], seed).run()
                print(f"{fault.number} {fault.name}: {outcome.word}, {outcome.contacts} contacts; {'; '.join(outcome.proofs)}", flush=True)
                self.assertEqual((outcome.problem, outcome.missed, outcome.violations), ("", [], []))
                self.assertTrue(outcome.struck)
                if fault.number == "F6":
                    self.assertGreater(outcome.tail_lost, 0)


if __name__ == "__main__":
    Routers.kind, (part, parts) = sys.argv[1], map(int, sys.argv[2].split("/"))
    Routers.rows = rows_of(Routers.kind)[part - 1::parts]
    unittest.main(argv=sys.argv[:1])

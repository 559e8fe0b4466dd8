#!/usr/bin/python3
"""Each kind of fault of the table strikes two routers that share their workspaces, at work, with its shortest meaningful parameters:
every fault proves that it did, and the checker finds nothing in what clients saw.

    test_routers.py STAGE PART/PARTS     what is made on that stage, every PARTSth play of it

KEEP keeps histories and logs of what failed.
"""
import os
import sys
import unittest

from faults import FAULTS
from play import House, Play, Strike
from stage import StageTest

# How each is built: the kind of stage, and what is special about it.
STAGES = {"single": ("single", {"clock": True}), "sentinel": ("sentinel", {"clock": True}), "cluster": ("cluster", {"clock": True}),
          "hosts": ("sentinel", {"network": True}), "disk": ("single", {"disk": 32 << 20}), "versions": ("sentinel", {})}
# What several kinds of stage have is made on the first of these that a row names; Redis alone is the quickest.
FIRST = ("single", "sentinel", "cluster")
# Those that move slots or primaries are different things in a Cluster, where Sentinels see to it, and where packets vanish.
AGAIN = {"cluster": ("kill -9 of a router", "kill -9 of the primary", "pause of Redis", "lost reply", "error replies"),
         "sentinel": ("kill -9 of the primary", "a host alone", "pause of Redis", "NOREPLICAS"),
         "hosts": ("partition of owner and Redis", "partition of owner and clients", "a host alone")}
# After these the routers are of another version.
VERSIONS = ("two versions, and back", "another version for good")


def stages_of(fault):
    """Where a row is made."""
    kinds = fault.stages.split()
    if fault.name in VERSIONS:
        return ["versions"]
    again = [stage for stage, names in AGAIN.items() if fault.name in names and STAGES[stage][0] in kinds]
    return [fault.needs or next(each for each in FIRST if each in kinds)] + again


def plays_of(stage):
    """Of each row all kinds, each in a play of its own or some time behind the one before; elsewhere than at first, the first one."""
    plays = []
    for fault in FAULTS:
        stages = stages_of(fault)
        if stage not in stages:
            continue
        kinds = fault.parameters[:fault.kinds if stage == stages[0] else 1]
        if fault.apart is None:
            plays += [[Strike(fault, each)] for each in kinds]
        else:
            plays.append([Strike(fault, each, after=fault.apart * place) for place, each in enumerate(kinds)])
    return plays


class Routers(StageTest):
    stage_name, plays = "single", ()

    def test_each_fault(self):
        kind, options = STAGES[self.stage_name]
        house = House(kind, plays=len(self.plays), **options)
        self.addCleanup(lambda: house.end(failed=self.failed(), keep=self.failed() and "KEEP" in os.environ))
        for seed, strikes in enumerate(self.plays, start=1):
            self.one(house, strikes, seed)

    def one(self, house, strikes, seed):
        fault = strikes[0].fault
        with self.subTest("; ".join(strike.words for strike in strikes)):
            outcome = Play(house, strikes, seed).run()
            print(f"{fault.number} {fault.name}: {outcome.word}, {outcome.contacts} contacts; {'; '.join(outcome.proofs)}", flush=True)
            self.assertEqual((outcome.problem, outcome.missed, outcome.violations), ("", [], []))
            self.assertEqual(len(outcome.struck), len(strikes))
            if fault.number == "F6":
                self.assertGreater(outcome.tail_lost, 0)


class Table(unittest.TestCase):
    def test_each_kind_is_made_somewhere(self):
        made = {(fault.name, str(strike.parameters)) for stage in STAGES for strikes in plays_of(stage)
                for strike in strikes for fault in [strike.fault]}
        for fault in FAULTS:
            for parameters in fault.parameters[:fault.kinds]:
                self.assertIn((fault.name, str(parameters)), made)


if __name__ == "__main__":
    Routers.stage_name, (part, parts) = sys.argv[1], map(int, sys.argv[2].split("/"))
    Routers.plays = plays_of(Routers.stage_name)[part - 1::parts]
    unittest.main(argv=sys.argv[:1])

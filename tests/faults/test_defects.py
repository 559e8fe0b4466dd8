#!/usr/bin/python3
"""The checker's proof on real routers: deliberate defects (queue/base/defect.h) show, and where the same happens to a router
without one, nothing does.

KEEP keeps the histories.
"""
from faults import find
from play import House, Play, Strike
from processes import BIN
from stage import StageTest, main

# More than an owner that waits for its replicas ever gets in, so that one that does not has told many of what is lost.
TAIL = Strike(find("F6", "failover that loses the tail, and routers die"), {"entries": 20, "dies": "all"})
KILL = Strike(find("F1", "kill -9 of a router"))
STALE = Strike(find("F2", "pause of the owner until another owns"))
# Somebody who reads while nothing is confirmed; and agents who leave many offers to their clocks, and none by going away.
READ, RINGING = {"watchers": 2}, {"watchers": 1, "ring": 0.5, "pauses": False}
# Each with its stage, what happens, what clients do, and the invariants of which at least one must be broken.
DEFECTS = {
    "answers_before_journal": ("sentinel", TAIL, READ, {"I1", "I9", "I10", "I12", "I13", "I18"}),
    "no_wait": ("sentinel", TAIL, READ, {"I1", "I9", "I10", "I12", "I13", "I18"}),
    "no_epoch_check": ("single", STALE, {}, {"I1", "I3", "I9", "I10", "I18"}),
    "reads_unconfirmed": ("sentinel", TAIL, READ, {"I10"}),
    "forgets_ids": ("single", KILL, RINGING, {"I12", "I13"}),
    "loses_offer_clock": ("single", KILL, RINGING, {"I14"}),
}


class Defects(StageTest):
    def play(self, kind, strike, load, **house):
        house = House(kind, **house)
        self.addCleanup(lambda: house.end(failed=self.failed()))
        return Play(house, [strike], seed=1, drain_ms=20_000, **load).run()

    def catch(self, name):
        kind, strike, load, invariants = DEFECTS[name]
        outcome = self.play(kind, strike, load, binary=BIN / "switchboard-server-defects", env={"SWITCHBOARD_DEFECT": name})
        self.assertEqual(outcome.missed, [])
        found = {violation["invariant"] for violation in outcome.violations}
        print(f"{name}: {outcome.problem or sorted(found)}", flush=True)
        self.assertTrue(found & invariants, f"{outcome.problem}; none of {invariants} in {outcome.violations[:20]}")

    def test_answers_before_journal(self):
        self.catch("answers_before_journal")

    def test_no_wait(self):
        self.catch("no_wait")

    def test_no_epoch_check(self):
        self.catch("no_epoch_check")

    def test_forgets_ids(self):
        self.catch("forgets_ids")

    def test_reads_unconfirmed(self):
        self.catch("reads_unconfirmed")

    def test_loses_offer_clock(self):
        self.catch("loses_offer_clock")

    def test_none(self):
        """The same happens to the product: nothing is wrong."""
        for kind, strike, load, _ in {str(row[:3]): row for row in DEFECTS.values()}.values():
            with self.subTest(f"{kind} {strike.words} {load}"):
                outcome = self.play(kind, strike, load)
                self.assertEqual((outcome.problem, outcome.missed, outcome.violations), ("", [], []))


if __name__ == "__main__":
    main()

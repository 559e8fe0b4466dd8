"""What is wrong with a history: violations, each with the name of an invariant and the lines that prove it."""

INVARIANTS = {
    "I1": "an accepted contact is lost, or not ended after the drain",
    "I2": "a contact that nobody submitted, or words that nobody gave",
    "I3": "a contact is worked by two agents",
    "I4": "two live offers of one contact",
    "I5": "an agent has more than its capacity",
    "I8": "an offer to an agent that does not meet the requirement",
    "I9": "two owners",
    "I10": "what was told is not in the journal",
    "I12": "an id submitted again is another contact",
    "I13": "what had ended has not",
    "I14": "an offer ended twice, or was accepted after its end",
    "I15": "a race was won by both",
    "I16": "an offer to an agent that is not ready",
    "I17": "a resume that leaves out, adds or repeats",
    "I18": "a read that is older than what was known",
    "I19": "half of an operation is visible",
    "I20": "a refusal that was none",
    "I21": "the counts do not add up",
    "L1": "no owner within 5 s of the healing",
    "L2": "no answer within 10 s",
    "L5": "the queue does not drain in time",
}
KEPT = 20  # of each invariant; the others are counted


class Verdict:
    def __init__(self):
        self.found = {}
        self.counts = {}

    def add(self, invariant, words, *lines):
        """`lines` may be numbers, or operations and events, which know theirs."""
        assert invariant in INVARIANTS, invariant
        self.counts[invariant] = self.counts.get(invariant, 0) + 1
        kept = self.found.setdefault(invariant, [])
        if len(kept) < KEPT:
            kept.append({"invariant": invariant, "words": words, "lines": sorted(set(lines_of(lines)), key=str)})

    def violations(self):
        return [each for name in INVARIANTS for each in self.found.get(name, ())]


def lines_of(things):
    for thing in things:
        if thing is None:
            continue
        if hasattr(thing, "line0"):
            yield thing.line0
            yield thing.line1
        else:
            yield getattr(thing, "line", thing)

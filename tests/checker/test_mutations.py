#!/usr/bin/python3
"""Legal histories by chance pass; broken in one place, they are caught under the right name.

Each mutation breaks what the model had made whole, in a way that no order of events can explain; it says None where a
history has no place for it. SEEDS says how many histories are made.
"""
import copy
import os
import random
import unittest

from model import ENDED, MS, Model
from test_checker import judged
from verdict import INVARIANTS

SEEDS = int(os.environ.get("SEEDS", "6"))
FIRST = int(os.environ.get("SEED", "1"))


class Story:
    """A history, its requests joined, for those who break it."""

    def __init__(self, events, chance):
        self.events, self.chance = events, chance
        self.asked = {event["call"]: event for event in events if event["kind"] == "invoke"}

    def outcomes(self, op, kind="ok", final=None, **fields):
        return [event for event in self.events if event["kind"] == kind and event["op"] == op
                and (final is None or bool(self.asked[event["call"]].get("final")) == final)
                and all(event.get(key) == value for key, value in fields.items())]

    def told(self, op, **fields):
        return [event for event in self.events if event["kind"] == "event" and event["op"] == op
                and all(event.get(key) == value for key, value in fields.items())]

    def pick(self, events):
        events = list(events)
        return self.chance.choice(events) if events else None

    def request_of(self, event):
        return self.asked[event["call"]]

    def contact_of(self, event):
        return event.get("contact") or self.request_of(event).get("contact")

    def insert(self, after, **event):
        at = self.events.index(after) + 1
        self.events.insert(at, dict(event, t=after["t"], kind="event", epoch=after["epoch"]))
        return True

    def about(self, contact):
        return [event for event in self.events if (event.get("call") in self.asked and self.request_of(event).get("contact") == contact)
                or event.get("contact") == contact]

    def seqs(self, contact):
        return [event["seq"] for event in self.about(contact) if "seq" in event]

    def top(self):
        return max(event.get("seq", 0) for event in self.events)


def hidden_from_the_read_out(story):
    get = story.pick(story.outcomes("contact.get", final=True))
    contact = story.contact_of(get)
    for each in story.outcomes("contact.list", final=True):
        each["rows"] = [row for row in each["rows"] if row["contact"] != contact]
    keep = {key: get[key] for key in ("t", "client", "op", "call")}
    get.clear()
    get.update(keep, kind="fail", code="not_found")
    return True


def waits_after_the_drain(story):
    get = story.pick(story.outcomes("contact.get", final=True))
    get["state"] = "waiting"
    get.pop("history")
    return True


def offer_of_nothing(story):
    return story.insert(story.pick(story.told("offer")), op="offer", client="a0", connection=99, contact="nobody", offer="o0", seq=5)


def words_of_nobody(story):
    story.pick(story.told("offer"))["attributes"]["a"] = "made up"
    return True


def two_agents(story):
    """Between an acceptance and its agent's completion, somebody else has it."""
    for accept in story.chance.sample(story.outcomes("offer.accept", state="active"), len(story.outcomes("offer.accept", state="active"))):
        contact, offer = story.contact_of(accept), story.request_of(accept)["offer"]
        parted = [event for event in story.events if event["kind"] == "invoke" and event["op"] in ("contact.requeue", "contact.transfer")
                  and event["contact"] == contact]
        complete = [event for event in story.outcomes("contact.complete") if story.contact_of(event) == contact]
        if not parted and complete and complete[0]["seq"] > accept["seq"] + 1:
            other = next(agent for agent in ("a0", "a1") if agent != accept["client"])
            return story.insert(complete[0], op="contact.changed", client=story.about(contact)[0]["client"], connection=99, contact=contact,
                                state="active", agent=other, offer=offer + "x", seq=accept["seq"] + 1)
    return None


def offered_to_two(story):
    offer = story.pick(story.told("offer"))
    other = next(agent for agent in ("a0", "a1") if agent != offer["client"])
    story.events.insert(story.events.index(offer) + 1, dict(offer, client=other))
    return True


def no_room(story):
    offer = story.pick(story.told("offer"))
    config = next(event for event in story.events if event.get("what") == "config")
    config["agents"][offer["client"]]["capacity"] = 10
    return True


def not_able(story):
    offer = story.pick(story.told("offer"))
    for event in story.about(offer["contact"]):
        if event["kind"] == "invoke" and event["op"] == "contact.submit":
            event["skills"] = {"zh": 9}
    return True


def deposed(story):
    """Answered under the epoch before, though the new one had been told."""
    told = 0
    for event in story.events:
        if event["kind"] == "ok" and "epoch" in event and told and event["epoch"] == told and event["epoch"] > 65536 \
                and any(before.get("epoch") == told and before["t"] < story.request_of(event)["t"] for before in story.events):
            event["epoch"] -= 65536
            return True
        told = max(told, event.get("epoch", 0))
    return None


def lost_tail(story):
    answer = story.pick(event for event in story.outcomes("contact.submit") if event["t"] > story.events[len(story.events) // 2]["t"])
    if answer is None:
        return None
    answer["seq"] = 1
    return True


def not_in_the_journal(story):
    get = story.pick(event for event in story.outcomes("contact.get", final=True)
                     if any(story.contact_of(each) == story.contact_of(event) for each in story.outcomes("offer.accept", state="active")))
    if get is None:
        return None
    get["history"] = [line for line in get["history"] if line["kind"] != "offer_accepted"]
    return True


def forgotten_id(story):
    again = story.pick(event for event in story.outcomes("contact.submit", duplicate=True)
                       if any(story.contact_of(other) == story.contact_of(event) for other in story.outcomes("contact.submit", duplicate=False)))
    if again is None:
        return None
    again["duplicate"] = False
    return True


def risen(story):
    end = story.pick(story.told("contact.changed", state="completed"))
    return end and story.insert(end, op="contact.changed", client=end["client"], connection=99, contact=end["contact"], state="waiting", seq=end["seq"] + 1)


def two_ends(story):
    end = story.pick(story.told("contact.changed", state="completed"))
    return end and story.insert(end, op="contact.changed", client=end["client"], connection=99, contact=end["contact"], state="expired", seq=end["seq"] + 1)


def accepted_and_withdrawn(story):
    accept = story.pick(story.outcomes("offer.accept", state="active"))
    return accept and story.insert(accept, op="offer.withdrawn", client=accept["client"], connection=99, contact=story.contact_of(accept),
                                   offer=story.request_of(accept)["offer"], reason="timed_out", seq=accept["seq"])


def both_win(story):
    """The refusal of a cancellation that was too late is a success."""
    refused = story.pick(event for event in story.outcomes("contact.cancel", "fail")
                         if event["code"] == "gone" and event["reason"] == "completed"
                         and any(story.contact_of(each) == story.contact_of(event) for each in story.outcomes("contact.complete")))
    if refused is None:
        return None
    refused.update(kind="ok", state="cancelled", epoch=max(event.get("epoch", 0) for event in story.events if event["t"] <= refused["t"]),
                   seq=max(event.get("seq", 0) for event in story.events if event["t"] <= refused["t"]))
    for key in ("code", "reason", "field"):
        refused.pop(key)
    return True


def offered_though_away(story):
    away = story.pick(event for event in story.outcomes("agent.set_state", state="away")
                      if not any(other["kind"] == "invoke" and other["client"] == event["client"] and other["t"] < event["t"] + 2000 * MS
                                 and other["op"] in ("agent.set_state", "agent.sign_in") and other.get("state") == "available"
                                 and not any(done.get("call") == other["call"] and done["kind"] == "ok" and done["seq"] < event["seq"]
                                             for done in story.events) for other in story.events))
    submitted = away and story.pick(event for event in story.outcomes("contact.submit") if event["t"] < away["t"])
    return submitted and story.insert(away, op="offer", client=away["client"], connection=99, contact=story.contact_of(submitted),
                                      offer="o0", seq=away["seq"] + 1)


def held_without(story):
    """Left out of a sign-in, though there before and after."""
    for sign_in in story.outcomes("agent.sign_in"):
        for row in sign_in["held"]:
            used = [event for event in story.outcomes("offer.accept", state="active") if story.request_of(event)["offer"] == row["offer"]]
            made = [event for event in story.told("offer") if event["offer"] == row["offer"]]
            if any(event["seq"] > sign_in["seq"] for event in used) and any(event["seq"] < sign_in["seq"] for event in made):
                sign_in["held"].remove(row)
                return True
    return None


def mine_without(story):
    for mine in story.chance.sample(story.outcomes("contact.mine"), len(story.outcomes("contact.mine"))):
        for row in mine["rows"]:
            submitted = [event for event in story.outcomes("contact.submit") if story.contact_of(event) == row["contact"]
                         and event["t"] < story.request_of(mine)["t"]]
            later = [event for event in story.outcomes("contact.get") + story.outcomes("contact.complete") + story.outcomes("offer.accept")
                     if story.contact_of(event) == row["contact"] and story.request_of(event)["t"] > mine["t"] and event["state"] not in ENDED]
            if submitted and later:
                mine["rows"].remove(row)
                return True
    return None


def told_twice(story):
    offer = story.pick(story.told("offer"))
    story.events.insert(story.events.index(offer) + 1, dict(offer))
    return True


def stale(story):
    """A read shows what an update that had been answered before replaced."""
    for get in story.outcomes("contact.get", final=False):
        if any(story.contact_of(update) == story.contact_of(get) and update["t"] < story.request_of(get)["t"] for update in story.outcomes("contact.update")):
            get["attributes"]["a"] = 0
            return True
    return None


def half(story):
    for get in story.outcomes("contact.get", final=True):
        if get["attributes"]["a"] != 0:
            get["attributes"]["b"] = story.contact_of(get)
            return True
    return None


def refused_and_there(story):
    submit = story.pick(story.told("offer"))["contact"]
    for event in story.events:
        if event.get("call") in story.asked and event["op"] == "contact.submit" and story.contact_of(event) == submit and event["kind"] != "invoke":
            keep = {key: event[key] for key in ("t", "client", "op", "call")}
            event.clear()
            event.update(keep, kind="fail", code="unavailable")
    return True


def miscounted(story):
    story.outcomes("stats", final=True)[0]["rows"][0]["submitted"] += 1
    return True


def miscounted_queue(story):
    story.outcomes("queue.list", final=True)[0]["rows"][0]["waiting"] += 1
    return True


def nobody_serves(story):
    healed = next(event["t"] for event in story.events if event.get("what") == "healed")
    tried = [event for event in story.events if event["kind"] == "invoke" and event["op"] == "contact.submit" and healed <= event["t"] < healed + 4000 * MS]
    for event in story.events:
        if event["kind"] in ("ok", "fail", "info") and event["op"] == "contact.submit" and healed <= event["t"]:
            keep = {key: event[key] for key in ("t", "client", "op", "call")}
            event.clear()
            event.update(keep, kind="fail", code="unavailable")
    return True if tried else None


def silence(story):
    read = story.pick(event for event in story.outcomes("contact.get", final=True))
    story.events.remove(read)
    return True


def too_slow(story):
    next(event for event in story.events if event.get("what") == "draining")["within_ms"] = 1
    return True


MUTATIONS = {
    "I1": [hidden_from_the_read_out, waits_after_the_drain], "I2": [offer_of_nothing, words_of_nobody], "I3": [two_agents],
    "I4": [offered_to_two], "I5": [no_room], "I8": [not_able], "I9": [deposed], "I10": [lost_tail, not_in_the_journal], "I12": [forgotten_id],
    "I13": [risen, two_ends], "I14": [accepted_and_withdrawn], "I15": [both_win], "I16": [offered_though_away],
    "I17": [held_without, mine_without, told_twice], "I18": [stale], "I19": [half], "I20": [refused_and_there],
    "I21": [miscounted, miscounted_queue], "L1": [nobody_serves], "L2": [silence], "L5": [too_slow],
}


class Mutations(unittest.TestCase):
    def test_every_mutation_is_caught(self):
        self.assertEqual(set(MUTATIONS), set(INVARIANTS))
        caught = {breaks.__name__: 0 for row in MUTATIONS.values() for breaks in row}
        for seed in range(FIRST, FIRST + SEEDS):
            events = Model(seed).history()
            self.assertEqual(judged(events).violations(), [], f"SEED={seed}")
            for name, row in MUTATIONS.items():
                for breaks in row:
                    story = Story(copy.deepcopy(events), random.Random(seed))
                    if breaks(story) is None:
                        continue
                    with self.subTest(breaks.__name__, seed=seed):
                        self.assertIn(name, judged(story.events).counts)
                    caught[breaks.__name__] += 1
        print(f"{SEEDS} legal histories pass; broken and caught: {sum(caught.values())}, {caught}")
        for name, count in caught.items():
            self.assertGreater(count, 0, f"{name} found no place")


if __name__ == "__main__":
    unittest.main()

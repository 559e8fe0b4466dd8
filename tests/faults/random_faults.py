#!/usr/bin/python3
"""Faults by chance, for as long as one likes: 1 to 4 of them in a play, on a random stage; each play is a line of the ledger.

    tests/faults/random_faults.py --minutes 60 --seed 1 [--stage sentinel] [--having F6] [--ledger FILE] [--keep FOLDER]

A play has its own seed, from which its faults, their parameters, their times and what the clients do follow; --play SEED --stage
KIND brings one back. Exit status 1: some play had a violation or did not come to its end; its history and the logs are in FOLDER.
"""
import argparse
import csv
import itertools
import pathlib
import random
import shutil
import subprocess
import sys
import time

import faults
from play import House, Play, Strike

LEDGER = pathlib.Path(__file__).resolve().with_name("ledger.csv")
COLUMNS = ("seed", "commit", "stage", "faults", "struck", "tail_lost", "contacts", "outcome")
KINDS = {"single": 2, "sentinel": 5, "cluster": 2}  # how often each
PLAYS = 12       # on one stage
LONGEST = 2.5    # seconds that a fault may be told to last
OVERLAP = 1.5    # seconds within which the faults of a play begin
# Those of one place come one after the other; of different places they overlap as they like.
PLACES = {"redis": ("pause of Redis", "pause of a replica", "pause of a Sentinel", "partition of primary and replica", "a host alone",
                    "kill -9 of the primary", "kill -9 of the primary that feeds a replica", "failover that loses the tail", "failover that loses the tail, and routers die",
                    "stale primary returns", "two failovers", "a failover, and the owner stops", "takeover in the Cluster", "a slot moves", "memory of Redis", "BUSY", "NOREPLICAS",
                    "Redis returns without its data"),
          "routers": ("kill -9 of a router", "kill -9 of two routers", "pause of the owner", "pause of the owner until another owns", "pause of the standby", "limits of a router",
                      "two processes under one name", "lost reply of a takeover"),
          "wires": ("partition of owner and Redis", "slow Redis", "lost reply", "lost reply of WAIT", "lost reply of SCRIPT",
                    "error replies", "scripts forgotten", "another password",
                    "requests twice, in another order, late, again", "partition of owner and clients",
                    "partition of owner and clients that they outlive"),
          "clocks": ("clock of Redis", "clock of the Sentinels", "clock of the owner")}
# Where one of the first two meets another fault, facts may be lost and routers refuse to go on, as they must: then nothing can be
# drained. Sentinels whose clocks have jumped decide nothing for half a minute. And where nobody is to take a workspace its owner must not die.
ALONE = ("Redis returns without its data", "memory of Redis", "clock of the Sentinels", "partition of owner and clients")
# While nothing reaches the replicas nobody can take over, so these would wait for each other.
LOSES_TAIL = ("failover that loses the tail", "failover that loses the tail, and routers die")
OFTEN = {"failover that loses the tail": 4, "failover that loses the tail, and routers die": 2}


def choose(chance, kind):
    """The strikes of one play."""
    table = {fault.name: fault for fault in faults.FAULTS if kind in fault.stages.split()}
    places = {place: [name for name in names if name in table] for place, names in PLACES.items()}
    count = chance.choice((1, 1, 2, 2, 3, 4))
    strikes = []
    for place in chance.sample([place for place, names in places.items() if names], count):
        names = places[place] if count == 1 else [name for name in places[place] if name not in ALONE]
        if place == "routers" and any(strike.fault.name in LOSES_TAIL for strike in strikes):
            continue
        if place == "redis" and any(strike.fault.name in PLACES["routers"] for strike in strikes):
            names = [name for name in names if name not in LOSES_TAIL]
        fault = table[chance.choices(names, [OFTEN.get(name, 1) for name in names])[0]]
        fitting = [each for each in fault.parameters if max(each.get("seconds", 0), each.get("seconds_apart", 0)) <= max(LONGEST, fault.parameters[0].get("seconds", 0))]
        strikes.append(Strike(fault, chance.choice(fitting), round(chance.uniform(0, OVERLAP) if count > 1 else 0, 3)))
    return strikes


def seeds_having(number, kind, seeds):
    """Those whose plays have a fault of that number; all of them without one."""
    return (seed for seed in seeds if number is None or any(strike.fault.number == number for strike in choose(random.Random(seed), kind)))


def commit():
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=LEDGER.parent, capture_output=True, text=True, check=True).stdout.strip()


def write(ledger, outcome, kind, strikes, at):
    new = not ledger.exists()
    with open(ledger, "a", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        if new:
            rows.writerow(COLUMNS)
        rows.writerow((outcome.seed, at, kind, " + ".join(strike.words for strike in strikes), len(outcome.struck), outcome.tail_lost,
                       outcome.contacts, outcome.word))


def play(house, kind, seed, at, arguments):
    """One line of the ledger; whether it was as it should be."""
    strikes = choose(random.Random(seed), kind)
    began = time.monotonic()
    outcome = Play(house, strikes, seed).run()
    write(arguments.ledger, outcome, kind, strikes, at)
    print(f"{seed} {kind} {time.monotonic() - began:.1f} s {outcome.word}: {' + '.join(strike.words for strike in strikes)}; "
          f"{len(outcome.struck)} struck, {outcome.tail_lost} lost, {outcome.contacts} contacts", flush=True)
    for line in (*outcome.missed, outcome.problem, *outcome.violations):
        if line:
            print(f"    {line}", flush=True)
    good = not outcome.violations and not outcome.problem
    if not good and arguments.keep:
        shutil.copytree(house.stage.folder.path, arguments.keep / f"{seed}-{kind}", dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("control", "data"))
    return good


def main():
    parser = argparse.ArgumentParser(description="Plays with random faults, for some minutes.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--play", type=int, help="only this one")
    parser.add_argument("--stage", choices=list(KINDS))
    parser.add_argument("--having", help="only plays that have a fault of this number: F6")
    parser.add_argument("--ledger", type=pathlib.Path, default=LEDGER)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    kinds = {kind: often for kind, often in KINDS.items() if arguments.stage in (None, kind)
             and any(kind in fault.stages.split() for fault in faults.FAULTS if arguments.having in (None, fault.number))}
    if not kinds:
        parser.error(f"there is no {arguments.having} on that stage")
    over, chance, at, bad = time.monotonic() + arguments.minutes * 60, random.Random(arguments.seed), commit(), 0
    seeds = itertools.count(arguments.seed * 1_000_000) if arguments.play is None else iter([arguments.play])
    while time.monotonic() < over:
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        with House(kind, clock=True) as house:
            for seed in itertools.islice(seeds_having(arguments.having, kind, seeds), PLAYS):
                good = play(house, kind, seed, at, arguments)
                bad += not good
                if not good or time.monotonic() > over:
                    break  # what it left behind must not be taken for the next one's
            else:
                if arguments.play is not None:
                    break
    print(f"{bad} of the plays were not as they should be")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())

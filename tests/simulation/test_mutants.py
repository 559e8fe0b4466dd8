#!/usr/bin/env python3
"""The checkers find broken engines.

Each file of mutants/ says how an engine goes wrong, which checkers may find it, and what to change in its
sources for that: a text that stands somewhere in queue/, once, and what it becomes. The random test is built with each
and must fail by one of those checkers. A text that stands nowhere any more fails, too: no mutant may quietly become a
sound engine.

With names as arguments, only those mutants are tried.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPILER = os.environ.get("CC", "cc")
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-I."]
PROFILES = ["calm", "busy", "storm", "hostile"]
STEPS = "60000"
SECONDS = 60  # of each run; one that goes round for ever was found by nobody
SOURCES = [
    *sorted(ROOT.glob("queue/*.c")),
    *sorted(ROOT.glob("queue/base/*.c")),
    *(ROOT / "tests/lib" / (name + ".c")
      for name in ("center", "fact_store", "transcript", "plan", "words")),
    *sorted(HERE.glob("checker_*.c")),
    *(HERE / (name + ".c")
      for name in ("watch", "name_map", "order_set", "load", "random_commands", "random_settings",
                   "random_run", "random_center")),
]


def compile_one(source, target):
    subprocess.run([COMPILER, *FLAGS, "-c", str(source), "-o", str(target)], cwd=ROOT, check=True)


def parse(path):
    """What a mutant's file says: its finders, and a list of (text that stands, what it becomes)."""
    head, *texts = re.split(r"^==== (?:stands|becomes)\n", path.read_text(), flags=re.M)
    finders = re.search(r"^found by: (.*)$", head, flags=re.M).group(1).split(", ")
    return finders, [(was[:-1], becomes[:-1]) for was, becomes in zip(texts[0::2], texts[1::2])]


def find_source(text):
    """The engine's source in which a text stands."""
    found = [s for s in SOURCES if s.is_relative_to(ROOT / "queue") and text in s.read_text()]
    if len(found) != 1 or found[0].read_text().count(text) != 1:
        raise ValueError(f"this stands in {len(found)} sources of the engine, not once:\n{text}")
    return found[0]


def build(mutant, changes, objects, folder):
    """The random test with an engine changed so; its path."""
    mine = dict(objects)
    texts = {}
    for was, becomes in changes:
        source = find_source(was)
        texts[source] = texts.get(source, source.read_text()).replace(was, becomes)
    for source, text in texts.items():
        changed = folder / f"{mutant}_{source.name}"
        changed.write_text(text)
        mine[source] = changed.with_suffix(".o")
        compile_one(changed, mine[source])
    program = folder / mutant
    subprocess.run([COMPILER, "-o", str(program), *map(str, mine.values())], check=True)
    return program


def try_one(path, objects, folder):
    """Words about it, and whether it was found as it should be."""
    finders, changes = parse(path)
    try:
        program = build(path.stem, changes, objects, folder)
    except ValueError as problem:
        return False, str(problem)
    said = "nobody noticed"
    for profile in PROFILES:
        try:
            done = subprocess.run([str(program), "--profile", profile, "--steps", STEPS,
                                   "--compare", "500", "--quiet"],
                                  capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return False, f"{profile}: did not end"
        if done.returncode == 0:
            continue
        found = re.search(r"^([a-z ]+), at step \d+: .*$", done.stdout, flags=re.M)
        if done.returncode != 1 or found is None:
            said = f"ended with status {done.returncode}: {done.stderr[-200:]}"
            continue
        return found.group(1) in finders, f"{profile}: {found.group(0)}"
    return False, said


def main():
    names = sys.argv[1:]
    mutants = [p for p in sorted((HERE / "mutants").glob("*.txt")) if not names or p.stem in names]
    good = bool(mutants)
    with tempfile.TemporaryDirectory() as name, \
            concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        folder = pathlib.Path(name)
        objects = {s: folder / f"{i}_{s.stem}.o" for i, s in enumerate(SOURCES)}
        list(pool.map(compile_one, objects.keys(), objects.values()))
        tries = [(p, pool.submit(try_one, p, objects, folder)) for p in mutants]
        for path, attempt in tries:
            found, words = attempt.result()
            print(f"{'found' if found else 'NOT FOUND'}: {path.stem}: {words}", flush=True)
            good = good and found
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

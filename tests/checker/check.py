#!/usr/bin/python3
"""check.py HISTORY... [--json]: whether what clients saw of Switchboard is possible, if it keeps its promises.

Exit status: 0 nothing is wrong, 1 violations, each with the lines that prove it, 2 the history itself is malformed. What a
history is, and what can be concluded from one, stands in README.md.
"""
import argparse
import json
import sys

import counts
from agent import Agent
from contact import Contact
from history import Event, Malformed, Op, Reader
from shards import Shards
from verdict import INVARIANTS, Verdict
from workspace import Workspace


class Checker:
    def __init__(self):
        self.verdict, self.shards, self.seqs = Verdict(), Shards(), Shards()
        self.workspaces = {}
        self.said = []  # by the rig, about all workspaces

    def workspace(self, name):
        if name not in self.workspaces:
            self.workspaces[name] = Workspace(name, self.verdict, self.shards, self.seqs)
            for each in self.said:
                self.workspaces[name].rig(*each)
        return self.workspaces[name]

    def check(self, paths):
        """The Reader that has read them; the verdict is in `verdict`."""
        reader = Reader(paths)
        for item in reader:
            if isinstance(item, Op):
                self.workspace(item.asked.get("ws", "default")).take_op(item)
            elif isinstance(item, Event):
                self.workspace(item.told.get("ws", "default")).take_event(item)
            else:
                self.rig(*item)
        for workspace in self.workspaces.values():
            workspace.finish(reader.last_t)
        for (kind, ws, name), records in self.shards.groups():
            (Contact if kind == "contact" else Agent)(name, records, self.workspaces[ws], self.verdict).judge()
        for subject, records in self.seqs.groups():
            counts.seqs(subject, records, self.verdict)
        for workspace in self.workspaces.values():
            counts.judge(workspace, self.verdict)
        return reader

    def rig(self, t, where, line):
        if line.get("ws") is not None:
            self.workspace(line["ws"]).rig(t, where, line)
            return
        if line["what"] != "client":
            self.said.append((t, where, line))
            for workspace in self.workspaces.values():
                workspace.rig(t, where, line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("history", nargs="+")
    parser.add_argument("--json", action="store_true", help="one map instead of words")
    arguments = parser.parse_args()
    checker = Checker()
    try:
        reader = checker.check(arguments.history)
    except (Malformed, OSError) as problem:
        print(json.dumps({"malformed": str(problem)}) if arguments.json else f"malformed: {problem}", file=sys.stdout if arguments.json else sys.stderr)
        return 2
    violations = checker.verdict.violations()
    final = sorted(name for name, workspace in checker.workspaces.items() if workspace.final is not None)
    quiet = [name for name in final if len(checker.workspaces[name].finals["seqs"]) == 1]
    if arguments.json:
        print(json.dumps({"lines": reader.lines, "workspaces": sorted(checker.workspaces), "final": final, "quiet": quiet,
                          "contacts": sum(workspace.tally["present"] for workspace in checker.workspaces.values()),
                          "counts": checker.verdict.counts, "violations": violations}, indent=1))
    else:
        for each in violations:
            print(f"{each['invariant']}: {each['words']} (lines {', '.join(map(str, each['lines']))})")
        for name, count in checker.verdict.counts.items():
            print(f"{name}: {INVARIANTS[name]}: {count}")
        print(f"{reader.lines} lines, {len(checker.workspaces)} workspaces, "
              f"{'with' if final else 'without'} a{' quiet' if quiet else ''} read-out: {'violations' if violations else 'clean'}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""I21: what the final read-out counts is what it lists. Judged only where nothing moved while it was read: every answer of it
that has a seq has the same."""
STATES = ("waiting", "offered", "active", "wrapping")


def judge(workspace, verdict):
    finals = workspace.finals
    if workspace.final is None or len(finals["seqs"]) != 1:
        return
    if finals["lists"] and not finals["cut"]:
        for queue, (row, line) in finals["queues"].items():
            for state in STATES:
                listed = finals["rows"][queue, state]
                if state in workspace.listed and row.get(state) is not None and row[state] != listed:
                    verdict.add("I21", f"{queue} counts {row[state]} {state} contacts, and {listed} are listed", line)
        if finals["agents"] and {"active", "offered", "wrapping"} <= workspace.listed:
            held = sum(sum(row.get("held", {}).values()) for row, _ in finals["agents"].values())
            listed = sum(finals["states"][state] for state in ("active", "offered"))
            most = listed + finals["states"]["wrapping"]
            if held < listed or (workspace.drained is not None and held > most):
                verdict.add("I21", f"agents hold {held} contacts; {listed} are offered or active, {most - listed} in wrap-up",
                            *(line for _, line in finals["agents"].values()))
    if finals["stats"] is not None and workspace.tally["present"]:
        stats, line = finals["stats"]
        for figure, count in (("submitted", workspace.tally["present"]), ("completed", workspace.tally["worked"])):
            said = sum(row.get(figure) or 0 for row in stats.get("rows", ()))
            if said != count and (figure in stats.get("exact", ())):
                verdict.add("I21", f"the statistics count {said} {figure} contacts, and there are {count}", line)


def seqs(subject, records, verdict):
    """I9, I10: a seq has one content."""
    seq = subject[1]
    for kind, invariant, words in (("row", "I10", "two facts"), ("answer", "I9", "two requests' effects"), ("fact", "I9", "two contents")):
        found = {}
        for record in records:
            if record[0] == kind:
                found.setdefault((record[1], record[2]), record[3])
        if len(found) > 1:
            named = " and ".join(" ".join(str(part) for part in key if part) for key in found)
            verdict.add(invariant, f"seq {seq} has {words}: {named}", *found.values())

"""The journal as a contact's `history` tells it in the read-out, against what was told before: I10, and the story's own law: I3, I4, I13.

A story is whole when it begins with the submission; the server keeps only the last lines of a long one. Each line has the
seq of its fact.
"""
AFTER = {"contact_queued": {"waiting"}, "contact_scheduled": {"scheduled"}, "contact_woken": {"waiting"}, "contact_offered": {"offered"},
         "offer_accepted": {"active"}, "offer_declined": {"waiting"}, "offer_timed_out": {"waiting"}, "offer_withdrawn": {"waiting"},
         "contact_transferred": {"waiting", "scheduled"}, "contact_requeued": {"waiting", "scheduled"}, "wrap_up_started": {"wrapping"},
         "contact_completed": {"completed"}, "contact_cancelled": {"cancelled"}, "contact_expired": {"expired"},
         "contact_diverted": {"diverted"}, "contact_rejected": {"rejected"}}
FROM = {"contact_offered": {"waiting"}, "offer_accepted": {"offered", "waiting"}, "offer_declined": {"offered"}, "offer_timed_out": {"offered"},
        "offer_withdrawn": {"offered"}, "contact_transferred": {"active"}, "contact_requeued": {"active"}, "wrap_up_started": {"active"},
        "contact_woken": {"scheduled"}, "contact_completed": {"active", "wrapping"}}
BEGINS = {"contact_queued", "contact_scheduled"}
SAME = {"contact_updated", "contact_moved", "contact_escalated", "contact_opened", "offer_received", "wrap_up_ended", "contact_at_risk",
        "contact_overdue", "promise_kept", "contact_rated"}
LAST_WORDS = {"contact_rated", "wrap_up_ended"}
ENDED = {"completed", "cancelled", "expired", "diverted", "rejected"}
# What an answer says has happened, and the kinds of fact of which one must be there.
SHOWN = {"contact.submit": BEGINS, "offer.accept": {"offer_accepted"}, "offer.decline": {"offer_declined"},
         "contact.cancel": {"contact_cancelled"}, "contact.complete": {"wrap_up_started", "contact_completed"},
         "contact.requeue": {"contact_requeued"}, "contact.transfer": {"contact_transferred"}}
OF_AGENT = {"offer_accepted", "offer_declined", "wrap_up_started", "contact_completed", "contact_requeued", "contact_transferred"}


def judge(contact, read):
    rows = read.answer["history"]
    law(contact, read, rows)
    for row in rows:
        contact.ws.seqs.put((contact.ws.name, str(row["seq"])), ("row", contact.name, row["kind"], read.line1))
    if rows[0]["kind"] not in BEGINS or not read.final:
        return
    told(contact, read, rows)


def law(contact, read, rows):
    state = None
    for before, row in zip([None, *rows], rows):
        kind = row["kind"]
        if before is not None and row["seq"] <= before["seq"]:
            contact.say("I10", f"its history goes from seq {before['seq']} to {row['seq']}", read)
        if state is not None and len(state) == 1 and state <= ENDED:
            if kind not in LAST_WORDS:
                contact.say("I13", f"its history has {kind} at seq {row['seq']} after its end", read)
        elif state is not None and kind in FROM and not state & FROM[kind]:
            name = "I3" if "active" in state else "I4" if "offered" in state else "I14"
            contact.say(name, f"its history has {kind} at seq {row['seq']} when it was {' or '.join(sorted(state))}", read)
        if kind in AFTER:
            state = AFTER[kind]
        elif kind not in SAME:
            state = None  # a kind of a later version


def told(contact, read, rows):
    mine = {(row["seq"], row["kind"], row.get("agent")) for row in rows}
    for op in contact.ops:
        if op.op == "contact.get" and op.outcome == "ok" and op.t1 < read.t0:
            for row in op.answer.get("history") or ():
                if (row["seq"], row["kind"], row.get("agent")) not in mine:
                    contact.say("I10", f"a read had {row['kind']} at seq {row['seq']} in its history, and its last history does not have it", op, read)
                    break
    for op in contact.ops:
        kinds = SHOWN.get(op.op)
        if op.outcome != "ok" or kinds is None or op.seq is None or op.answer.get("state") is None:
            continue
        if op.op == "offer.accept" and op.answer["state"] != "active" or op.t0 > read.t1:
            continue
        if not any(row["kind"] in kinds and row["seq"] <= op.seq
                   and (row["kind"] not in OF_AGENT or op.role != "agent" or row.get("agent") in (None, op.who)) for row in rows):
            contact.say("I10", f"{op.op} of {op.who or op.client} was answered at seq {op.seq}, and its history does not have it", op, read)
    for event in contact.events:
        if event.op == "offer" and event.seq is not None and event.t < read.t0 and not any(
                row["kind"] == "contact_offered" and row.get("agent") == event.who and row["seq"] <= event.seq for row in rows):
            contact.say("I10", f"it was offered to {event.who} at seq {event.seq}, and its history does not have it", event, read)
    i, state = 0, None
    for point in contact.points:
        while i < len(rows) and rows[i]["seq"] <= point.seq:
            if rows[i]["kind"] in AFTER:
                state = AFTER[rows[i]["kind"]]
            elif rows[i]["kind"] not in SAME:
                state = None
            i += 1
        if i == 0:
            contact.say("I10", f"it was {point.state} at seq {point.seq}, before its history begins", point.source, read)
        elif state is not None and point.state not in state and point.thi < read.t0 and not (point.state == "ended" and state <= ENDED):
            contact.say("I10", f"it was told to be {point.state} at seq {point.seq}; by its history it was {' or '.join(sorted(state))}", point.source, read)

"""What was written of a contact, and where it went: I2 (words that nobody gave), I8, I10, I18 and I19.

Each key of `attributes` is a register of its own, and so is `digest` (of text and payload). A submission writes them all, an
update those that it names. A value that is read must be of some write that no other, certainly later one had overwritten.
"""
import collections

from history import NEVER

DIGEST = "\0digest"
Write = collections.namedtuple("Write", "values whole t0 t1 seq op")
Sight = collections.namedtuple("Sight", "values keys tlo thi seq source final")


def content(line, full=False):
    values = dict(line.get("attributes") or {})
    if "digest" in line:
        values[DIGEST] = line["digest"]
    return values if not full else {key: value for key, value in values.items() if value is not None}


def judge(contact):
    writes, refused = [], []
    for op in contact.ops:
        if op.op == "contact.submit" and not (op.outcome == "ok" and op.answer.get("duplicate")):
            write = Write(content(op.asked), True, op.t0, -1, -1, op)
        elif op.op == "contact.update":
            write = Write(content(op.asked), False, op.t0, op.t1, op.seq if op.outcome == "ok" else None, op)
        else:
            continue
        (refused if op.outcome == "fail" else writes).append(write)
    sights = list(make_sights(contact))
    if any(write.values for write in writes) or any(sight.values for sight in sights):
        for sight in sights:
            look(contact, writes, refused, sight)
    eligible(contact)


def make_sights(contact):
    for event in contact.events:
        if event.op == "offer" and ("attributes" in event.told or "digest" in event.told):
            yield sight_of(event.told, 0, event.t, event.seq, event, False)
    for op in contact.ops + contact.rows:
        if op.outcome == "ok" and op.op in ("contact.get", "contact.mine", "contact.list", "held") \
                and ("attributes" in op.answer or "digest" in op.answer):
            yield sight_of(op.answer, op.t0, op.t1, op.seq if op.op == "held" else None, op, op.final)


def sight_of(line, tlo, thi, seq, source, final):
    return Sight(content(line, full=True), "attributes" in line, tlo, thi, seq, source, final)


def writes_of(writes, key, value):
    for write in writes:
        if write.whole:
            if write.values.get(key) == value:
                yield write
        elif key in write.values and write.values[key] == value:
            yield write


def before(a, b):
    """Whether a certainly took effect before b did; a submission is before every update that succeeded."""
    if a.whole:
        return not b.whole
    if a.seq is not None and b.seq is not None:
        return a.seq < b.seq
    return a.op.outcome == "ok" and a.t1 < b.t0


def seen_by(write, sight):
    if write.op.outcome != "ok" or write.whole:
        return False
    if write.seq is not None and sight.seq is not None:
        return write.seq <= sight.seq
    return write.t1 < sight.tlo


def look(contact, writes, refused, sight):
    keys = set(sight.values)
    if sight.keys:
        keys |= {key for write in writes for key in write.values if key != DIGEST}
    for key in keys:
        value = sight.values.get(key)
        given = [write for write in writes_of(writes, key, value) if write.t0 < sight.thi]
        if not given:
            culprit = [write for write in refused if key in write.values and write.values[key] == value]
            if culprit:
                contact.say("I20", f"{key.strip(chr(0))} has a value of a refused request", culprit[0].op, sight.source)
            elif value is not None or not any(write.whole for write in writes):
                contact.say("I2", f"{key.strip(chr(0))} has a value that nobody gave", sight.source)
            else:
                contact.say("I2", f"{key.strip(chr(0))} was given and is not there", *(write.op for write in writes[:1]), sight.source)
            continue
        later = [other for other in writes if not other.whole and key in other.values and seen_by(other, sight)]
        if later and all(any(before(write, other) for other in later) for write in given):
            contact.say("I10" if sight.final else "I18", f"{key.strip(chr(0))} has a value that had been replaced", given[-1].op, later[-1].op, sight.source)
    whole_or_nothing(contact, writes, sight)


def whole_or_nothing(contact, writes, sight):
    """One key of an update is there: then so are its others, unless something later replaced them."""
    for write in writes:
        if write.whole or len(write.values) < 2 or write.t0 >= sight.thi:
            continue
        shows = [key for key, value in write.values.items() if sight.values.get(key) == value and value is not None
                 and len(list(writes_of(writes, key, value))) == 1]
        if not shows:
            continue
        for key, value in write.values.items():
            found = sight.values.get(key)
            if found == value or (key != DIGEST and not sight.keys) or (key == DIGEST and key not in sight.values):
                continue
            sources = list(writes_of(writes, key, found))
            if sources and all(before(source, write) for source in sources):
                contact.say("I19", f"of an update {shows[0].strip(chr(0))} is visible, and {key.strip(chr(0))} is not", write.op, sight.source)


def eligible(contact):
    """The best that an agent ever was against the least that the contact ever needed."""
    sent_to = {(op.asked.get("agent")) for op in contact.ops if op.op in ("contact.assign", "contact.transfer") and op.outcome != "fail"}
    queues = contact.ws.config.get("queues") or {}
    own = [op.asked.get("skills") for op in contact.ops if op.op == "contact.submit" and op.outcome != "fail"
           and not op.answer.get("duplicate")]
    changed = [op.asked["skills"] for op in contact.ops if op.op in ("contact.update", "contact.transfer") and op.outcome != "fail"
               and op.asked.get("skills") is not None]
    needs = [need or {} for need in own + changed]
    submitted = min((op.t0 for op in contact.possible), default=NEVER)
    for event in contact.events:
        profiles = contact.ws.profiles.get(event.who)
        queue = event.told.get("queue")
        if event.op != "offer" or not profiles or event.who in sent_to:
            continue
        if queue is not None and all(profile.get("queues") is not None and queue not in profile["queues"] for profile in profiles):
            contact.say("I8", f"{event.who} does not serve {queue}", event)
            continue
        settings = queues.get(queue) or {}
        required = {skill: min(need.get(skill, 0) for need in needs) for need in needs for skill in need}
        for skill, level in (settings.get("skills") or {}).items():
            required[skill] = max(level, required.get(skill, 0))
        for skill, level in required.items():
            has = max((profile.get("skills") or {}).get(skill, 0) for profile in profiles)
            if has >= level:
                continue
            steps = [step["after_ms"] for step in settings.get("relax") or () if (step.get("skills") or {}).get(skill, level) <= has]
            backdated = any(op.asked.get("received_at") for op in contact.possible)
            if not steps:
                contact.say("I8", f"{event.who} has {skill}:{has}, and {skill}:{level} is required", event)
            elif event.t < submitted + min(steps) * 1_000_000 and not backdated:
                contact.say("I8", f"{event.who} has {skill}:{has}, which is not enough before {min(steps)} ms have passed", event)

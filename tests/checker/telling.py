"""Short histories in words, for tests: each line becomes the lines of a history.

    0-1  shop contact.submit contact=k1 : ok seq=6 state=waiting     a request from 0 to 1 ms, and its answer
    2-   ana contact.complete contact=k1 : info                      the outcome is not known
    3-   ana ping                                                    no outcome at all
    2    ana ! offer offer=o1 contact=k1 seq=7                       a notification
    9    rig healed                                                  a word of the rig
    4    fault kill phase=begin                                      a fault
    0~99 desk ping : ok                                              the same request every 30 ms, answered within one

What has a seq and names no epoch is of epoch 1. Clients whose name begins with `shop` are connectors, `desk` supervisors, `read`
supervisors whose reads are the final read-out; all others are agents. `shop/2` is another connection of the same `shop`.
"""
import json

MS = 1_000_000


def value_of(text):
    if text and (text[0] in "[{" or text.lstrip("-").isdigit() or text in ("true", "false", "null")):
        return json.loads(text)
    return text


def fields_of(words):
    fields = dict((key, value_of(value)) for key, value in (word.split("=", 1) for word in words))
    if "seq" in fields:
        fields.setdefault("epoch", 1)
    return fields


def times_of(when):
    """When it was asked, and answered."""
    first, _, last = when.partition("~")
    if last:
        return [(t, t + 1) for t in range(int(first), int(last), 30)]
    t0, _, t1 = when.partition("-")
    return [(t0, t1)]


def role_of(client):
    name = client.split("/")[0]
    role = "connector" if name.startswith("shop") else "supervisor" if name.startswith(("desk", "read")) else "agent"
    return role, name


def history(lines):
    """The events, by time."""
    events, clients = [], {}

    def add(t, **event):
        events.append((round(float(t) * MS), len(events), event))

    for call, line in enumerate(lines):
        when, client, *words = line.split()
        if client in ("rig", "fault"):
            add(when, kind=client, what=words[0], **fields_of(words[1:]))
            continue
        clients.setdefault(client)
        if words[0] == "!":
            add(when, client=client, kind="event", op=words[1], **fields_of(words[2:]))
            continue
        colon = words.index(":") if ":" in words else len(words)
        asked = fields_of(words[1:colon])
        if client.startswith("read"):
            asked["final"] = True
        for number, (t0, t1) in enumerate(times_of(when)):
            add(t0, client=client, kind="invoke", op=words[0], call=f"{call}.{number}", **asked)
            if colon < len(words):
                add(t1 or t0, client=client, kind=words[colon + 1], op=words[0], call=f"{call}.{number}", **fields_of(words[colon + 2:]))
    begin = [{"kind": "rig", "what": "client", "client": client, "role": role_of(client)[0], "name": role_of(client)[1], "t": 0}
             for client in clients]
    return begin + [dict(event, t=t) for t, _, event in sorted(events, key=lambda each: each[:2])]


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        for event in history(lines):
            file.write(json.dumps(event) + "\n")

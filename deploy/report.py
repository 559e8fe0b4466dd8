#!/usr/bin/python3
"""What became of every contact: by state, per queue and per tier, with waits and service levels.

    report.py --server tcp://127.0.0.1:7700 --workspace after-sales [--expect COUNT]

With --expect the exit status is 1 unless there are so many contacts, each of them over. A supervisor asks three things:
contact.list, stats and queue.list.
"""
import argparse
import itertools
import socket
import sys
from urllib.parse import urlsplit

import msgpack

STATES = ("scheduled", "waiting", "offered", "active", "wrapping", "completed", "cancelled", "expired", "diverted", "rejected")
OVER = ("completed", "cancelled", "expired", "diverted", "rejected")


class Supervisor:
    def __init__(self, server, workspace):
        url = urlsplit(server)
        self.socket = socket.create_connection((url.hostname, url.port), timeout=30)
        self.unpacker, self.numbers = msgpack.Unpacker(max_buffer_size=0), itertools.count(1)
        self.call("hello", protocol=1, role="supervisor", workspace=workspace, client="report/1")

    def call(self, method, **params):
        number = next(self.numbers)
        self.socket.sendall(msgpack.packb([0, number, method, [params]]))
        while True:
            for message in self.unpacker:
                if message[:2] == [1, number]:
                    if message[2]:
                        sys.exit(f"{method}: {message[2]['code']}: {message[2]['message']}")
                    return message[3]
            data = self.socket.recv(65536)
            if not data:
                sys.exit("the server closed the connection")
            self.unpacker.feed(data)

    def contacts(self, state):
        after, rows = None, []
        while True:
            page = self.call("contact.list", state=state, limit=1000, after=after)
            rows += page["contacts"]
            after = page.get("next")
            if after is None:
                return rows


def span(ms):
    if ms is None:
        return "-"
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s" if ms < 60000 else f"{ms / 60000:.1f} min"


def table(title, rows):
    print(f"\n  {title:24}{'came':>6}{'answered':>10}{'left':>6}{'completed':>11}{'late':>6}{'service level':>15}{'mean wait':>12}{'mean work':>12}")
    for row in rows:
        if row["submitted"] or row["answered"] or row["completed"]:
            level = "-" if row["service_level"] is None else f"{row['service_level']:.1%}"
            print(f"  {row['key']:24}{row['submitted']:6}{row['answered']:10}{row['abandoned']:6}{row['completed']:11}"
                  f"{row['overdue']:6}{level:>15}{span(row['average_speed_of_answer_ms']):>12}{span(row['average_handle_ms']):>12}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--server", default="tcp://127.0.0.1:7700")
    arguments.add_argument("--workspace", default="default")
    arguments.add_argument("--expect", type=int)
    arguments.add_argument("--count", action="store_true", help="say only how many contacts there are")
    options = arguments.parse_args()
    desk = Supervisor(options.server, options.workspace)
    counts = {state: len(desk.contacts(state)) for state in STATES}
    total = sum(counts.values())
    if options.count:
        print(total)
        return
    print(f"{total} contacts: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count))
    for by, title in (("queue", "queue"), ("tier", "tier"), ("channel", "channel")):
        table(title, desk.call("stats", by=by)["rows"])
    if options.expect is not None:
        over = sum(counts[state] for state in OVER)
        print(f"\nexpected {options.expect}, there {total}, over {over}: unaccounted for {options.expect - over}")
        if not total == over == options.expect:
            sys.exit(1)


if __name__ == "__main__":
    main()

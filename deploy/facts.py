#!/usr/bin/python3
"""Print the facts of a workspace as they come, one JSON object a line: an example for programs that read the journal.

    deploy/facts.py [--once] [--after ID] [REDIS_URL [WORKSPACE]]

Needs python3-redis, python3-msgpack and python3-lz4. The journal is one stream; proto/PROTOCOL.md, "Facts", says what the facts mean.
Each line has the id of its entry: to go on where you ended, keep the last one together with what you made of the facts,
and give it as --after. A Redis user for this needs no more than  ~switchboard:*:journal -@all +xread
"""
import argparse
import json
import sys

import lz4.block
import msgpack
import redis

PATIENCE_MS = 5000


def read(source, key, last, once):
    """Each entry behind `last`, (id, fields); waits for more unless once."""
    while True:
        # What Redis has lost in a failover the router writes again, under the same ids; until then its end is behind ours.
        answer = source.xread({key: last}, count=100, block=None if once else PATIENCE_MS)
        for _, entries in answer:
            for last, fields in entries:
                yield last.decode(), fields
        if once and not answer:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="what is there now, and no more")
    parser.add_argument("--after", default="0-0", help="only what stands behind the entry of this id")
    parser.add_argument("url", nargs="?", default="redis://127.0.0.1:6379")
    parser.add_argument("workspace", nargs="?", default="default")
    options = parser.parse_args()
    source = redis.Redis.from_url(options.url)  # behind Sentinels: redis.Sentinel(...).master_for("main")
    seq = None
    for entry, fields in read(source, f"switchboard:{{{options.workspace}}}:journal", options.after, options.once):
        # b: an array of facts, B: the same, packed; c, C: a slice of a checkpoint, for routers only; e: who owns the workspace from here on
        packed = fields.get(b"B")
        value = lz4.block.decompress(packed) if packed else fields.get(b"b", b"\x90")
        for number, at, kind, subject, what in msgpack.unpackb(value, strict_map_key=False):
            if seq is not None and number != seq + 1:
                sys.exit(f"fact {number} comes behind {seq}: what is between them was trimmed or is lost")
            seq = number
            print(json.dumps({"entry": entry, "seq": number, "at": at, "kind": kind, "subject": subject, **what},
                             default=repr, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

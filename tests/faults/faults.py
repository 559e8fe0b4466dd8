"""The faults of the rig: what there is, in one table. What each does stands at its function; see episode.py for use.

    python3 tests/faults/faults.py        prints the table

Parameters: the first `kinds` of them are different things, each the shortest meaningful one of its kind, and all that continuous
integration runs; `seconds` is how long Episode.run() lets it last, everything else goes to the function.
"""
import faults_of_processes as processes
import faults_of_redis as redis
from episode import Episode, Fault, NotStruck  # noqa: F401  (for those who import the table)

ALL = "single sentinel cluster"
PAIR = "sentinel cluster"
CUTS = ("both", "up", "down", "half open")
ERRORS = ["-LOADING Redis is loading the dataset in memory", "-READONLY You can't write against a read only replica.",
          "-NOSCRIPT No matching script. Please use EVAL.", "-BUSY Redis is busy running a script.",
          "-NOREPLICAS Not enough good replicas to write.", "-OOM command not allowed when used memory > 'maxmemory'.",
          "-MISCONF Redis is configured to save, but cannot.", "-TRYAGAIN Multiple keys request during rehashing of slot",
          "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
          "-CLUSTERDOWN The cluster is down", "-UNBLOCKED force unblock from blocking operation"]


def each(key, values, **others):
    return tuple({key: value, **others} for value in values)


def clocks(role):
    """Steps in seconds, and rates."""
    return (each("step", (2, -2, 0.001, -0.001, 3600, -3600, 86400, -86400), role=role)
            + each("ppm", (500, -500), role=role, seconds=0.5))


FAULTS = (
    #     name                          stages      parameters                                                 function, routers
    Fault("F1", "kill -9 of a router", ALL, each("role", ("owner",)), processes.kill, 1),
    Fault("F1", "kill -9 of two routers", ALL, each("role", ("standby", "both")), processes.kill, 2, kinds=2),
    Fault("F2", "pause of the owner", ALL, each("seconds", (0.1, 0.5, 1, 10, 60), role="owner"), processes.pause, 1),
    Fault("F2", "pause of the owner until another owns", ALL, ({"role": "owner", "taken_over": True, "seconds": 0.5},), processes.pause, 2),
    Fault("F3", "pause of Redis", ALL, each("seconds", (0.1, 1, 10, 60), role="primary"), processes.pause),
    Fault("F3", "pause of a replica", "sentinel",
          each("seconds", (0.1, 1, 10, 60), role="replica"), processes.pause),
    Fault("F3", "pause of a Sentinel", "sentinel", each("seconds", (0.1, 1, 10, 60), role="sentinel"), processes.pause),
    Fault("F3", "pause of the standby", ALL, each("seconds", (0.1, 1, 10, 60), role="standby"), processes.pause, 2),
    Fault("F4", "partition of owner and Redis", ALL,
          ({"one": "owner", "other": "primary", "seconds": 0.2},
           {"one": "owner", "other": "primary", "way": "from", "seconds": 2},
           {"one": "owner", "other": "primary", "flaps": 3, "seconds": 1},
           {"one": "owner", "other": "primary", "flaps": 10, "seconds": 1},
           *each("seconds", (2, 60), one="owner", other="primary")), processes.partition, 1, kinds=3, apart=4),
    Fault("F4", "partition of owner and standby", ALL, each("seconds", (2, 0.2, 60)), processes.between_routers, 2, needs="hosts"),
    Fault("F4", "partition of owner and clients", ALL,
          (*({"cut": cut, "every": 2, "noticed": True} for cut in CUTS), *({"cut": cut, "noticed": True, "seconds": 15} for cut in CUTS)),
          processes.before_clients, 1, kinds=4, apart=5),
    Fault("F4", "partition of owner and clients that they outlive", ALL,
          tuple({"cut": cut, "every": every, "seconds": 1} for every in (2, 1) for cut in CUTS[:3]), processes.before_clients, 1, kinds=3, apart=1.5),
    Fault("F4", "partition of primary and replica", "sentinel",
          each("seconds", (0.2, 2, 60), one="replica", other="primary", way="from"), processes.partition),
    Fault("F4", "a host alone", ALL, each("seconds", (3, 60), one="primary", other="everybody"), processes.partition),
    Fault("F4", "a cable pulled", "sentinel", each("role", ("primary", "owner"), seconds=1)
          + each("seconds", (60,), role="primary"), processes.unplug, kinds=2, needs="hosts"),
    Fault("F5", "kill -9 of the primary", ALL, each("during", (None, "rewrite")), redis.kill_primary, kinds=2),
    Fault("F5", "kill -9 of the primary that feeds a replica", "sentinel", ({"during": "sync"},), redis.kill_primary),
    Fault("F6", "failover that loses the tail", "sentinel",
          each("entries", (1, 3, 10)), redis.lose_tail),
    Fault("F6", "failover that loses the tail, and routers die", "sentinel",
          each("entries", (1, 3), dies="owner") + each("entries", (1, 3), dies="all"), redis.lose_tail, 2),
    Fault("F7", "stale primary returns", "sentinel",
          each("how", ("pause", "cut"), seconds=0) + each("seconds", (6, 60), how="pause"), redis.stale_primary, kinds=2),
    Fault("F8", "Redis returns without its data", "single sentinel", each("how", ("empty", "old")),
          redis.restart_without_data, kinds=2),
    Fault("F9", "two failovers", "sentinel", each("seconds_apart", (0, 5, 20)), redis.switch_twice),
    Fault("F9", "a failover, and the owner stops", "sentinel", ({},), redis.switch_and_stop, 2),
    Fault("F9", "takeover in the Cluster", "cluster", ({},), redis.cluster_takeover),
    Fault("F9", "a slot moves", "cluster", ({},), redis.move_slot),
    Fault("F10", "slow Redis", ALL,
          ({"how": "delay", "ms": 20, "seconds": 0.2}, *({"how": how, "ms": 200} for how in ("debug", "script", "starved")),
           *each("ms", (1, 100, 500), how="delay", seconds=0.2), *each("how", ("debug", "script", "starved"), ms=2000)),
          redis.slow, kinds=4, apart=1),
    Fault("F12", "memory of Redis", ALL, each("how", ("full", "evict", "trim")), redis.memory, kinds=3),
    Fault("F13", "lost reply", ALL,
          tuple({"command": "EVALSHA", "how": how, "nth": nth} for nth in (1, 3) for how in ("rst", "fin")), redis.lose_reply,
          kinds=2, apart=0.5),
    Fault("F13", "lost reply of a transaction", ALL,
          tuple({"command": "EXEC", "how": how, "nth": nth} for nth in (1, 3) for how in ("rst", "fin")), redis.lose_reply,
          kinds=2, apart=0.5),
    Fault("F13", "lost reply of WAIT", PAIR,
          tuple({"command": "WAIT", "how": how, "nth": nth} for nth in (1, 3) for how in ("rst", "fin")), redis.lose_reply,
          kinds=2, apart=0.5),
    Fault("F13", "lost reply of SCRIPT", ALL,
          tuple({"command": "SCRIPT", "how": how, "forgotten": True} for how in ("rst", "fin")), redis.lose_reply, 1, kinds=2, apart=1),
    Fault("F13", "lost reply of a takeover", ALL, each("how", ("rst", "fin")), redis.lose_raise, 2),
    Fault("F14", "error replies", ALL, each("reply", ERRORS), redis.error_reply, kinds=len(ERRORS), apart=0.1),
    Fault("F14", "scripts forgotten", ALL, ({},), redis.script_flush),
    Fault("F14", "BUSY", ALL, ({},), redis.busy),
    Fault("F14", "NOREPLICAS", "sentinel", ({},), redis.no_replicas),
    Fault("F15", "clock of Redis", ALL, clocks("primary"), processes.clock_step, kinds=10, apart=0.6),
    Fault("F15", "clock of the Sentinels", "sentinel", each("step", (2.5, -2.5, 3600), role="sentinels"),
          processes.clock_step),
    Fault("F15", "clock of the owner", ALL, clocks("owner"), processes.clock_step, 1, kinds=10, apart=0.6),
    Fault("F21", "requests twice, in another order, late, again", ALL,
          tuple({"how": how, "method": method} for method in ("offer.accept", "contact.complete", "contact.submit")
                for how in ("duplicate", "reorder", "late", "replay")), processes.frames, 1, kinds=12, apart=0.2),
    Fault("F22", "limits of a router", ALL, each("what", ("descriptors", "memory", "processor"), role="owner", seconds=0.5),
          processes.limit, 1, kinds=3, apart=2),
    Fault("F22", "the disk of Redis is full", ALL, ({},), redis.fill_disk, needs="disk"),
    Fault("F24", "two versions, and back", ALL, each("meets", ("kill", "pause", "primary")), processes.versions, 2, kinds=3),
    Fault("F24", "another version for good", ALL, ({"seconds": 1},), processes.new_version, 2),
    Fault("F25", "two processes under one name", ALL, ({},), processes.same_node, 1),
    Fault("F25", "another product in our stream", ALL, ({},), redis.foreign_entry),
    Fault("F25", "another password", ALL, ({},), redis.password_changed),
)


def find(number, name=None):
    """The rows of that number, or the one of that name."""
    rows = [fault for fault in FAULTS if fault.number == number and (name is None or fault.name == name)]
    if not rows:
        raise KeyError(f"{number} {name or ''}")
    return rows if name is None else rows[0]


if __name__ == "__main__":
    for row in FAULTS:
        print(f"{row.number:4} {row.name}: {row.what} On: {row.stages}; routers: {row.routers}; {len(row.parameters)} "
              f"parameters, first {row.parameters[0]}")

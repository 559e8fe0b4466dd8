"""What happens to Redis: death, stale primaries, lost tails, switches, slowness, errors, limits. See faults.py."""
import os
import shutil
import time

from episode import Background, NotStruck, Rhythm, Wires
from processes import until
from resp import RedisError
from stage import ROUTER_PASSWORD, ROUTER_USER

CUTS, CUT_SECONDS = 5, 2.0  # of replicas, and how long an owner may take to write something meanwhile


def kill_primary(e, during=None):
    """kill -9 of the primary, also in the middle of rewriting its file or of feeding a new replica; then its return."""
    primary = e.victim("primary")
    if during == "rewrite":
        primary.config("rdb-key-save-delay", 1000000)  # microseconds: the child is at it for a second a key
        primary.command("BGREWRITEAOF")
        e.did(f"BGREWRITEAOF at {primary.name}")
        e.prove(primary.info("persistence")["aof_rewrite_in_progress"] == "1", f"{primary.name} was rewriting its file")
    elif during == "sync":
        replica = e.replicas(primary)[0]
        primary.command("SET", e.key, os.urandom(100000))
        starved = primary.route.add("slow", rate=20000, only=replica.name)
        primary.command("DEBUG", "CHANGE-REPL-ID")
        replica.command("CLIENT", "KILL", "TYPE", "MASTER")
        until(lambda: replica.info("replication").get("master_sync_in_progress") == "1", "a replica to ask for everything")
        e.prove(True, f"{replica.name} had a part of the data when {primary.name} died")
    e.killed(primary)
    new = e.failover(primary)
    if new:
        e.prove(new is not primary, f"{new.name} is primary instead of {primary.name}")
    yield
    if during == "sync":
        starved.remove()
    primary.start()
    e.did(f"{primary.name} is back")


def lose_tail(e, entries=1, dies="nobody"):
    """Nothing reaches the replicas while the primary takes so many entries more, if it can get them; then kill -9, also of the owner or of all routers.
    One of the replicas must lead."""
    primary, replicas, wires, dead = cut_replicas(e, entries, dies)
    had = primary.entries(e.stream)
    e.killed(primary)
    for router in dead:
        e.killed(router)
    # Read while they are cut off and before anybody could repair: what none has, no new primary will have.
    lacking = {replica.name: sorted(set(had) - set(replica.entries(e.stream))) for replica in replicas}
    new = e.stage.wait_failover(primary)
    wires.heal()  # not before: what a kernel or the proxy still holds of the dead primary must not arrive
    e.did(f"{new.name} leads; before the failover it lacked {len(lacking[new.name])} entries")
    e.tail_lost = len(lacking[new.name])
    e.prove(lacking[new.name],
            f"{new.name} lacked {len(lacking[new.name])} entries of {e.stream} that {primary.name} had "
            f"({lacking[new.name][0]} to {lacking[new.name][-1]})")
    yield
    for router in dead:
        router.start()
    primary.start()
    e.did(f"{primary.name} is back")


def cut_replicas(e, entries, dies):
    """Until no replica hears of the primary, which has so many entries more, or all that it could get. A primary that nobody follows
    refuses everything after a second, and an owner that got nothing in before then never will: then it is tried again."""
    def followed():
        leader = e.victim("primary")
        replicas = e.replicas(leader)
        return (leader, replicas) if len(replicas) == len(e.stage.redis) - 1 else None
    for _ in range(CUTS):
        dead = [e.victim("owner")] if dies == "owner" else e.stage.routers if dies == "all" else []
        primary, replicas = until(followed, "all others to follow the primary")
        had = primary.entries(e.stream, 1)
        until(lambda: primary.entries(e.stream, 1) != had, f"somebody to write to {e.stream}")
        wires = Wires(e.stage)
        for replica in replicas:
            wires.cut(replica, primary, way="from")
            e.did(f"{replica.name} hears nothing of {primary.name}")
        over = time.monotonic() + CUT_SECONDS

        def lacks(least):
            return min(len(tail(primary, replica, e.stream)) for replica in replicas) >= least
        until(lambda: lacks(entries) or time.monotonic() > over, "entries that no replica has", CUT_SECONDS + 30)
        if lacks(1):
            return primary, replicas, wires, dead
        wires.heal()
        e.did("nobody had anything to write meanwhile: once more")
    raise NotStruck(f"nobody wrote to {e.stream} in {CUTS} times {CUT_SECONDS} s without replicas")


def tail(primary, replica, stream):
    """The ids that the replica lacks."""
    return set(primary.entries(stream, 20000)) - set(replica.entries(stream, 20000))


def stale_primary(e, how="pause"):
    """The primary is paused or cut off until another leads; then it comes back and still believes that it leads."""
    primary = e.victim("primary")
    if how == "pause":
        primary.pause()
    else:
        wires = Wires(e.stage)
        for process in (*e.stage.redis, *e.stage.sentinels):
            if process is not primary:
                wires.cut(primary, process)
    e.did(f"{how} {primary.name}")
    new = e.stage.wait_failover(primary)
    e.did(f"{new.name} leads")
    yield
    if how == "pause":
        primary.resume()
    role = primary.role()[0]
    if how == "cut":
        wires.heal()
    e.did(f"{primary.name} returns as {role}")
    e.prove(role == "master" and new.is_primary(), f"{primary.name} and {new.name} both said master")


def restart_without_data(e, how="empty"):
    """The primary dies and is back before anybody notices, with nothing or with an older file."""
    primary = e.victim("primary")
    folder, kept = primary.data, primary.folder / "kept"
    if how == "old":
        shutil.copytree(folder, kept)
    until(lambda: e.stage.writable(primary), "the primary to take writes")
    primary.command("XADD", e.key, "*", "entry", "newer")
    had = primary.command("DBSIZE")
    e.killed(primary)
    shutil.rmtree(folder)
    folder.mkdir()
    if how == "old":
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        shutil.rmtree(kept)
    began = time.monotonic()
    primary.start()
    e.did(f"{primary.name} with {how} files after {time.monotonic() - began:.3f} s")
    now = primary.command("EXISTS", e.key)
    e.prove(now == 0 and had > 0 and primary.role()[0] == "master",
            f"{primary.name} leads with {primary.command('DBSIZE')} keys, and had {had}")
    yield


def order_failover(e):
    """Until a Sentinel says that another leads: it may agree, and give up."""
    old = e.victim("primary")

    def ordered():
        if e.stage.primary() is not old:
            return True
        try:
            e.victim("sentinel").command("SENTINEL", "FAILOVER", "main")
        except RedisError:
            pass  # INPROG: one is not over; NOGOODSLAVE: no replica is known well enough yet
        return False
    until(ordered, "a Sentinel to say that another leads")


def fail_over(e):
    """Whoever leads then. What one Sentinel did another may undo that has not heard of it: then it is ordered again."""
    old = e.victim("primary")
    for _ in range(3):
        order_failover(e)
        try:
            return e.stage.wait_failover(old, 10)
        except AssertionError:
            e.did("another failover was undone")
    return e.stage.wait_failover(old)


def switch_and_stop(e):
    """A failover by command; soon after the owner has gone on behind it, it is told to stop, and hands over what nobody has confirmed yet."""
    def told(router, event):
        return [line for line in router.lines() if line["event"] == event and line.get("workspace") == e.workspace]

    def goes_on():
        """The router that did, behind another failover; None: the other one was faster and has taken it."""
        old = e.victim("primary")
        before = [(router, event, len(told(router, event))) for router in e.stage.routers for event in ("goes_on", "owned")]
        order_failover(e)
        router, event, _ = until(lambda: next((each for each in before if len(told(*each[:2])) > each[2]), None),
                                 "somebody to serve with another primary")
        e.did(f"{e.victim('primary').name} leads instead of {old.name}; {router.name}: {event}")
        return router if event == "goes_on" else None
    owner = next(filter(None, (goes_on() for _ in range(4))), None)
    e.prove(owner, "an owner has gone on")
    over = time.monotonic() + 0.3  # some work that waits behind the word that it goes on
    until(lambda: time.monotonic() >= over, "some work", 5)
    status = owner.stop()
    e.did(f"SIGTERM {owner.name} (pid {owner.pid}), which ended with {status}")
    went_on, gave = told(owner, "goes_on")[-1]["at"], told(owner, "handing_over")[-1]["at"]
    e.prove(status == 0 and gave > went_on, f"{owner.name} handed over {gave - went_on} ms behind a failover")
    yield
    owner.start()
    e.did(f"{owner.name} is back")


def switch_twice(e, seconds_apart=0):
    """Two failovers, one behind the other, by command."""
    leaders = [e.victim("primary")]
    for _ in range(2):
        leaders.append(fail_over(e))
        e.did(f"SENTINEL FAILOVER: {leaders[-1].name} leads")
        over = time.monotonic() + seconds_apart
        until(lambda over=over: time.monotonic() >= over, "the time between", seconds_apart + 1)
    e.prove(leaders[0] is not leaders[1] is not leaders[2], " then ".join(redis.name for redis in leaders) + " led")
    yield


def cluster_takeover(e):
    """A replica in the Cluster takes its primary's slots without asking anybody."""
    old = e.victim("primary")
    replica = next(redis for redis in e.stage.redis if redis.role()[:3] == ["slave", *old.announced])
    replica.command("CLUSTER", "FAILOVER", "TAKEOVER")
    e.did(f"CLUSTER FAILOVER TAKEOVER at {replica.name}")
    until(lambda: e.stage.slot_owner(e.slot) is replica and old.role()[0] == "slave", "the slots to change hands")
    e.prove(replica.is_primary(), f"{replica.name} has the slots of {old.name}")
    yield


def move_slot(e, slot=None):
    """The slot of the stream goes to another primary, key by key, under load: ASK, then MOVED."""
    slot = e.slot if slot is None else slot
    source = e.stage.slot_owner(slot)
    target = next(redis for redis in e.stage.redis if redis is not source and redis.is_primary())
    moved = []
    moves = e.stage.slot_migrate(slot, source, target)
    e.did(f"slot {slot} from {source.name} to {target.name}")
    for key in moves:
        moved.append(key)
        try:
            source.command("TYPE", key)
        except RedisError as error:
            e.prove(error.code == "ASK", f"{source.name} answered {error} for {key}")
    yield
    until(lambda: e.stage.slot_owner(slot) is target, "the slot to be known at its new place")
    try:
        source.command("TYPE", e.stream)
    except RedisError as error:
        e.prove(error.code == "MOVED", f"{source.name} answered {error} after {len(moved)} keys had moved")


def slow(e, how="delay", ms=20):
    """Redis answers late: a delayed wire, DEBUG SLEEP, a script of another client, or 5 % of a processor."""
    primary = e.victim("primary")
    through = not e.stage.network

    def latency(times):
        with primary.connect(60, through=through) as connection:
            for _ in range(times):
                begin = time.monotonic()
                connection("GET", e.key)
                yield time.monotonic() - begin
    before = sorted(latency(20))[10]
    if how == "delay":
        rule = primary.route.add("delay", ms=ms)
        end = rule.remove
    elif how == "debug":
        end = Background(primary, "DEBUG", "SLEEP", ms / 1000).wait
    elif how == "script":
        end = Background(primary, "EVAL", "local t = redis.call('TIME') local e = t[1] * 1000 + t[2] / 1000 + ARGV[1] "
                         "repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > e", 0, ms).wait
    elif how == "starved":
        end = Rhythm(primary, 0.05, ms / 1000).end
    e.did(f"{how} at {primary.name}, {ms} ms")
    during = max(latency(1 if how in ("debug", "script") else 5))
    e.prove(during >= max(ms / 1000 * 0.5, before), f"a read took {during * 1000:.1f} ms, and {before * 1000:.1f} before")
    yield
    end()
    e.did("as fast as before")


def memory(e, how="full"):
    """maxmemory reached, an eviction policy set by mistake, or the stream trimmed by hand."""
    primary = e.victim("primary")
    if how == "full":
        primary.config("maxmemory", 1)
        try:
            primary.command("SET", e.key, "1")
        except RedisError as error:
            e.prove(error.code == "OOM", f"{primary.name} answers {error}")
    elif how == "evict":
        primary.config("maxmemory-policy", "allkeys-lru")
        e.prove(primary.info("memory")["maxmemory_policy"] == "allkeys-lru", "Redis may evict what it likes")
    elif how == "trim":
        had = primary.command("XLEN", e.stream)
        primary.command("XTRIM", e.stream, "MAXLEN", had // 2)
        left = primary.command("XLEN", e.stream)
        e.prove(left < had, f"{e.stream} has {left} entries of {had}")
    e.did(how)
    yield
    primary.config("maxmemory", 0)
    primary.config("maxmemory-policy", "noeviction")


def lose_reply(e, command="EVALSHA", nth=1, how="rst", count=1, forgotten=False):
    """A command takes effect, its reply never arrives, and the connection ends; `forgotten`: the scripts are, so that they are loaded
    again."""
    primary = e.victim("primary")
    rule = primary.route.add("lose_reply", command=command, nth=nth, how=how, count=count)
    e.did(f"the reply of {command} number {nth} at {primary.name} will be lost")
    if forgotten:
        primary.command("SCRIPT", "FLUSH", "SYNC")
        e.did("SCRIPT FLUSH")
    yield
    until(lambda: rule.struck() == count, f"somebody to send {command}")
    e.prove(True, f"{primary.name} had answered {rule.what()!r}, which nobody heard")
    rule.remove()


def lose_raise(e, how="rst"):
    """The owner dies, and whoever takes over never hears that its epoch stands in the stream."""
    primary, owner = e.victim("primary"), e.victim("owner")
    # Only a raise names a process in the journal. Who hears that the script is not known tries again: so it is more than one reply.
    rule = primary.route.add("lose_reply", command="EVALSHA", contains=["instance", e.stream], how=how, count=20)
    e.killed(owner)
    until(lambda: "appended" in str(rule.what()), "somebody to raise an epoch")
    e.prove(rule.struck() > 0, f"{primary.name} had answered {rule.what()!r} to a raise, which nobody heard")
    rule.remove()
    new = e.victim("owner")
    e.prove(new is not owner, f"{new.name} owns {e.workspace} all the same")
    yield
    owner.start()
    e.did(f"{owner.name} is back")


def error_reply(e, reply="-LOADING Redis is loading the dataset in memory", command="EVALSHA", count=1):
    """Redis, by the proxy's word, refuses a command; it never gets there."""
    primary = e.victim("primary")
    rule = primary.route.add("answer", command=command, reply=reply, count=count)
    e.did(f"{count} times {reply} to {command}")
    yield
    until(lambda: rule.struck() == count, f"somebody to send {command}")
    e.prove(True, f"{command} was answered {reply} {count} times")
    rule.remove()


def script_flush(e):
    """Redis forgets all scripts."""
    primary = e.victim("primary")
    digest = primary.command("SCRIPT", "LOAD", "return 'of the stage'")
    primary.command("SCRIPT", "FLUSH", "SYNC")
    e.did(f"SCRIPT FLUSH at {primary.name}")
    e.prove(primary.command("SCRIPT", "EXISTS", digest) == [0], "a script that was loaded is no more")
    yield


def busy(e):
    """A script of somebody else runs so long that Redis answers BUSY to everybody."""
    primary = e.victim("primary")
    primary.config("busy-reply-threshold", 50)
    background = Background(primary, "EVAL", "while true do end", 0)
    answers = []

    def refused():
        try:
            primary.command("GET", e.key)
        except RedisError as error:
            answers.append(error)
        return answers
    until(refused, "Redis to answer BUSY")
    e.did(f"an endless script at {primary.name}")
    e.prove(answers[0].code == "BUSY", f"{primary.name} answers {answers[0]}")
    yield
    primary.command("SCRIPT", "KILL")
    background.wait()
    primary.config("busy-reply-threshold", 5000)


def no_replicas(e):
    """All replicas are gone, and the primary refuses what it could not hand on."""
    primary = e.victim("primary")
    replicas = e.replicas(primary)
    for replica in replicas:
        e.killed(replica)
    until(lambda: not e.stage.writable(primary), "the primary to refuse")
    e.prove(primary.is_primary(), f"{primary.name} answers NOREPLICAS")
    yield
    for replica in replicas:
        replica.start()
    until(lambda: e.stage.writable(primary), "the primary to take writes")


def fill_disk(e):
    """The disk that Redis writes its file to is full."""
    primary = e.victim("primary")
    ballast = f"/proc/{primary.pid}/root{primary.data}/ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            e.did(f"the disk of {primary.name}: {error.strerror}")

    def refused():
        try:
            primary.command("SET", e.key, "x" * 5000)
        except RedisError as error:
            return error
        return None
    error = until(refused, "Redis to refuse")
    e.prove(error.code == "MISCONF", f"{primary.name} answers {error}")
    yield
    os.unlink(ballast)
    until(lambda: refused() is None, "Redis to write again")


def password_changed(e):
    """The password of the router's user is another one, and its connections are ended."""
    primary = e.victim("primary")
    primary.command("ACL", "SETUSER", ROUTER_USER, "resetpass", ">another")
    primary.command("CLIENT", "KILL", "USER", ROUTER_USER)
    e.did(f"another password at {primary.name}")
    try:
        primary.connect(user=ROUTER_USER, password=ROUTER_PASSWORD).close()
    except RedisError as error:
        e.prove(error.code == "WRONGPASS", f"{primary.name} answers {error}")
    yield
    primary.command("ACL", "SETUSER", ROUTER_USER, "resetpass", ">" + ROUTER_PASSWORD)


# An id is never given again, unless the stream is told which one was the last.
TAKEN_OUT = """redis.call('XDEL', KEYS[1], ARGV[1])
return redis.call('XSETID', KEYS[1], redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1])"""


def foreign_entry(e):
    """Another product uses the same Redis and writes into our stream: no router goes on there, until somebody takes it out again."""
    primary = e.victim("primary")
    had = {router: len(router.log(1 << 30)) for router in e.stage.routers}
    entry = primary.command("XADD", e.stream, "*", "somebody", "else")
    e.did(f"XADD {e.stream} {entry}")
    e.prove(entry in primary.entries(e.stream), f"{entry} is in {e.stream}")
    for router in had:
        until(lambda router=router: '"journal_stuck"' in router.log(1 << 30)[had[router]:], f"{router.name} to say that it is stuck")
        e.prove(True, f"{router.name} says that it cannot read {e.stream}")
    yield
    e.prove(e.stage.owner_now(e.workspace) is None, f"nobody serves {e.workspace}")
    primary.command("EVAL", TAKEN_OUT, 1, e.stream, entry)

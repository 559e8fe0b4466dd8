"""What happens to routers, Sentinels and the wires between processes: death, pauses, partitions, clocks, limits, other
versions, misuse. See faults.py."""
import os
import pathlib
import resource
import subprocess
import time

from episode import Wires
from processes import BIN, DEADLINE, until

NEXT, LATER = BIN / "switchboard-server-next", "contact_counted"  # the version that comes, and what it alone writes


def kill(e, role="owner"):
    """kill -9 of one process, or of owner and standby both; then its return, not before another owns where there is one."""
    victims = [e.victim(each) for each in (("owner", "standby") if role == "both" else (role,))]
    for victim in victims:
        e.killed(victim)
    if role == "owner" and len(e.stage.routers) > 1:
        e.prove(e.victim("owner") is not victims[0], f"{e.victim('owner').name} owns {e.workspace} instead of {victims[0].name}")
    yield
    for victim in victims:
        victim.start()
        e.did(f"{victim.name} is back")


def pause(e, role="owner", taken_over=False):
    """SIGSTOP of one process; then SIGCONT, `taken_over`: not before another owns, and the clients have left for that one."""
    victim = e.victim(role)
    victim.pause()
    e.did(f"SIGSTOP {victim.name} (pid {victim.pid})")
    if taken_over:
        new = e.victim("owner")
        e.prove(new is not victim, f"{new.name} owns {e.workspace} instead of {victim.name}")
        victim.route.add("cut", how="rst")
    yield
    e.prove(victim.state() == "T", f"{victim.name} stood still all the time")
    victim.resume()
    e.did(f"SIGCONT {victim.name}")
    if taken_over:
        for router in e.stage.routers:
            router.route.add("cut", how="rst")
        e.did("all clients come anew, and some of them to it")


def partition(e, one="owner", other="primary", way="both", flaps=0):
    """No bytes between two processes, or in one direction only; also on and off again quickly."""
    one = e.victim(one)
    others = [e.victim(other)] if other != "everybody" else [process for process in e.stage.processes if process is not one
                                                             and (one.host is None or process.host is not one.host)]
    wires, held = Wires(e.stage), 0
    for flap in range(flaps + 1):
        if flap:
            held += sum(rule.struck() for rule in wires.rules)
            wires.heal()
        for each in others:
            wires.cut(one, each, way)
    e.did(f"{one.name} cut off from {others[0].name if len(others) == 1 else 'everybody'}, {way}, after {flaps} flaps")
    yield
    if e.stage.network:
        e.prove(not reaches(one, others[0]), f"{one.name} does not reach {others[0].name}")
        hosts = [one.host] if way == "from" else e.stage.network.hosts
        lost = sum(host.lost_packets() for host in hosts)
        e.prove(lost > 0, f"{lost} packets were dropped")
    else:
        held += sum(rule.struck() for rule in wires.rules)
        e.prove(held > 0, f"bytes were held {held} times")
    wires.heal()
    e.did("healed")


def times_taken(e, but):
    """How often any router but one has taken the workspace without being given it."""
    return sum(line["event"] == "taking_over" and line["workspace"] == e.workspace for router in e.stage.routers if router is not but
               for line in router.lines())


def between_routers(e):
    """Owner and standby do not reach each other, and nothing else is wrong: a broken wire alone proves nothing, and nobody takes over."""
    owner = e.victim("owner")
    before = times_taken(e, owner)
    yield from partition(e, "owner", "standby")
    e.prove(times_taken(e, owner) == before, f"nobody has taken {e.workspace} from {owner.name}")


def before_clients(e, cut="both", every=1, noticed=False):
    """Clients, or one of so many of their connections, do not reach the owner, or one way only, or the far end of a connection is gone
    and nobody told them. `noticed`: until everybody concerned has left, and the owner them; it reaches Redis, and nobody takes what it owns."""
    owner = e.victim("owner")
    before, silent = times_taken(e, owner), sessions_ended(owner, "silent")
    rule = None
    if e.stage.network:  # all clients live on one host
        every, clients = 1, e.stage.network.place("clients")
        if cut in ("up", "both"):
            e.stage.network.deafen(owner.host, clients)
        if cut in ("down", "both"):
            e.stage.network.deafen(clients, owner.host)
    elif cut == "half open":
        rule = owner.route.add("half_open", every=every)
    else:
        rule = owner.route.add("hold", way=cut, every=every)
    e.did(f"clients cut off from {owner.name}: {cut}, {f'1 of {every}' if every > 1 else 'all'}")
    if noticed and rule:
        until(lambda: rule.standing() == 0, "all clients that were cut off to have left")
        e.prove(True, "all clients that were cut off have noticed")
    if noticed and cut in ("up", "both"):
        until(lambda: sessions_ended(owner, "silent") > silent, f"{owner.name} to leave clients that are silent")
        e.prove(True, f"{owner.name} has left clients that were silent")
    yield
    struck = sum(host.lost_packets() for host in (owner.host, clients)) if e.stage.network else rule.struck()
    e.prove(struck > 0, f"{struck} times something was lost or held")
    if rule:
        rule.remove()
    else:
        e.stage.network.heal()
    e.did("healed")
    if noticed:
        e.prove(times_taken(e, owner) == before, f"nobody has taken {e.workspace} from {owner.name}")


def sessions_ended(router, reason):
    return sum(line["event"] == "session_ended" and line.get("reason") == reason for line in router.lines())


def reaches(one, other):
    """Whether a new connection comes about."""
    try:
        one.host.connect(other.address, 0.2).close()
        return True
    except OSError:
        return False


def owner_but(e, old):
    """Who owns it; None while that is the old one, or nobody."""
    now = e.stage.owner_now(e.workspace)
    return now if now is not old else None


def unplug(e, role="primary"):
    """The cable of a host is pulled, and where it was needed another host does the work."""
    victim = e.victim(role)
    host = victim.host
    host.unplug()
    until(lambda: not host.plugged(), "the cable to be out")
    e.did(f"cable of {host.name} pulled")
    if role == "owner":
        new = until(lambda: owner_but(e, victim), f"another owner than {victim.name}")
        e.prove(new is not victim, f"{new.name} owns {e.workspace} instead of {victim.name}")
    elif role == "primary":
        new = e.failover(victim)
        e.prove(new is not victim, f"{new.name} is primary instead of {victim.name}")
    yield
    e.prove(not host.plugged(), f"{host.name} had no carrier all the time")
    host.plug()
    e.did("plugged in")


def clock_step(e, role="primary", step=0.0, ppm=0):
    """The wall clock of a process jumps by so many seconds, and back at the end; or all its clocks run faster or slower meanwhile."""
    victims = e.stage.sentinels if role == "sentinels" else [e.victim(role)]
    looks = {}
    for victim in victims:
        victim.step_clock(step, ppm)
        looks[victim] = victim.clock_looks()
        e.did(f"clocks of {victim.name} {step:+} s, {ppm:+} ppm")
    for victim in victims:
        if abs(step) >= 1:
            ahead = victim.wall_clock() - time.time()
            e.prove(abs(ahead - step) < 0.5 * abs(step), f"the clock of {victim.name} is {ahead:+.3f} s ahead of the machine's")
        until(lambda victim=victim: victim.clock_looks() > looks[victim], f"{victim.name} to ask for the time")
        e.prove(True, f"{victim.name} has asked for the time since")
    if role == "sentinels":
        until(lambda: all(victim.info("sentinel")["sentinel_tilt"] == "1" for victim in victims), "the Sentinels to notice")
        e.prove(True, "all Sentinels are in TILT, and decide nothing for 30 s")
    yield
    for victim in victims:
        victim.step_clock(0)
    e.did("back to the machine's time")


def frames(e, how="duplicate", method="offer.accept", count=1, ms=100):
    """Requests of clients come twice, in another order, late, or again from an earlier connection."""
    router = e.victim("owner")
    options = {"method": method, "count": count, **({"ms": ms} if how == "late" else {})}
    if how == "replay":
        rule = None
        until(lambda: router.route.add("replay", method=method, most=count).struck() > 0, f"{method} to have been sent")
        e.prove(True, f"an older {method} was sent again")
    else:
        rule = router.route.add(how, **options)
    e.did(f"{how} {method} on the way to {router.name}")
    yield
    if rule:
        until(lambda: rule.struck() >= count, f"somebody to send {method}")
        e.prove(True, f"{how}: {rule.what()}")
        rule.remove()


def limit(e, role="owner", what="descriptors", spare=0):
    """No more file descriptors, no more memory, or one processor."""
    victim = e.victim(role)
    if what == "processor":
        had = os.sched_getaffinity(victim.pid)
        for task in os.listdir(f"/proc/{victim.pid}/task"):
            os.sched_setaffinity(int(task), {min(had)})
        e.prove(os.sched_getaffinity(victim.pid) == {min(had)}, f"{victim.name} has processor {min(had)} alone")
        yield
        for task in os.listdir(f"/proc/{victim.pid}/task"):
            os.sched_setaffinity(int(task), had)
        return
    kind = resource.RLIMIT_NOFILE if what == "descriptors" else resource.RLIMIT_AS
    had = resource.prlimit(victim.pid, kind)
    if what == "descriptors":
        limit_now = len(os.listdir(f"/proc/{victim.pid}/fd")) + spare
    else:
        pages = int(pathlib.Path(f"/proc/{victim.pid}/statm").read_text(encoding="ascii").split()[0])
        limit_now = pages * resource.getpagesize() + spare
    if what == "memory":
        e.may_end.append(victim)
    resource.prlimit(victim.pid, kind, (limit_now, had[1]))  # the soft limit: the hard one could not be raised again
    e.did(f"{victim.name}: {what} limited to {limit_now}")
    e.prove(resource.prlimit(victim.pid, kind)[0] == limit_now, f"{victim.name} may have {limit_now} {what}")
    yield
    if victim.running():
        resource.prlimit(victim.pid, kind, had)


def replace(e, router, build):
    """Stops it in order, and starts another build of it."""
    e.prove(router.stop() == 0, f"{router.name} ended in order")
    router.use(build)
    router.start()
    e.prove(os.path.samefile(f"/proc/{router.pid}/exe", build), f"{router.name} runs {build.name}")


def facts_of(e, kind):
    """How often the stream names a kind of fact."""
    return e.victim("primary").command("EVAL", FACTS_OF, 1, e.stream, kind, seconds=30)


FACTS_OF = """local found, from = 0, '-'
repeat
    local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1000)
    for _, entry in ipairs(entries) do
        local at = 1
        repeat
            local begins, ends = string.find(entry[2][2], ARGV[1], at, true)
            if begins then found, at = found + 1, ends + 1 end
        until not begins
        from = '(' .. entry[1]
    end
until #entries < 1000
return found"""


def versions(e, meets="kill"):
    """The standby is replaced by the next version of the server, which meets a fault beside the old one, and owns the workspace then
    unless the fault was another's; and back. While both live nothing is written that the old one cannot read."""
    owner, standby = e.victim("owner"), e.victim("standby")
    old = standby.binary
    replace(e, standby, NEXT)
    if meets == "kill":
        e.killed(owner)
    elif meets == "pause":
        owner.pause()
        e.did(f"SIGSTOP {owner.name}")
    else:
        victim = e.victim("primary")
        e.killed(victim)
        e.failover(victim)
        victim.start()
    if meets in ("kill", "pause"):
        e.prove(e.victim("owner") is standby, f"{standby.name}, of the next version, owns {e.workspace} instead of {owner.name}")
        (owner.start if meets == "kill" else owner.resume)()
    had = facts_of(e, "contact_queued")
    yield
    until(lambda: facts_of(e, "contact_queued") > had, "more contacts, of both versions together")
    e.prove(facts_of(e, LATER) == 0, f"no {LATER} stands in {e.stream}, which the old version could not read")
    replace(e, standby, old)


def new_version(e):
    """All routers are replaced by the next version, which then writes what the old one does not know; one of the old version that comes
    back follows no further, and leaves the service to the other."""
    old = e.stage.routers[0].binary
    for router in e.stage.routers:
        replace(e, router, NEXT)
    until(lambda: facts_of(e, LATER) > 0, f"the next version to write {LATER}")
    e.prove(True, f"{LATER} stands in {e.stream}")
    late = e.victim("standby")
    e.prove(late.stop() == 0, f"{late.name} ended in order")
    late.use(old)
    had = len(late.log(1 << 30))
    late.launch()
    until(lambda: "does not know" in late.log(1 << 30)[had:], f"{late.name} to say that it cannot follow")
    e.prove(e.stage.owner(e.workspace) is not late, f"{late.name}, of the old version, follows no further: a kind that it does not know")
    yield
    e.prove(e.stage.owner(e.workspace) is not late, f"{late.name} has not taken {e.workspace}")
    replace(e, late, NEXT)


def same_node(e):
    """A second process is started under the name of a node that lives."""
    owner = e.victim("owner")
    folder = owner.folder / "twin"
    folder.mkdir(exist_ok=True)
    twin = subprocess.run([*(owner.host.enter if owner.host else []), *owner.arguments_at(0)], cwd=folder, timeout=DEADLINE,
                          capture_output=True, text=True, check=False)
    e.did(f"a second {owner.name}: exit {twin.returncode}")
    e.prove(twin.returncode != 0 and owner.running(), f"it was refused: {twin.stderr.strip()[-300:]}")
    yield


"""What happens to routers, Sentinels and the wires between processes: death, pauses, partitions, clocks, limits, other
versions, misuse. See faults.py."""
import os
import pathlib
import resource
import subprocess
import time

from episode import Wires
from processes import DEADLINE, until


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
    others = [e.victim(other)] if other != "everybody" else None
    wires = Wires(e.stage)
    for flap in range(flaps + 1):
        if flap:
            wires.heal()
        for each in others or [process for process in e.stage.processes if process is not one]:
            wires.cut(one, each, way)
    e.did(f"{one.name} cut off from {others[0].name if others else 'everybody'}, {way}, after {flaps} flaps")
    yield
    if e.stage.network:
        hosts = [one.host] if way == "from" else e.stage.network.hosts
        lost = sum(host.lost_packets() for host in hosts)
        e.prove(lost > 0, f"{lost} packets were dropped")
    else:
        held = sum(rule.struck() for rule in wires.rules)
        e.prove(held > 0, f"bytes were held {held} times")
    wires.heal()
    e.did("healed")


def unplug(e, role="primary"):
    """The cable of a host is pulled."""
    host = e.victim(role).host
    host.unplug()
    until(lambda: not host.plugged(), "the cable to be out")
    e.did(f"cable of {host.name} pulled")
    yield
    e.prove(not host.plugged(), f"{host.name} had no carrier all the time")
    host.plug()
    e.did("plugged in")


def clock_step(e, role="primary", step=2.0):
    """The wall clock of a process jumps by so many seconds, and back at the end."""
    victims = e.stage.sentinels if role == "sentinels" else [e.victim(role)]
    for victim in victims:
        victim.step_clock(step)
        e.did(f"wall clock of {victim.name} {step:+} s")
    for victim in victims:
        ahead = victim.wall_clock() - time.time()
        e.prove(abs(ahead - step) < 0.5 * abs(step), f"the clock of {victim.name} is {ahead:+.3f} s ahead of the machine's")
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


def versions(e, binary=None):
    """Routers are replaced one by one by another build, and back again."""
    other = pathlib.Path(binary or os.environ["SWITCHBOARD_OTHER"])
    had = {router.name: router.binary for router in e.stage.routers}

    def replace(router, build):
        e.prove(router.stop() == 0, f"{router.name} ended in order")
        router.use(build)
        router.start()
        e.prove(os.path.samefile(f"/proc/{router.pid}/exe", build), f"{router.name} runs {build.name}")
    for router in e.stage.routers:
        replace(router, other)
    yield
    for router in e.stage.routers:
        replace(router, had[router.name])


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


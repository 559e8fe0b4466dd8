#!/usr/bin/python3
"""A TCP proxy that stands between two processes and spoils what they say to each other, when told so.

    with Proxy(folder) as proxy:
        route = proxy.route("redis-1", ("127.0.0.1", 6379), resp=True)
        connect(route.address)
        rule = route.add("delay", ms=50, jitter_ms=20)
        ...
        rule.remove()        or proxy.heal()

The proxy is a process of its own (this file), steered through a Unix socket with one JSON object a line each way, so a
person can steer it too. Rules are added and removed while connections live; `only` limits one to connections that
certain processes opened (proxy.name tells which pids a name has), so one listener that everybody was told of serves for
cutting off any single one of them. `every` limits it to one of so many connections, by chance which, as where one of several
wires between two places is broken.

Rules that last (each may say way="up" toward the target, "down" from it, or "both", the default):
    delay       ms, jitter_ms    each piece of bytes is late by so much; order is kept
    slow        rate             bytes a second
    hold        nothing passes; what was sent meanwhile arrives when the rule goes, as after a partition that the
                kernels outlive. What was sent by a peer that has ended by then is lost, as if its host had died
    refuse      new connections are reset at once
Acts, once, on connections that are open now:
    cut         how="rst" or "fin": both sides end
    half_open   the target's side ends; the client's side stays open and is never answered again
Rules of counted messages, on routes with resp=True (Redis) or frames=True (MessagePack-RPC), `count` times (`contains`: a string, or
several, each of which some word must have):
    lose_reply  command, contains, nth: its reply is taken from the target and thrown away, then both sides end (how).
                The command did take effect, and what() of the rule says what Redis had answered
    answer      command, contains, nth, reply: the target never sees it; the client gets this reply in its place
    duplicate   method, nth: the frame goes twice, the second time under a number of ours; that answer is swallowed
    reorder     method, nth: the frame changes places with the next one
    late        method, nth, ms: the frame alone is late, those behind it overtake
    replay      an act: frames that clients of this route sent `method` with, however long ago and on whichever
                connection, go again on every open connection; answers are swallowed

An accepted connection whose bytes vanish is what a proxy can do for a black hole: where the SYN itself should
vanish, see namespaces.py.
"""
import asyncio
import collections
import itertools
import json
import os
import pathlib
import random
import resource
import socket
import struct
import sys
import time

from frames import OUR_NUMBERS, frame_number, frame_split, with_number
from resp import Scanner

KEEP_FRAMES = 4096           # of each route, for replay
HIGH, LOW = 1 << 20, 1 << 18  # bytes on their way to one side: reading stops above, goes on below
RAW_AFTER = {b"PSYNC", b"SYNC", b"MONITOR", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"}  # replies are no longer one to one
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
LASTING = {"delay", "slow", "hold", "refuse"}
COUNTED_RESP = {"lose_reply", "answer"}
COUNTED_FRAMES = {"duplicate", "reorder", "late"}


def reset(transport):
    """RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass  # it is gone already
    transport.abort()


def socket_inode(local, remote):
    """Of a TCP connection of this machine, by sock_diag(7); None when there is none. /proc/net/tcp has the same, but has all connections:
    with ten thousand that wait for their end it takes tens of milliseconds to read."""
    ends = struct.pack("!HH", local[1], remote[1]) + b"".join(socket.inet_aton(host).ljust(16, b"\0") for host in (local[0], remote[0]))
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xffffffff) + ends + struct.pack("=III", 0, 0xffffffff, 0xffffffff)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + request)
        answer = kernel.recv(4096)
    if struct.unpack_from("=H", answer, 4)[0] != SOCK_DIAG_BY_FAMILY:
        return None
    return struct.unpack_from("=I", answer, 16 + 4 + 48 + 16)[0]  # behind the header, four bytes, both ends, and four numbers


class Rule:
    def __init__(self, number, kind, options):
        self.number, self.kind, self.options = number, kind, options
        self.way = options.get("way", "both")
        self.only, self.every = options.get("only"), options.get("every", 1)
        self.pairs = []  # that stood when it came
        self.struck, self.what = 0, []
        self.left, self.seen = options.get("count", 1), 0

    def concerns(self, pair):
        return pair.number % self.every == 0 and (self.only is None or pair.who() == self.only)

    def standing(self):
        """How many of these connections whoever opened them has not given up."""
        return sum(not pair.closed and not pair.client.over for pair in self.pairs)

    def matches(self, words):
        """Of a counted rule: whether this command or frame is the one that it waits for."""
        name = self.options.get("command") or self.options.get("method")
        if self.left <= 0 or (name and words[0].upper() != name.upper().encode()):
            return False
        contains = self.options.get("contains", [])
        for part in [contains] if isinstance(contains, str) else contains:
            if not any(part.encode() in word for word in words[1:]):
                return False
        self.seen += 1
        if self.seen < self.options.get("nth", 1):
            return False
        self.left -= 1
        return True

    def strike(self, what=None):
        self.struck += 1
        if what is not None and len(self.what) < 100:
            self.what.append(what)


class Side(asyncio.Protocol):
    """One end of a pair. Bytes that arrive here go into the pair's pipe toward the other end."""

    def __init__(self, pair, up):
        self.pair, self.up = pair, up  # up: what arrives here goes toward the target
        self.transport, self.over = None, False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(HIGH, LOW)
        if not self.up:
            self.pair.connected()
        else:
            self.pair.accepted(self)

    def data_received(self, data):
        self.pair.arrived(self.up, data)

    def eof_received(self):
        self.over = True
        if self.pair.held(self.up):
            self.pair.forget(self.up)
        else:
            self.pair.push(self.up, None)
        return True  # half closed, as the peer wanted it

    def connection_lost(self, error):
        self.over = True
        self.pair.lost(self.up, error)

    def pause_writing(self):
        self.pair.throttle(not self.up, True)

    def resume_writing(self):
        self.pair.throttle(not self.up, False)


class Pair:
    """One connection through the proxy: the client's side, the target's side, and a pipe each way."""

    def __init__(self, route):
        self.route, self.loop, self.number = route, route.proxy.loop, next(route.numbers)
        self.client, self.target = Side(self, True), None
        self.pipes = {True: collections.deque(), False: collections.deque()}  # (due, bytes or None for its end)
        self.timers, self.due, self.queued = {}, {True: 0.0, False: 0.0}, {True: 0, False: 0}
        self.full = {True: set(), False: set()}
        self.closed = self.half_open = False
        self.source = None  # the name of who opened it, once somebody wanted to know
        self.outstanding = collections.deque()  # for each command without a reply: None, ("lose", rule) or ("answer", rule)
        self.scanners = {True: Scanner(), False: Scanner()} if route.resp else None
        self.frames = {True: bytearray(), False: bytearray()} if route.frames else None
        self.swapped = None  # a frame that waits until the next one has gone

    def side(self, up):
        return self.client if up else self.target

    def rules(self, *kinds):
        return [rule for rule in self.route.rules if rule.kind in kinds and rule.concerns(self)]

    def who(self):
        if self.source is None and self.client.transport is not None:
            peer = self.client.transport.get_extra_info("peername")
            self.source = self.route.proxy.owner_of(peer, self.route.address) or ""
        return self.source

    def accepted(self, side):
        self.client = side
        self.route.pairs.add(self)
        for rule in self.rules("refuse"):
            rule.strike()
            self.end("rst")
            return
        self.loop.create_task(self.connect())

    async def connect(self):
        self.target = Side(self, False)
        try:
            await self.loop.create_connection(lambda: self.target, *self.route.target)
        except OSError:
            if not self.closed:
                self.end("rst")  # nobody listens there: the client is told as well as a proxy can

    def connected(self):
        if self.closed:
            self.target.transport.abort()
            return
        self.flow(True)

    # Bytes

    def arrived(self, up, data):
        if self.half_open or self.closed:
            return
        if self.scanners:
            self.resp(up, data)
        elif self.frames:
            self.msgpack(up, data)
        else:
            self.push(up, data)

    def push(self, up, data):
        """Into the pipe, with the moment at which it may leave."""
        rules = self.route.rules
        now = due = self.loop.time()
        if rules and data is not None:
            for rule in self.rules("delay"):
                if rule.way in ("both", "up" if up else "down"):
                    due += (rule.options["ms"] + random.uniform(0, rule.options.get("jitter_ms", 0))) / 1000
                    rule.strike()
            for rule in self.rules("slow"):
                if rule.way in ("both", "up" if up else "down"):
                    due = max(due, self.due[up]) + len(data) / rule.options["rate"]
                    rule.strike()
        pipe = self.pipes[up]
        if not pipe and due <= now and not rules:
            self.write(up, data)
            return
        self.due[up] = due = max(due, self.due[up])  # never before what was sent earlier
        pipe.append((due, data))
        if data is not None:
            self.queued[up] += len(data)
            # What a delay keeps needs room; beyond it the peer must wait, as it would for a long fat wire.
            if self.queued[up] > 64 * HIGH:
                self.full[up].add("pipe")
                self.stop_reading(up)
        self.flow(up)

    def held(self, up):
        return [rule for rule in self.rules("hold") if rule.way in ("both", "up" if up else "down")]

    def flow(self, up):
        """Let go what is due."""
        timer = self.timers.pop(up, None)
        if timer is not None:
            timer.cancel()
        pipe, now = self.pipes[up], self.loop.time()
        other = self.side(not up)
        if self.closed or not pipe or other is None or other.transport is None:
            return
        for rule in self.held(up):
            rule.strike()
            return
        while pipe and pipe[0][0] <= now + 0.0005:
            _, data = pipe.popleft()
            if data is not None:
                self.queued[up] -= len(data)
            self.write(up, data)
            if self.closed:
                return
        if "pipe" in self.full[up] and self.queued[up] <= HIGH:
            self.full[up].discard("pipe")
            self.stop_reading(up)
        if pipe:
            self.timers[up] = self.loop.call_at(pipe[0][0], self.flow, up)

    def write(self, up, data):
        other = self.side(not up)
        if other is None or other.transport is None:  # not connected yet
            self.pipes[up].append((0.0, data))
            self.queued[up] += len(data) if data is not None else 0
        elif data is not None:
            other.transport.write(data)
        elif other.over:
            self.end("fin")  # both have said that they are done
        elif other.transport.can_write_eof():
            try:
                other.transport.write_eof()
            except OSError:
                pass  # it has gone meanwhile, and says so itself

    def throttle(self, up, full):
        (self.full[up].add if full else self.full[up].discard)("socket")
        self.stop_reading(up)

    def stop_reading(self, up):
        """Read from that side exactly when nothing is full in its direction."""
        side = self.side(up)
        if side is not None and side.transport is not None and not side.transport.is_closing():
            if self.full[up]:
                side.transport.pause_reading()
            else:
                side.transport.resume_reading()

    # The end

    def lost(self, up, error):
        """One side is gone altogether. Whoever is still there hears of it, unless a rule keeps it from hearing."""
        if self.closed or (self.half_open and not up):
            return
        if self.held(up):
            self.forget(up)
            return
        self.end("rst" if error is not None else "fin")

    def forget(self, up):
        """A peer that ends while nothing passes has gone down with its host: nobody is left to send that again."""
        self.pipes[up].clear()
        self.pipes[up].append((0.0, "gone"))

    def healed(self):
        """A rule has gone: what waited may move."""
        for up in (True, False):
            if any(data == "gone" for _, data in self.pipes[up]) and not self.held(up):
                self.end("rst")
                return
            self.flow(up)

    def end(self, how):
        if self.closed:
            return
        self.closed = True
        self.route.pairs.discard(self)
        for timer in self.timers.values():
            timer.cancel()
        for side in (self.client, self.target):
            if side is not None and side.transport is not None:
                if how == "rst":
                    reset(side.transport)
                else:
                    side.transport.close()

    def make_half_open(self):
        self.half_open = True
        if self.target is not None and self.target.transport is not None:
            reset(self.target.transport)

    # Redis: which reply belongs to which command

    def resp(self, up, data):
        scanner = self.scanners[up]
        try:
            values = scanner.feed(data)
        except (ValueError, IndexError):
            values, self.scanners = [], None
            self.push(up, scanner.rest())
            return
        out = []
        for i, (value, words) in enumerate(values):
            if up:
                if words and words[0].upper() in RAW_AFTER:
                    rest = [later for later, _ in values[i:]] + [scanner.rest()]
                    out += rest
                    below = self.scanners[False].rest()
                    self.scanners = None
                    if below:
                        self.push(False, below)
                    break
                fate = None
                for rule in self.rules(*COUNTED_RESP):
                    if words and rule.matches(words):
                        fate = (rule.kind, rule)
                        break
                if fate is not None and fate[0] == "answer":
                    fate[1].strike(words[0].decode(errors="replace"))
                    self.outstanding.append(fate)
                    self.answer_next()
                else:
                    self.outstanding.append(fate)
                    out.append(value)
            else:
                fate = self.outstanding.popleft() if self.outstanding else None
                if fate is not None and fate[0] == "lose_reply":
                    if out:
                        self.push(False, b"".join(out))
                    fate[1].strike(value[:200].decode(errors="replace"))
                    # What was answered before must arrive: it is written, and then the end comes behind it.
                    self.flow(False)
                    if fate[1].options.get("how", "rst") == "fin":
                        self.end("fin")
                    else:
                        self.loop.call_soon(self.end, "rst")
                        self.half_open = True  # nothing more passes until then
                    return
                out.append(value)
                if self.outstanding and self.outstanding[0] is not None and self.outstanding[0][0] == "answer":
                    self.push(False, b"".join(out))
                    out = []
                    self.answer_next()
        if out:
            self.push(up, b"".join(out))

    def answer_next(self):
        """Our own answers, as soon as all that was asked before them has been answered."""
        while self.outstanding and self.outstanding[0] is not None and self.outstanding[0][0] == "answer":
            _, rule = self.outstanding.popleft()
            self.push(False, (rule.options["reply"] + "\r\n").encode())

    # MessagePack-RPC: whole frames

    def msgpack(self, up, data):
        buffer = self.frames[up]
        buffer += data
        try:
            frames = frame_split(buffer)
        except ValueError:
            self.frames = None
            self.push(up, bytes(buffer))
            return
        out = []
        for frame in frames:
            kind, number, method = frame_number(frame)
            if not up:
                if kind == 1 and number >= OUR_NUMBERS:
                    continue  # the answer to a frame that the client never sent
                out.append(frame)
                continue
            if method not in (b"", b"hello"):
                self.route.history.append(frame)
            fate = None
            for rule in self.rules(*COUNTED_FRAMES):
                if method and rule.matches([method]):
                    fate = rule
                    rule.strike(method.decode(errors="replace"))
                    break
            if fate is not None and fate.kind == "reorder":
                self.swapped = frame
                continue
            if fate is not None and fate.kind == "late":
                self.loop.call_later(fate.options["ms"] / 1000, self.send_late, frame)
                continue
            out.append(frame)
            if fate is not None:
                out.append(with_number(frame, self.route.proxy.next_number()))
            if self.swapped is not None:
                out.append(self.swapped)
                self.swapped = None
        if out:
            self.push(up, b"".join(out))

    def send_late(self, frame):
        if not self.closed:
            self.push(True, frame)

    def replay(self, method, most):
        frames = [frame for frame in self.route.history if not method or frame_number(frame)[2] == method.encode()]
        for frame in frames[-most:]:
            self.push(True, with_number(frame, self.route.proxy.next_number()))
        return len(frames[-most:])


class Route:
    def __init__(self, proxy, target, resp, frames):
        self.proxy, self.target, self.resp, self.frames = proxy, target, resp, frames
        self.pairs, self.rules, self.address, self.numbers = set(), [], None, itertools.count()
        self.history = collections.deque(maxlen=KEEP_FRAMES)


class Server:
    """The process: routes, rules, and the control socket."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.routes, self.rules, self.names = {}, {}, {}
        self.numbers = 0

    def next_number(self):
        self.numbers += 1
        return OUR_NUMBERS + self.numbers % 0x0fffffff

    def owner_of(self, peer, address):
        """The name of the process at the other end of an accepted connection."""
        inode = f"socket:[{socket_inode(peer, address)}]"
        for name, pids in self.names.items():
            for pid in pids:
                if inode in self.descriptors(pid):
                    return name
        return None

    @staticmethod
    def descriptors(pid):
        """What they refer to; one that is closed while we look, and a process that has gone, have nothing."""
        try:
            for entry in os.scandir(f"/proc/{pid}/fd"):
                try:
                    yield os.readlink(entry.path)
                except OSError:
                    pass
        except OSError:
            pass

    async def do(self, order):
        op = order.pop("op")
        return await getattr(self, "do_" + op)(**order)

    async def do_route(self, name, target, resp=False, frames=False, listen=("127.0.0.1", 0)):
        route = self.routes[name] = Route(self, tuple(target), resp, frames)
        server = await self.loop.create_server(lambda: Pair(route).client, listen[0], listen[1], backlog=4096)
        route.address = server.sockets[0].getsockname()
        route.server = server
        return {"address": route.address}

    async def do_target(self, route, target):
        """Connections from now on go there."""
        self.routes[route].target = tuple(target)
        return {}

    async def do_name(self, name, pids):
        self.names[name] = pids
        self.look_again(*self.routes.values())
        return {}

    @staticmethod
    def look_again(*routes):
        """Who was nobody may be somebody by now."""
        for route in routes:
            for pair in route.pairs:
                pair.source = pair.source or None

    async def do_add(self, route, kind, number, **options):
        if "only" in options:
            self.look_again(self.routes[route])
        rule = self.rules[number] = Rule(number, kind, options)
        targets = self.routes[route]
        pairs = rule.pairs = [pair for pair in targets.pairs if rule.concerns(pair)]
        if kind in LASTING | COUNTED_RESP | COUNTED_FRAMES:
            targets.rules.append(rule)
            return {}
        for pair in pairs:
            if kind == "cut":
                pair.end(options.get("how", "rst"))
                rule.strike()
            elif kind == "half_open":
                pair.make_half_open()
                rule.strike()
            elif kind == "replay":
                rule.struck += pair.replay(options.get("method"), options.get("most", 16))
            else:
                raise ValueError(f"no such rule: {kind}")
        return {}

    async def do_look(self, number):
        rule = self.rules[number]
        return {"struck": rule.struck, "what": rule.what, "standing": rule.standing()}

    async def do_remove(self, number=None):
        for route in self.routes.values():
            gone = [rule for rule in route.rules if number is None or rule.number == number]
            route.rules = [rule for rule in route.rules if rule not in gone]
            if gone:
                for pair in list(route.pairs):
                    pair.healed()
        return {}

    async def do_status(self):
        return {name: {"address": route.address, "target": route.target, "connections": len(route.pairs),
                       "rules": [(rule.number, rule.kind, rule.options) for rule in route.rules]}
                for name, route in self.routes.items()}

    async def control(self, reader, writer):
        while line := await reader.readline():
            try:
                answer = await self.do(json.loads(line))
            except Exception as error:  # pylint: disable=broad-except  # whoever steers is told, and the proxy lives on
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()


async def serve(path):
    server = Server()
    control = await asyncio.start_unix_server(server.control, path)
    async with control:
        await control.serve_forever()


class Steered:
    """A rule as the test holds it."""

    def __init__(self, proxy, number):
        self.proxy, self.number = proxy, number

    def remove(self):
        self.proxy.order("remove", number=self.number)

    def struck(self):
        return self.proxy.order("look", number=self.number)["struck"]

    def what(self):
        return self.proxy.order("look", number=self.number)["what"]

    def standing(self):
        """How many connections that it found have not been given up since by whoever opened them."""
        return self.proxy.order("look", number=self.number)["standing"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


class SteeredRoute:
    def __init__(self, proxy, name, address):
        self.proxy, self.name, self.address = proxy, name, tuple(address)

    def add(self, kind, **options):
        number = next(self.proxy.numbers)
        self.proxy.order("add", route=self.name, kind=kind, number=number, **options)
        return Steered(self.proxy, number)

    def retarget(self, target):
        self.proxy.order("target", route=self.name, target=target)


class Proxy:
    """The hand of a test on a proxy process."""

    def __init__(self, folder):
        import threading  # pylint: disable=import-outside-toplevel  # the process itself needs none of these
        from processes import Process, until  # pylint: disable=import-outside-toplevel
        self.numbers, self.routes, self.lock = itertools.count(1), {}, threading.Lock()
        self.path = str(pathlib.Path(folder) / "control")
        self.process = Process("proxy", [sys.executable, "-B", __file__, self.path], folder)
        self.process.started = lambda: os.path.exists(self.path)
        self.process.start()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        until(self._connect, "the proxy to listen for orders")
        self.file = self.socket.makefile("rwb")

    def _connect(self):
        try:
            self.socket.connect(self.path)
            return True
        except ConnectionRefusedError:
            return False

    def order(self, op, **options):
        with self.lock:
            self.file.write(json.dumps(dict(options, op=op)).encode() + b"\n")
            self.file.flush()
            answer = json.loads(self.file.readline() or b'{"error": "the proxy has gone"}')
        if "error" in answer:
            raise RuntimeError(f"the proxy refused {op}: {answer['error']}")
        return answer

    def route(self, name, target, **options):
        address = self.order("route", name=name, target=target, **options)["address"]
        self.routes[name] = SteeredRoute(self, name, address)
        return self.routes[name]

    def name(self, name, *pids):
        """Connections that these processes open are known by this name, for `only`."""
        self.order("name", name=name, pids=pids)

    def connections(self, name):
        return self.order("status")[name]["connections"]

    def heal(self):
        self.order("remove")

    def close(self):
        self.file.close()
        self.socket.close()
        self.process.end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(sys.argv[1]))

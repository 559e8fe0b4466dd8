"""The stage of the fault rig: real Redis, Sentinels, a Cluster and routers, each reachable through the fault proxy.

    class Failover(StageTest):
        def test_it(self):
            stage = self.stage()             temporary folder, proxy, and an end to everything whatever happens
            stage.sentinel()                 a primary, 2 replicas, 3 Sentinels; or single(), or cluster()
            stage.start_routers(2)
            stage.primary().kill()
            stage.cut(stage.routers[0], stage.primary())

Every Redis announces the address of a route of the proxy, so whatever one process learns of it leads through the
proxy. With self.stage(network=True) everybody has a host of its own instead (namespaces.py), and no proxy.
Ready means ready: each start waits for what a router would see.
"""
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import unittest

import msgpack

from namespaces import Network
from processes import BIN, DEADLINE, MINIMAL, Folder, Port, Process, until
from proxy import Proxy
from resp import Connection, Lost, RedisError

MASTER = "main"  # what the Sentinels call the primary
SLOTS = 16384

# What we recommend for production, line by line; `Stage.redis_options` changes single ones.
PROFILE = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "min-replicas-to-write": 1,
    "min-replicas-max-lag": 1,
    "repl-diskless-sync-delay": 0,
    "maxmemory-policy": "noeviction",
}
# What tests need besides: nothing that a router could notice.
FOR_TESTS = {
    "save": "",
    "protected-mode": "no",
    "enable-debug-command": "yes",
    "shutdown-timeout": 0,
    "repl-ping-replica-period": 1,
}
# The router's user, and all that it may do (router/ownership/README.md).
ROUTER_USER, ROUTER_PASSWORD = "router", "stage"
ROUTER_COMMANDS = ["ping", "client|setname", "role", "info", "evalsha", "script|load", "eval", "multi", "exec", "wait", "xadd", "xrange",
                   "xrevrange", "xsetid", "xread", "xtrim", "hget", "hset", "hmget", "hgetall", "hdel", "del", "expire", "cluster|slots", "asking", "readonly"]


class Redis(Process):
    """One redis-server. `address` is its own, `announced` the one that others are told."""

    def __init__(self, stage, name, options):
        self.stage = stage
        host = stage.network.host(name) if stage.network else None
        self.port = Port() if host is None else None
        self.bus = Port() if host is None else None
        self.address = (host.address, 6379) if host else ("127.0.0.1", self.port.number)
        self.bus_port = 16379 if host else self.bus.number
        folder = stage.folder.path / name
        self.data = folder / "data"  # where Redis writes
        self.data.mkdir(parents=True)
        self.route = self.bus_route = None
        self.announced = self.address
        if stage.proxy:
            self.route = stage.proxy.route(name, self.address, resp=True)
            self.announced = self.route.address
        lines = {**PROFILE, **FOR_TESTS, "port": self.address[1], "bind": f"{self.address[0]} 127.0.0.1"
                 if host else self.address[0], "dir": self.data, "aclfile": folder / "users.acl",
                 "replica-announce-ip": self.announced[0], "replica-announce-port": self.announced[1],
                 **stage.tls_options(self), **options}
        if lines.get("cluster-enabled") == "yes":
            bus = (self.address[0], self.bus_port)
            if stage.proxy:
                self.bus_route = stage.proxy.route(name + ":bus", bus)
                bus = self.bus_route.address
            self.announced_bus = bus[1]
            lines |= {"cluster-port": self.bus_port, "cluster-announce-ip": self.announced[0],
                      "cluster-announce-port": self.announced[1], "cluster-announce-bus-port": bus[1]}
        (folder / "users.acl").write_text(
            "user default on nopass ~* &* +@all\n"
            f"user {ROUTER_USER} on >{ROUTER_PASSWORD} ~switchboard:* &switchboard:* -@all "
            + " ".join("+" + command for command in ROUTER_COMMANDS) + "\n")
        self.config_path = folder / "redis.conf"
        self.config_path.write_text("".join(f'{key} {value if value != "" else chr(34) * 2}\n'
                                            for key, value in lines.items()))
        command = ["redis-server", self.config_path]
        if stage.disk:  # a file system of its own, which nobody else sees and the kernel removes with it
            command = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"',
                       stage.disk, self.data, *command]
        super().__init__(name, command, folder, host, clock=stage.clock)
        stage.add(self)

    def connect(self, seconds=5.0, through=False, **options):
        """A connection of the test; `through` the proxy like everybody else, or straight to it."""
        if self.host:
            options["open_socket"] = self.host.connect
        return Connection(self.announced if through else self.address, seconds, **options)

    def command(self, *words, seconds=5.0):
        with self.connect(seconds) as connection:
            return connection(*words)

    def read(self, *words, seconds=5.0):
        """A command that changes nothing, asked again when a Sentinel ends all connections, as it does at a switch."""
        try:
            return self.command(*words, seconds=seconds)
        except Lost:
            return self.command(*words, seconds=seconds)

    def role(self):
        return self.read("ROLE")

    def info(self, section="everything"):
        return dict(line.split(":", 1) for line in self.read("INFO", section).splitlines() if ":" in line)

    def config(self, key, value):
        self.command("CONFIG", "SET", key, value)

    def wall_clock(self):
        """Seconds, by its own look at the clock."""
        return int(self.info("server")["server_time_usec"]) / 1e6

    def is_primary(self):
        return self.running() and not self.paused and self.role()[0] == "master"

    def linked(self):
        role = self.role()
        return role[0] == "slave" and role[3] == "connected"

    def replicas_linked(self):
        return int(self.info("replication")["connected_slaves"])

    def entries(self, key, count=1 << 30):
        """The ids of the last entries of a stream, latest first."""
        return [entry[0] for entry in self.read("XREVRANGE", key, "+", "-", "COUNT", count, seconds=30)]

    def started(self):
        try:
            return self.command("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def end(self):
        super().end()
        for port in (self.port, self.bus):
            if port:
                port.close()


class Sentinel(Process):
    def __init__(self, stage, name, primary, quorum, host=None):
        self.port = Port() if host is None else None
        self.address = (host.address, 26379) if host else ("127.0.0.1", self.port.number)
        folder = stage.folder.path / name
        folder.mkdir()
        self.route, self.announced = None, self.address
        if stage.proxy:
            self.route = stage.proxy.route(name, self.address, resp=True)
            self.announced = self.route.address
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.address[1]}\ndir {folder}\nprotected-mode no\nsentinel resolve-hostnames no\n"
            f"sentinel announce-ip {self.announced[0]}\nsentinel announce-port {self.announced[1]}\n"
            f"sentinel monitor {MASTER} {primary.announced[0]} {primary.announced[1]} {quorum}\n"
            f"sentinel down-after-milliseconds {MASTER} {stage.down_after}\n"
            f"sentinel failover-timeout {MASTER} {stage.failover_timeout}\n"
            f"sentinel parallel-syncs {MASTER} 2\n")
        super().__init__(name, ["redis-server", config, "--sentinel"], folder, host, clock=stage.clock)
        stage.add(self)

    command, connect, read, started, info, wall_clock = (Redis.command, Redis.connect, Redis.read, Redis.started,
                                                         Redis.info, Redis.wall_clock)

    def master(self):
        words = self.command("SENTINEL", "MASTER", MASTER)
        return dict(zip(words[::2], words[1::2]))

    def primary_address(self):
        host, port = self.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return host, int(port)

    def sees_all(self, replicas, sentinels):
        master = self.master()
        if (int(master["num-slaves"]), int(master["num-other-sentinels"]), master["flags"]) != \
                (replicas, sentinels - 1, "master"):
            return False
        others = self.command("SENTINEL", "REPLICAS", MASTER) + self.command("SENTINEL", "SENTINELS", MASTER)
        if any(dict(zip(words[::2], words[1::2]))["flags"] not in ("slave", "sentinel") for words in others):
            return False
        return self.command("SENTINEL", "CKQUORUM", MASTER).startswith("OK")

    def end(self):
        super().end()
        if self.port:
            self.port.close()


class Router(Process):
    """One switchboard-server. All that the rig knows of the router's command line and words is here."""

    _help = {}

    def __init__(self, stage, name, journal, config=MINIMAL, binary=BIN / "switchboard-server", options=(), env=None,
                 workspace="default"):
        """`workspace`: one of those in the configuration."""
        host = stage.network.host(name) if stage.network else None
        self.port = Port() if host is None else None
        self.address = (host.address, 7700) if host else ("127.0.0.1", self.port.number)
        # Routers try each other's addresses to see who is dead, and a proxy would answer for the dead; so they announce their own, and
        # only the rig's clients come through the proxy.
        self.route, self.announced = None, self.address
        if stage.proxy:
            self.route = stage.proxy.route(name, self.address, frames=True)
        self.journal, self.config, self.options, self.binary, self.workspace = journal, config, list(options), binary, workspace
        super().__init__(name, [], stage.folder.path / name, host, env=env, clock=stage.clock)
        self.use(binary)
        stage.add(self)

    def use(self, binary):
        """Which build runs from the next start on."""
        if binary not in self._help:
            self._help[binary] = subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=60,
                                                check=True).stdout
        self.binary = binary
        self.arguments = self.arguments_at(self.address[1])

    def arguments_at(self, port):
        """How it is started; 0 for a port that nobody else has."""
        words = [self.binary, "--config", self.config, "--journal", self.journal, "--node", self.name,
                 "--listen", "tcp://%s:%d" % (self.address[0], port), *(["--insecure"] if self.host else []), *self.options]
        if "--advertise" in self._help[self.binary]:
            words += ["--advertise", "%s:%d" % self.announced]
        return [str(word) for word in words]

    def hello(self, workspace):
        """What hello is answered with: None, or the code of the error."""
        open_socket = self.host.connect if self.host else socket.create_connection
        with open_socket(self.address, timeout=5) as client:
            client.sendall(msgpack.packb([0, 1, "hello", [{"protocol": 1, "role": "supervisor", "workspace": workspace}]]))
            unpacker = msgpack.Unpacker()
            while data := client.recv(1 << 16):
                unpacker.feed(data)
                for message in unpacker:
                    if message[0] == 1:
                        return message[2] and message[2]["code"]
        return "closed"

    def wall_clock(self):
        """Seconds, by what it logs; what it answers is engine time, which no step of the wall clock may move."""
        had = len(self.log_path.read_bytes())
        self.process.send_signal(signal.SIGHUP)

        def logged():
            line = self.log_path.read_bytes()[had:].partition(b"\n")
            return line[0] if line[1] else None
        return json.loads(until(logged, f"{self.name} to log something"))["at"] / 1000

    def started(self):
        """It serves, or knows who does."""
        try:
            return self.hello(self.workspace) in (None, "not_owner")
        except OSError:
            return False

    def end(self):
        super().end()
        if self.port:
            self.port.close()


class Tls:
    """An authority for one test, and a certificate for 127.0.0.1 and localhost that it signed."""

    def __init__(self, folder):
        self.authority, self.certificate, self.key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
        for command in (["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=stage", "-days", "2"],
                        ["req", *new_key, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=localhost"],
                        ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                         "-out", "cert.pem", "-days", "2", "-extfile", "names"]):
            subprocess.run(["openssl", *command], cwd=folder, capture_output=True, timeout=30, check=True)


class Stage:
    def __init__(self, network=False, proxied=True, clock=False, tls=False, down_after=500, failover_timeout=5000,
                 redis_options=None, disk=None):
        """`clock`: the wall clocks of all processes can be stepped. Times in milliseconds. `disk`: bytes that each
        Redis has for its files, which are gone when it ends."""
        self.folder = Folder("stage")
        self.processes, self.redis, self.sentinels, self.routers = [], [], [], []
        self.network = self.proxy = None
        self.clock, self.disk = clock, disk
        self.down_after, self.failover_timeout = down_after, failover_timeout
        self.redis_options = redis_options or {}
        self.kind = None  # "single", "sentinel" or "cluster"
        try:
            self.network = Network() if network else None
            if proxied and not network:
                self.proxy = Proxy(self.folder.path / "proxy")
            self.tls = Tls(self.folder.path) if tls else None
        except BaseException:
            self.end()
            raise

    def add(self, process):
        """Ended with the stage, whether it ever started or not."""
        self.processes.append(process)
        if self.proxy:
            process.on_start.append(lambda started: self.proxy.name(started.name, started.pid))

    def tls_options(self, redis):
        if not self.tls:
            return {}
        redis.tls_port = Port()
        return {"tls-port": redis.tls_port.number, "tls-cert-file": self.tls.certificate, "tls-key-file": self.tls.key,
                "tls-ca-cert-file": self.tls.authority, "tls-auth-clients": "optional"}

    # Redis

    def single(self, **options):
        """One Redis alone; it has no replicas to wait for."""
        self.kind = "single"
        redis = Redis(self, "redis-1", {"min-replicas-to-write": 0, **self.redis_options, **options})
        self.redis.append(redis)
        redis.start()
        return redis

    def replicated(self, replicas=2, **options):
        """A primary (given back) and its replicas, in step."""
        for number in range(1, replicas + 2):
            # Without this a replica that was promoted would wait five seconds for its own replicas' first data.
            lines = {**self.redis_options, **options}
            if number > 1:
                lines["replicaof"] = "%s %d" % self.redis[0].announced
            redis = Redis(self, f"redis-{number}", lines)
            self.redis.append(redis)
            redis.launch()
        for redis in self.redis:
            redis.wait_ready()
        primary = self.redis[0]
        until(lambda: all(redis.linked() for redis in self.redis[1:]) and primary.replicas_linked() == replicas,
              "the replicas to be in step")
        until(lambda: self.writable(primary), "the primary to take writes")
        return primary

    @staticmethod
    def writable(redis):
        """Replicas count towards min-replicas-to-write only once they have reported how far they are."""
        try:
            redis.read("SET", "switchboard:stage:ready", "1")  # twice is as good as once
            return True
        except RedisError as error:
            if error.code in ("NOREPLICAS", "LOADING", "READONLY", "CLUSTERDOWN"):
                return False
            raise

    def sentinel(self, replicas=2, sentinels=3, **options):
        """A primary (given back), replicas, and Sentinels that know each other and all of them."""
        self.kind = "sentinel"
        primary = self.replicated(replicas, **options)
        for number in range(sentinels):
            host = self.redis[number % len(self.redis)].host
            sentinel = Sentinel(self, f"sentinel-{number + 1}", primary, sentinels // 2 + 1, host)
            self.sentinels.append(sentinel)
            sentinel.launch()
        for sentinel in self.sentinels:
            sentinel.wait_ready()
        self.wait_sentinels()
        return primary

    def wait_sentinels(self):
        """Each sees all replicas and all Sentinels in good order, and a failover would be possible now."""
        until(self.agreed, "the Sentinels to know everybody")

    def agreed(self):
        try:
            return all(sentinel.sees_all(len(self.redis) - 1, len(self.sentinels)) for sentinel in self.sentinels)
        except RedisError:
            return False  # CKQUORUM says NOQUORUM, or NOGOODSLAVE

    def at(self, address):
        """Who has announced this address."""
        return next(process for process in self.processes if getattr(process, "announced", None) == tuple(address))

    def primary(self):
        """The Redis that the Sentinels name, or that has no other above it."""
        if self.kind == "sentinel":
            names = [sentinel.primary_address() for sentinel in self.sentinels if sentinel.running() and not sentinel.paused]
            return self.at(max(set(names), key=names.count))
        return next(redis for redis in self.redis if redis.running() and redis.is_primary())

    def wait_failover(self, old, seconds=DEADLINE):
        """Until most Sentinels name another primary, which says so itself; it is given back."""
        def agreed():
            names = [sentinel.primary_address() for sentinel in self.sentinels
                     if sentinel.running() and not sentinel.paused]
            named = max(set(names), key=names.count)
            if named == old.announced or names.count(named) <= len(self.sentinels) // 2:
                return None  # one Sentinel may be cut off together with the old one
            new = self.at(named)
            return new if new.is_primary() else None
        return until(agreed, f"another primary than {old.name}", seconds)

    def wait_whole(self, by_hand=False):
        """After all is healed: one primary, everybody else follows it. Sentinels let a former primary believe that it leads
        for some ten seconds; `by_hand` tells it at once, where that belief is not what the test is about."""
        if self.kind == "cluster":
            until(self.cluster_whole, "the cluster to be whole")
            return self.redis[0]
        if self.kind == "single":
            return until(lambda: self.redis[0] if self.writable(self.redis[0]) else None, "Redis to take writes")

        def whole():
            """All of it at one look: on a busy machine the Sentinels may switch once more meanwhile."""
            primary = self.primary()
            if not primary.is_primary():
                return None
            strays = [redis for redis in self.redis if redis is not primary
                      and redis.role()[:4] != ["slave", *primary.announced, "connected"]]
            for redis in strays if by_hand else []:
                if redis.role()[:3] != ["slave", *primary.announced]:
                    redis.read("REPLICAOF", *primary.announced)
            ready = not strays and (not self.sentinels or self.agreed()) and self.writable(primary)
            return primary if ready else None
        return until(whole, "one primary, which everybody follows", 2 * DEADLINE)

    def cluster(self, primaries=3, replicas=0, **options):
        """A Cluster whose slots are spread evenly; `replicas` for each primary."""
        self.kind = "cluster"
        lines = {"cluster-enabled": "yes", "cluster-node-timeout": 1000, "min-replicas-to-write": 1 if replicas else 0,
                 "cluster-require-full-coverage": "no", **self.redis_options, **options}
        for number in range(1, primaries * (1 + replicas) + 1):
            redis = Redis(self, f"redis-{number}", lines)
            self.redis.append(redis)
            redis.launch()
        for redis in self.redis:
            redis.wait_ready()
        for number, redis in enumerate(self.redis):
            redis.id = redis.command("CLUSTER", "MYID")
            redis.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < primaries:
                redis.command("CLUSTER", "ADDSLOTSRANGE", SLOTS * number // primaries,
                              SLOTS * (number + 1) // primaries - 1)
            if number:
                redis.command("CLUSTER", "MEET", *self.redis[0].announced, self.redis[0].announced_bus)
        until(lambda: all(self.known(redis) == len(self.redis) for redis in self.redis), "the nodes to have met")
        for number, redis in enumerate(self.redis[primaries:]):
            until(lambda redis=redis, number=number: self._replicate(redis, self.redis[number % primaries]),
                  "a replica to follow")
        until(self.cluster_whole, "the cluster to be whole")

    @staticmethod
    def _replicate(redis, primary):
        try:
            redis.command("CLUSTER", "REPLICATE", primary.id)
            return True
        except RedisError:
            return False  # not known there yet

    @staticmethod
    def known(redis):
        return int(dict(line.split(":") for line in redis.command("CLUSTER", "INFO").splitlines())["cluster_known_nodes"])

    def cluster_whole(self):
        """Every node says so, all slots are served, no node is suspected, and all agree on who has what."""
        views = set()
        for redis in self.redis:
            info = dict(line.split(":") for line in redis.command("CLUSTER", "INFO").splitlines())
            if (info["cluster_state"], info["cluster_slots_ok"], info["cluster_known_nodes"]) != \
                    ("ok", str(SLOTS), str(len(self.redis))):
                return False
            nodes = [line.split() for line in redis.command("CLUSTER", "NODES").splitlines()]
            if any("fail" in words[2] or words[7] != "connected" for words in nodes):
                return False
            if redis.role()[0] == "slave" and not redis.linked():
                return False
            views.add(tuple(sorted((words[0], *words[8:]) for words in nodes if "master" in words[2])))
        return len(views) == 1

    def slot_owner(self, slot):
        """By the word of any node that lives."""
        for redis in self.redis:
            if redis.running() and not redis.paused:
                for first, last, node, *_ in redis.command("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return self.at((node[0], int(node[1])))
        raise AssertionError(f"nobody has slot {slot}")

    @staticmethod
    def slot_migrate(slot, source, target):
        """Open the move of a slot: from now ASK for keys that are gone. A generator: next() moves one key, its end all."""
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        while keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 1):
            source.command("MIGRATE", *target.announced, "", 0, 5000, "KEYS", *keys)
            yield keys[0]
        for redis in (target, source):
            redis.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def journal(self):
        """The address of the store, as a router is told it."""
        login = f"{ROUTER_USER}:{ROUTER_PASSWORD}@"
        if self.kind == "sentinel":
            return "redis-sentinel://" + login + ",".join("%s:%d" % s.announced for s in self.sentinels) + "/" + MASTER
        if self.kind == "cluster":
            return "redis-cluster://" + login + ",".join("%s:%d" % redis.announced for redis in self.redis[:3])
        return "redis://" + login + "%s:%d" % self.redis[0].announced

    # Routers

    def start_routers(self, count, journal=None, **options):
        """Start so many more; each with a journal file of its own when journal is "file"."""
        for number in range(len(self.routers) + 1, len(self.routers) + count + 1):
            name = f"router-{number}"
            where = f"file:{self.folder.path / name / 'journal'}" if journal == "file" else journal or self.journal()
            router = Router(self, name, where, **options)
            self.routers.append(router)
            router.start()
        return self.routers

    def owner_now(self, workspace="default"):
        """The router that serves the workspace; None when nobody does."""
        for router in self.routers:
            try:
                if router.running() and not router.paused and router.hello(workspace) is None:
                    return router
            except OSError:
                pass  # it is not there yet, or no more
        return None

    def owner(self, workspace="default"):
        return until(lambda: self.owner_now(workspace), f"somebody to own {workspace}")

    # Between them

    def cut(self, one, other, way="both"):
        """No bytes between two processes. way: "both", or "from" (`one` hears nothing of `other`). Undone by heal()."""
        if self.network:
            if way == "both":
                self.network.cut(one.host, other.host)
            else:
                self.network.deafen(one.host, other.host)
            return []
        # A route carries the connections that somebody opened to its owner; down is toward whoever opened.
        rules = [route.add("hold", only=one.name, way="both" if way == "both" else "down") for route in routes_of(other)]
        rules += [route.add("hold", only=other.name, way="both" if way == "both" else "up") for route in routes_of(one)]
        return rules

    def isolate(self, one, others=None):
        """`one` is cut off from `others`, or from everybody."""
        return list(itertools.chain.from_iterable(
            self.cut(one, other) for other in others or self.processes
            if other is not one and (self.proxy or other.host is not one.host)))

    def heal(self):
        if self.proxy:
            self.proxy.heal()
        if self.network:
            self.network.heal()

    def restore(self):
        """Everything as at the beginning, also what a fault that was cut short has left."""
        self.heal()
        for process in self.processes:
            if process.paused:
                process.resume()
            if not process.running():
                process.start()
            if self.clock:
                process.step_clock(0)
        for redis in self.redis:
            for key, value in {"maxmemory": 0, "maxmemory-policy": "noeviction", "busy-reply-threshold": 5000,
                               "rdb-key-save-delay": 0}.items():
                redis.config(key, value)
            redis.command("ACL", "SETUSER", ROUTER_USER, "resetpass", ">" + ROUTER_PASSWORD)
        self.wait_whole(by_hand=True)

    # The end

    def end(self, failed=False, keep=False):
        for process in reversed(self.processes):
            process.end()
        if failed:
            everything = [*([self.proxy.process] if self.proxy else []), *self.processes]
            for process in everything:
                sys.stderr.write(f"--- the log of {process.name}\n{process.log(6000)}\n")
        if self.proxy:
            self.proxy.close()
        if self.network:
            self.network.close()
        self.folder.close(keep)


def routes_of(process):
    return [route for route in (process.route, getattr(process, "bus_route", None)) if route]


class StageTest(unittest.TestCase):
    """A test that makes stages; they end with it, and say what they logged when it has failed."""

    def stage(self, **options):
        stage = Stage(**options)
        self.addCleanup(lambda: stage.end(failed=self.failed(), keep=self.failed() and "KEEP" in os.environ))
        return stage

    def failed(self):
        """Asked in a cleanup: whether this test, or a part of it, has failed."""
        result = self._outcome.result
        return any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors)


main = unittest.main

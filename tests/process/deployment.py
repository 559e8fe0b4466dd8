#!/usr/bin/python3
"""What deploy/ says of shared journals is true: the trial deployments, the rights of a router, the example consumer."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from center import BIN, DEADLINE, ROOT, Client, main, until
from shared import Connection, Node, SharedTest

CLUSTER = ROOT / "deploy" / "cluster"
README = ROOT / "router" / "ownership" / "README.md"
ROUTER = "switchboard"
# Of a Cluster; of replicas; and of repairs, which tests/unit/test_ownership_rights.c has.
NOT_IN_A_SIMPLE_LIFE = {"cluster|slots", "asking", "readonly", "wait", "xsetid", "xrevrange"}


def free_block(count=240):
    """So many ports in a row: deploy/cluster counts from one."""
    for base in random.sample(range(20000, 31000, count), 11000 // count):
        sockets = []
        try:
            for port in range(base + 1, base + count):
                sockets.append(socket.socket())
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for taken in sockets:
                taken.close()
    raise AssertionError("no free ports")


class Found(Node):
    """A router that deploy/cluster has started."""

    def __init__(self, name, port):
        self.name, self.port, self.clients = name, port, []
        self.tcp = f"tcp://127.0.0.1:{port}"


class Trial(SharedTest):
    def run_cluster(self, *arguments):
        done = subprocess.run([str(CLUSTER), *arguments, "--folder", self.folder], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE * 4, check=False,
                              env=dict(os.environ, SWITCHBOARD_BIN=str(BIN)))
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def trial(self, kind, routers):
        """Started, survives a router and a primary, stopped, started again with what it had. In the Cluster a primary
        has one replica, and what that one takes over can be written when the killed one is back."""
        self.folder = tempfile.mkdtemp(prefix="switchboard-deploy-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        base = free_block()
        self.addCleanup(self.run_cluster, kind, "--stop")
        said = self.run_cluster(kind, "--port", str(base))
        self.assertIn("router-1", said)
        nodes = [Found(f"router-{i}", base + 20 + i) for i in range(1, routers + 1)]
        self.addCleanup(lambda: [client.close() for node in nodes for client in node.clients])
        owner, *others = self.owner_of("default", *nodes)
        owner.client("connector", name="shop").call("contact.submit", id="k1", channel="chat")

        self.kill(owner.name)
        until(lambda: any(node.owns() for node in others), "another router to own it")
        owner = next(node for node in others if node.owns())
        shop = owner.client("connector", name="shop")
        self.assertTrue(shop.call("contact.submit", id="k1", channel="chat")["duplicate"])

        epoch = owner.workspaces()["default"]["epoch"]
        self.kill(self.primary_of_default(base, 3 if kind == "sentinel" else 6))
        if kind == "cluster":
            until(lambda: self.primary_of_default(base, 6), "the replica to be the primary")
            self.run_cluster(kind, "--port", str(base))
        until(lambda: any(node.workspaces()["default"]["epoch"] > epoch and node.owns() for node in others),
              "it to go on with another primary")
        owner = next(node for node in others if node.owns())
        owner.client("connector", name="shop").call("contact.submit", id="k2", channel="chat")

        self.run_cluster(kind, "--stop")
        self.run_cluster(kind, "--port", str(base))
        owner, *_ = self.owner_of("default", *nodes)
        desk = owner.client("supervisor")
        self.assertEqual({row["contact"] for row in desk.call("contact.list")["contacts"]}, {"k1", "k2"})

    def kill(self, name):
        os.kill(int((pathlib.Path(self.folder) / name / "pid").read_text(encoding="ascii")), signal.SIGKILL)

    def primary_of_default(self, base, count):
        """The Redis that has the journal and is a primary."""
        password = (pathlib.Path(self.folder) / "ADMIN").read_text(encoding="ascii")
        for number in range(1, count + 1):
            try:
                with Connection(("127.0.0.1", base + number), user="admin", password=password) as redis:
                    if redis("ROLE")[0] == "master" and "switchboard:{default}:journal" in redis("KEYS", "*"):
                        return f"redis-{number}"
            except OSError:
                pass  # it was killed
        return None

    def test_sentinel(self):
        self.trial("sentinel", 3)

    def test_cluster(self):
        self.trial("cluster", 2)


def granted():
    """The words of the router's user in deploy/redis/users.acl."""
    for line in (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf8").splitlines():
        if line.startswith(f"user {ROUTER} "):
            return line.replace("ROUTER-SECRET", "secret").split()[2:]
    raise AssertionError("there is no such user")


class Rights(SharedTest):
    def redis_with(self, *words):
        redis = self.redis()
        redis("ACL", "SETUSER", ROUTER, *words)
        redis("ACL", "LOG", "RESET")
        redis.router = f"redis://{ROUTER}:secret@127.0.0.1:{redis.port.number}"
        return redis

    def denied(self, redis):
        """What a router wanted and did not get; of a script, the command inside it."""
        return {entry[entry.index("object") + 1].lower() for entry in redis("ACL", "LOG", 100)}

    def test_they_are_what_the_manual_says(self):
        manual = README.read_text(encoding="utf8").split("## Rights")[1]
        self.assertEqual(set(re.findall(r"\+[a-z|]+", manual.split("Of Sentinels")[0])),
                         {word for word in granted() if word.startswith("+")})

    def test_they_are_enough_and_all_are_used(self):
        """A life under exactly these: nothing is refused, and there is no right that nobody used."""
        redis = self.redis_with(*granted())
        owner = self.node("a", redis, url=redis.router)
        until(owner.owns, "it to own everything")
        shop = Client(owner, "connector", name="shop")
        stream = "switchboard:{default}:journal"
        first = redis("XRANGE", stream, "-", "+", "COUNT", 1)[0][0]

        def trimmed():
            number = shop.call("contact.submit", channel="chat", payload=random.randbytes(60000))["contact"]
            shop.call("contact.cancel", contact=number)
            return redis("XRANGE", stream, "-", "+", "COUNT", 1)[0][0] != first
        until(trimmed, "the stream to be trimmed", DEADLINE * 4)
        with owner.admin() as admin:  # figures come and go
            admin.call("node.list")
        desk = Client(owner, "admin")
        desk.call("agent.put", agent="ana")
        until(lambda: redis("HEXISTS", "switchboard:{default}:agents", "ana"), "ana to be shown")
        desk.call("agent.remove", agent="ana")
        until(lambda: not redis("HEXISTS", "switchboard:{default}:agents", "ana"), "ana to be shown no more")
        self.node("b", redis, url=redis.router).stop()
        self.assertEqual(self.denied(redis), set())
        used = {line.split(":")[0][len("cmdstat_"):] for line in redis("INFO", "commandstats").splitlines()
                if line.startswith("cmdstat_")}
        unused = {word[1:] for word in granted() if word.startswith("+")} - used - NOT_IN_A_SIMPLE_LIFE
        self.assertEqual(unused, set())

    def test_each_of_them_is_needed(self):
        """Without it a router is refused something in the first seconds."""
        for right in ("role", "info", "evalsha", "script|load", "xadd", "xread", "hget", "hmget", "hgetall", "hset",
                      "del", "expire"):
            with self.subTest(right=right):
                redis = self.redis_with(*[word for word in granted() if word != "+" + right])
                node = Node("a", redis, url=redis.router, ready=False)
                try:
                    until(lambda redis=redis, right=right: right in self.denied(redis), f"{right} to be wanted")
                finally:
                    node.kill()
                    node.end(failed=self.failed())


class Facts(SharedTest):
    STREAM = "switchboard:{default}:journal"

    def facts(self, redis, *arguments):
        done = subprocess.run([str(ROOT / "deploy" / "facts.py"), "--once", *arguments, redis.reader], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_example_reads_what_happened(self):
        redis = self.redis()
        redis("ACL", "SETUSER", "facts", "on", ">secret", "~switchboard:*:journal", "-@all", "+xread")
        redis.reader = f"redis://facts:secret@127.0.0.1:{redis.port.number}"
        node = self.node("a", redis)
        until(node.owns, "it to own everything")
        shop = Client(node, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat", text="Wo ist mein Päckchen?")
        shop.call("contact.cancel", contact="k1")
        facts = self.facts(redis)
        self.assertEqual([fact["seq"] for fact in facts], list(range(1, len(facts) + 1)))
        mine = [fact for fact in facts if fact["subject"] == "k1"]
        self.assertEqual(mine[0]["kind"], "contact_queued")
        self.assertEqual(mine[0]["text"], "Wo ist mein Päckchen?")
        self.assertEqual(mine[-1]["kind"], "contact_cancelled")
        last = facts[-1]["entry"]
        self.assertEqual(self.facts(redis, "--after", last), [])
        Client(node, "connector", name="shop").call("contact.submit", id="k2", channel="chat")  # the first one was silent for long
        self.assertEqual({fact["subject"] for fact in self.facts(redis, "--after", last)} & {"k1", "k2"}, {"k2"})
        long = "Es ist noch nicht da. " * 200
        Client(node, "connector", name="shop").call("contact.submit", id="k3", channel="chat", text=long)
        self.assertEqual([fact["text"] for fact in self.facts(redis, "--after", last) if fact["subject"] == "k3" and "text" in fact], [long])
        self.assertIn("B", [entry[1][0] for entry in redis("XRANGE", self.STREAM, "-", "+")])  # a reader has to unpack it


if __name__ == "__main__":
    main()

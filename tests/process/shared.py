"""Several servers on one Redis, for tests: what center.py is for one.

    class Takeover(SharedTest):
        def test_it(self):
            redis = self.redis()
            a, b = self.node("a", redis), self.node("b", redis)
            owner, standby = self.owner_of("default", a, b)

Redis processes have a folder and a port of their own, and end with the test, however it ends.
"""
import json
import pathlib
import shutil
import subprocess
import sys

from center import BIN, DEADLINE, MINIMAL, CenterTest, Client, Refused, Server, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from processes import Folder, Port, Process  # noqa: E402  (the folder must be known first)
from proxy import Proxy  # noqa: E402,F401
from resp import Connection, RedisError  # noqa: E402


class Redis(Process):
    """One redis-server that keeps everything; `replica_of` another one."""

    def __init__(self, replica_of=None, options=()):
        self.port = Port()
        self.keeper = Folder("redis")
        self.url = f"redis://127.0.0.1:{self.port.number}"
        command = ["redis-server", "--port", self.port.number, "--bind", "127.0.0.1", "--dir", self.keeper.path,
                   "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", "--shutdown-timeout", "0",
                   "--repl-diskless-sync-delay", "0", *options]
        if replica_of is not None:
            command += ["--replicaof", "127.0.0.1", replica_of.port.number]
        super().__init__("redis", command, self.keeper.path)
        self.start()

    def __call__(self, *words):
        with Connection(("127.0.0.1", self.port.number)) as connection:
            return connection(*words)

    def started(self):
        try:
            return self("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def lose_everything(self):
        """Killed, and started again without what it had."""
        self.kill()
        shutil.rmtree(self.folder / "appendonlydir")
        self.start()

    def close(self):
        self.end()
        self.keeper.close()
        self.port.close()


class Node(Server):
    """One switchboard-server that shares its journal."""

    def __init__(self, name, redis, config=MINIMAL, url=None, options=(), **others):
        self.name = name
        super().__init__(config=config, journal=url or redis.url,
                         options=["--node", name, *options], **others)

    def wait_ready(self):
        """It knows of every workspace how it stands."""
        until(lambda: self.process.poll() is not None or self.settled(), f"node {self.name} to have read its streams")
        if self.process.poll() is not None:
            self.has_ended_at_start()

    def settled(self):
        try:
            return all(row.get("state") in ("owning", "following", "stuck") for row in self.workspaces().values())
        except (OSError, Refused):
            return False

    def client(self, role, **hello):
        """A session of the workspace that this node owns, or is just about to."""
        def opened():
            client = Client(self)
            try:
                client.hello = client.call("hello", protocol=1, role=role, workspace="default", **hello)
                return client
            except Refused as refused:
                client.close()
                if refused.code not in ("not_owner", "unavailable"):
                    raise
                return None
        return until(opened, f"node {self.name} to take the session")

    def admin(self):
        """A session that means this node, whoever owns the workspace."""
        return Client(self, "admin", standby=True)

    def list(self):
        with self.admin() as admin:
            return admin.call("node.list")

    def workspaces(self):
        """What this node says of each workspace."""
        row = next(row for row in self.list()["nodes"] if row["answers"])
        return {workspace["workspace"]: workspace for workspace in row["workspaces"]}

    def owns(self, workspace="default"):
        return self.workspaces()[workspace]["state"] == "owning"

    def follows(self, workspace="default"):
        return self.workspaces()[workspace]["state"] == "following"

    def events(self, name, **fields):
        """The lines of its log that tell this."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines
                if line["event"] == name and all(line.get(key) == value for key, value in fields.items())]


class SharedTest(CenterTest):
    def redis(self, *arguments, **options):
        redis = Redis(*arguments, **options)
        self.addCleanup(redis.close)
        return redis

    def node(self, name, redis, *arguments, **options):
        """A node that is stopped, and its exit status looked at, when the test ends."""
        node = Node(name, redis, *arguments, **options)
        self.addCleanup(lambda: node.end(failed=self.failed()))
        return node

    def owner_of(self, workspace, *nodes):
        """(the owner, the others), once one owns it and the others follow it and know that one lives."""
        def found():
            owners = [node for node in nodes if node.owns(workspace)]
            others = [node for node in nodes if node not in owners]
            if len(owners) == 1 and all(node.follows(workspace) for node in others) and \
                    all(len([row for row in node.list()["nodes"] if row["live"]]) == len(nodes) for node in nodes):
                return owners[0], *others
            return None
        return until(found, f"one node to own {workspace}, and the others to follow")

    def cli(self, node, *arguments, status=0):
        """switchboard-cli against that node; what it printed."""
        answer = subprocess.run([str(BIN / "switchboard-cli"), "--server", node.tcp, *arguments], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=DEADLINE, check=False)
        self.assertEqual(answer.returncode, status, answer.stdout)
        return answer.stdout

#!/usr/bin/python3
"""What admins ask of nodes: node.list, node.drain and node.takeover, also through switchboard-cli."""
import json
import signal
import subprocess

from center import BIN, DEADLINE, Client, agent, main, pages, until
from shared import SharedTest

WORKSPACES = {"default", "other", "bench"}


class Nodes(SharedTest):
    def pair(self):
        redis = self.redis()
        nodes = [self.node(name, redis) for name in ("a", "b")]
        owner, standby = self.owner_of("default", *nodes)
        until(lambda: all(row.get("owner") for node in nodes for row in node.workspaces().values()),
              "everything to be owned, and both to know by whom")
        return redis, owner, standby

    def test_list(self):
        redis, owner, standby = self.pair()
        Client(owner, "connector").call("contact.submit", channel="chat")
        until(lambda: owner.workspaces()["default"]["seq"] == standby.workspaces()["default"]["seq"] > 2,
              "the other to have read it")
        for node, other in ((owner, standby), (standby, owner)):
            rows = {row["node"]: row for row in node.list()["nodes"]}
            self.assertEqual(set(rows), {"a", "b"})
            self.assertEqual([name for name, row in rows.items() if row["answers"]], [node.name])
            for name, row in rows.items():
                self.assertEqual((row["live"], row["draining"], row["reading"], row["version"]), (True, False, False, 1))
                self.assertEqual(row["address"], (node if name == node.name else other).tcp)
            self.assertLess(rows[other.name]["seen_ms_ago"], 5000)
            self.assertNotEqual(rows["a"]["number"], rows["b"]["number"])
            ours = node.workspaces()
            self.assertEqual(set(ours), WORKSPACES)
            for name, row in ours.items():
                self.assertIn(row["epoch"] % 65536, {each["number"] for each in rows.values()})
                if row["state"] == "owning":
                    self.assertEqual((row["owner"], row["address"]), (node.name, node.tcp))
                    self.assertFalse(row["pinned"])
                    self.assertLessEqual(row["lease_in_force_ms"], 750)
                else:
                    self.assertEqual((row["state"], row["owner"]), ("following", other.name))
                    self.assertIn({"workspace": name, "epoch": row["epoch"]}, rows[other.name]["workspaces"])
            self.assertEqual({w["workspace"] for w in rows[other.name]["workspaces"]},
                             {name for name, row in ours.items() if row["owner"] == other.name})
            journal = node.list()["journal"]
            self.assertEqual((journal["state"], journal["shared"], journal["replicas"]), ("up", True, 0))

    def test_only_admins(self):
        _, owner, standby = self.pair()
        for role in ("connector", "agent", "supervisor"):
            for client in (Client(owner, role), Client(standby, role, standby=True)):
                for method in ("node.list", "node.drain"):
                    self.assertEqual(client.refusal(method)["code"], "forbidden")
                self.assertEqual(client.refusal("node.takeover", workspace="default")["code"], "forbidden")
        with standby.admin() as admin:  # and nothing else on a standby session
            self.assertEqual(admin.refusal("queue.list")["code"], "not_owner")
        self.assertEqual(Client(owner, "admin").call("node.list")["journal"]["state"], "up")  # on any session

    def test_drain_and_back(self):
        """Everything goes to the other without an error, nothing comes, until that is taken back."""
        _, owner, standby = self.pair()
        shop = Client(owner, "connector", name="shop")
        ana = agent(owner, "ana")
        shop.call("contact.submit", id="k1", channel="chat")
        ana.call("offer.accept", offer=ana.notice("offer")["offer"])
        self.assertEqual(self.cli(owner, "node", "drain"), f"{owner.name} owns nothing any more\n")
        self.assertEqual(shop.notice("moved")["address"], standby.tcp)
        self.assertFalse(shop.answers)
        for name in WORKSPACES:
            until(lambda name=name: standby.owns(name), f"the other to own {name}")
        self.assertTrue(next(row for row in owner.list()["nodes"] if row["answers"])["draining"])
        until(lambda: next(row for row in standby.list()["nodes"] if not row["answers"])["draining"],
              "the other to hear that it drains")
        held = standby.client("agent").call("agent.sign_in", agent="ana")["held"]
        self.assertEqual([offer["contact"] for offer in held], ["k1"])
        # The other has nobody to hand over to, and goes on; both can be told so from either.
        said = self.cli(owner, "node", "drain", standby.name, status=1)
        self.assertIn("there is no other node", said)
        until(standby.owns, "the other to own it still")
        self.cli(owner, "node", "drain", standby.name, "--undo")
        self.cli(owner, "node", "drain", "--undo")
        # What belongs here comes back by itself.
        until(owner.owns, "the first to own it again")
        self.assertIn(owner.client("supervisor").call("contact.get", contact="k1")["state"], ("active", "waiting"))

    def test_one_workspace_goes_and_stays(self):
        _, owner, standby = self.pair()
        with standby.admin() as admin:
            self.assertEqual(admin.refusal("node.drain", workspace="default")["code"], "conflict")
        self.cli(owner, "node", "drain", "--only", "default")
        row = until(lambda: standby.owns() and standby.workspaces()["default"], "the other to own it")
        self.assertTrue(row["pinned"])
        with standby.admin() as admin:
            self.assertEqual(admin.call("node.drain", workspace="default", undo=True)["draining"], False)
        until(owner.owns, "it to come back where it belongs")
        self.assertFalse(owner.workspaces()["default"]["pinned"])

    def test_takeover(self):
        _, owner, standby = self.pair()
        Client(owner, "connector").call("contact.submit", id="k1", channel="chat")
        epoch = owner.workspaces()["default"]["epoch"]
        self.assertEqual(self.cli(standby, "node", "takeover", "default"), f"{standby.name} owns default\n")
        row = until(lambda: standby.owns() and standby.workspaces()["default"], "the other to own it")
        self.assertTrue(row["pinned"])
        self.assertGreater(row["epoch"], epoch)
        until(lambda: owner.follows() and owner.workspaces()["default"].get("owner") == standby.name,
              "the first to follow the other")
        self.assertEqual(standby.client("supervisor").call("contact.get", contact="k1")["state"], "waiting")
        self.assertEqual(self.cli(standby, "node", "takeover", "default"), f"{standby.name} owns default\n")

    def test_takeover_from_an_owner_at_work(self):
        """It hands over as if it drained: who works there is told where to go, and nobody hears that an outcome is unknown."""
        _, owner, standby = self.pair()
        shop = Client(owner, "connector", name="shop")
        numbers = []

        def keep_busy():
            """So that the stream never ends where the other one has read it."""
            numbers.extend(shop.send("contact.submit", id=f"k{len(numbers)}", channel="email") for _ in range(100))
            return standby.owns()
        with standby.admin() as admin:
            admin.call("node.takeover", workspace="default")
        until(keep_busy, "the other to own it")
        self.assertEqual(shop.notice("moved")["address"], standby.tcp)
        shop.wait_closed()
        errors = {error["code"] for error, _ in shop.answers.values() if error}
        self.assertLessEqual(errors, {"not_owner", "unavailable"})
        self.assertEqual(len(owner.events("handing_over", workspace="default")), 1)
        self.assertFalse(owner.events("ownership_lost"))
        there = {row["contact"] for row in pages(standby.client("supervisor"), "contact.list", "contacts")}
        kept = {result["contact"] for error, result in shop.answers.values() if not error}
        self.assertGreater(len(kept), 0)
        self.assertLessEqual(kept, there)

    def test_takeover_from_an_owner_that_stands_still(self):
        _, owner, standby = self.pair()
        owner.signal(signal.SIGSTOP)
        try:
            self.assertEqual(self.cli(standby, "node", "takeover", "default"), f"{standby.name} owns default\n")
        finally:
            owner.signal(signal.SIGCONT)
        until(owner.follows, "the first to follow the other")

    def test_what_makes_no_sense(self):
        _, owner, standby = self.pair()
        with owner.admin() as admin:
            self.assertEqual(admin.refusal("node.takeover", workspace="nowhere")["code"], "not_found")
            self.assertEqual(admin.refusal("node.takeover")["code"], "invalid")
            self.assertEqual(admin.refusal("node.drain", node="nobody")["code"], "not_found")
            refused = admin.refusal("node.drain", node=standby.name)
            self.assertEqual(refused["code"], "conflict")
            self.assertIn(standby.tcp, refused["message"])
            admin.call("node.drain", node=owner.name)
            self.assertEqual(admin.refusal("node.takeover", workspace="default")["code"], "conflict")
        self.cli(owner, "node", "nonsense", status=2)
        self.cli(owner, "node", "takeover", status=2)
        self.cli(owner, "node", "drain", "nobody", status=2)

    def test_for_people_and_for_programs(self):
        _, owner, standby = self.pair()
        table = self.cli(standby, "node", "list")
        self.assertRegex(table, rf"(?m)^{standby.name} +answers +{standby.tcp}")
        self.assertRegex(table, r"(?m)^default +following ")
        self.assertRegex(table, r"(?m)^redis: up for ")
        answer = json.loads(self.cli(standby, "node", "list", "--json"))
        self.assertEqual({row["node"] for row in answer["nodes"]}, {owner.name, standby.name})
        answer = json.loads(self.cli(standby, "call", "node.list"))
        self.assertEqual([row["node"] for row in answer["nodes"] if row["answers"]], [standby.name])
        for node in (owner, standby):  # either is in order, for whoever looks after processes
            done = subprocess.run([str(BIN / "switchboard-server"), "--check", node.tcp], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("stands by" if node is standby else "serves", done.stdout)

    def test_a_journal_of_its_own(self):
        server = self.start()
        with Client(server, "admin", standby=True) as admin:
            answer = admin.call("node.list")
            self.assertEqual([row["answers"] for row in answer["nodes"]], [True])
            self.assertEqual({row["workspace"] for row in answer["nodes"][0]["workspaces"]}, WORKSPACES)
            self.assertEqual((answer["journal"]["state"], answer["journal"]["shared"]), ("up", False))
            self.assertEqual(admin.refusal("node.drain")["code"], "conflict")
            self.assertEqual(admin.refusal("node.takeover", workspace="default")["code"], "conflict")
        with Client(server) as desk:
            self.assertEqual(desk.refusal("hello", protocol=1, role="supervisor", workspace="default",
                                          standby=True)["code"], "invalid")


if __name__ == "__main__":
    main()

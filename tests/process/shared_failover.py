#!/usr/bin/python3
"""Two servers on one Redis: whatever happens to one of them, the other goes on with what was answered."""
import pathlib
import random
import re
import signal

from center import MINIMAL, Client, agent, main, pages, until
from cli import PATIENT, Program, put_agent
from reload import MORE, document
from shared import Connection, Proxy, SharedTest

STREAM = "switchboard:{default}:journal"
WITH_LONG_LEASE = MINIMAL.read_text(encoding="utf-8").replace("node:\n", "node:\n  lease: 3s\n", 1)
WITH_LONG_GRACE = MINIMAL.read_text(encoding="utf-8").replace("grace: 700ms", "grace: 10s")


class Failover(SharedTest):
    def pair(self, **options):
        redis = self.redis()
        nodes = [self.node(name, redis, **options) for name in ("a", "b")]
        return redis, *self.owner_of("default", *nodes)

    def test_a_killed_owner(self):
        """Contacts keep their places, and an agent what it holds."""
        _, owner, standby = self.pair(config=WITH_LONG_GRACE)
        with Client(standby) as stranger:
            refused = stranger.refusal("hello", protocol=1, role="connector", workspace="default")
        self.assertEqual((refused["code"], refused["address"]), ("not_owner", owner.tcp))
        shop = Client(owner, "connector", name="shop")
        ana = agent(owner, "ana", capacity={"units": 34})
        for number in range(5):
            shop.call("contact.submit", id=f"k{number}", channel="chat")
        offer = ana.notice("offer", contact="k0")
        ana.call("offer.accept", offer=offer["offer"])
        waits = Client(standby, "connector", name="shop", standby=True)
        epoch = shop.hello["epoch"]

        owner.kill()
        moved = waits.notice("moved")
        self.assertEqual(moved["address"], standby.tcp)
        again = waits.call("hello", protocol=1, role="connector", workspace="default", name="shop")
        self.assertGreater(again["epoch"], epoch)
        self.assertGreaterEqual(moved["epoch"], again["epoch"])
        ana = Client(standby, "agent")
        held = ana.call("agent.sign_in", agent="ana")["held"]
        self.assertEqual([(offer["contact"], offer["state"]) for offer in held], [("k0", "active")])
        places = {row["contact"]: row.get("position") for row in waits.call("contact.mine")["contacts"]}
        self.assertEqual(places, {"k0": None, "k1": 1, "k2": 2, "k3": 3, "k4": 4})
        ana.call("contact.complete", contact="k0", wrap_up_ms=0)
        self.assertEqual(ana.notice("offer")["contact"], "k1")
        self.assertTrue(standby.events("taking_over", workspace="default"))

    def test_the_killed_one_comes_back_as_a_standby(self):
        _, owner, standby = self.pair()
        shop = Client(owner, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat")
        owner.kill()
        until(standby.owns, "the other to own it")
        Client(standby, "connector", name="shop").call("contact.submit", id="k2", channel="chat")
        owner.start()
        until(owner.follows, "it to follow")
        self.assertEqual({row["contact"] for row in Client(standby, "supervisor").call("contact.list")["contacts"]},
                         {"k1", "k2"})

    def test_sigterm_hands_over(self):
        """Everybody is told where to go; whatever is asked meanwhile is answered, here or there, and nothing is lost."""
        _, owner, standby = self.pair()
        shop = Client(owner, "connector", name="shop")
        ana = agent(owner, "ana", sign_in={"state": "away"})
        numbers = [shop.send("contact.submit", id=f"k{i}", channel="email") for i in range(200)]
        owner.signal(signal.SIGTERM)
        self.assertEqual(shop.notice("moved")["address"], standby.tcp)
        self.assertEqual(ana.notice("moved")["address"], standby.tcp)
        shop.wait_closed()
        fates = [shop.answers.get(number, (None, None)) for number in numbers]
        errors = {error["code"] for error, _ in fates if error}
        self.assertLessEqual(errors, {"not_owner", "unavailable"})
        there = standby.client("connector", name="shop")
        for i, (_, result) in enumerate(fates):
            again = there.call("contact.submit", id=f"k{i}", channel="email")
            self.assertEqual(again.get("duplicate", False), bool(result) or again.get("duplicate", False))
        self.assertEqual(owner.wait_end(), 0)
        self.assertFalse(owner.events("drain_cut_short"))
        self.assertEqual(len(owner.events("handing_over", workspace="default")), 1)

    def test_many_are_told_in_turn(self):
        """However many they are, and whatever they ask before they are told: one `moved` each, and nobody is sent anywhere without it."""
        _, owner, standby = self.pair()
        epoch = owner.workspaces()["default"]["epoch"]
        shops = [Client(owner, "connector", name=f"shop{i}") for i in range(300)]
        owner.signal(signal.SIGTERM)
        for number in range(20):
            for index, shop in enumerate(shops):
                try:
                    shop.send("contact.submit", id=f"{index}.{number}", channel="email")
                    shop.read(0)
                except OSError:
                    pass  # it was told, and the connection is over
        for shop in shops:
            told = shop.notice("moved")
            self.assertEqual(told["address"], standby.tcp)
            self.assertGreater(told["epoch"], epoch)
            shop.wait_closed()
            self.assertNotIn("moved", [name for name, _ in shop.notices])
            self.assertEqual([error for error, _ in shop.answers.values() if error], [])
        self.assertEqual(owner.wait_end(), 0)
        there = {row["contact"] for row in pages(standby.client("supervisor"), "contact.list", "contacts")}
        kept = {result["contact"] for shop in shops for _, result in shop.answers.values()}
        self.assertLessEqual(kept, there)

    def test_who_drains_waits_for_one_that_reads(self):
        """As when nodes are replaced one behind the other: the next is asked to end while the last still reads."""
        redis = self.redis()
        owner = self.node("a", redis)
        shop = Client(owner, "connector", name="shop")
        words = random.Random(1)  # no two alike, so that much is to be read
        numbers = [shop.send("contact.submit", id=f"k{i}", channel="email", text=words.randbytes(500).hex()) for i in range(3000)]
        for number in numbers:
            shop.wait(number)
        with Proxy(owner.folder) as proxy:
            route = proxy.route("redis", ("127.0.0.1", redis.port.number))
            route.add("slow", rate=2 << 20, way="down")
            url = "redis://{}:{}".format(*route.address)
            heir = self.node("b", redis, url=url, ready=False)
            row = until(lambda: next((row for row in owner.list()["nodes"] if row["node"] == "b" and row["live"]), None), "the other to live")
            self.assertEqual((row["draining"], row["reading"]), (False, True))
            self.assertIn(" draining=1 reading=1 ", redis("HGET", "switchboard:nodes", "b"))  # it takes nothing yet
            owner.signal(signal.SIGTERM)
            self.assertEqual(owner.wait_end(), 0)
            self.assertEqual([event["to"] for event in owner.events("handing_over", workspace="default")], ["b"])
            until(heir.owns, "the other to own it")
            self.assertEqual(heir.stop(), 0)

    def test_who_was_sent_to_the_heir_is_early(self):
        """A client that has heard of the next epoch waits at the node that has not, and is served by it when it owns."""
        _, owner, standby = self.pair()
        epoch = owner.workspaces()["default"]["epoch"]
        with Client(standby) as early:
            number = early.send("hello", protocol=1, role="connector", workspace="default", epoch=epoch + 1)
            owner.signal(signal.SIGTERM)
            self.assertGreater(early.wait(number)["epoch"], epoch)
        self.assertEqual(owner.wait_end(), 0)

    def test_nobody_waits_for_an_heir_in_vain(self):
        _, owner, standby = self.pair()
        epoch = owner.workspaces()["default"]["epoch"]
        with Client(standby) as misled:
            refused = misled.refusal("hello", protocol=1, role="connector", workspace="default", epoch=epoch + (1 << 20))
        self.assertEqual((refused["code"], refused["address"]), ("not_owner", owner.tcp))

    def test_a_configuration_goes_along(self):
        """What config.apply made the workspace's is in force after a takeover; a file that differs is told and not used."""
        _, owner, standby = self.pair()
        desk = Client(owner, "admin")
        desk.call("config.apply", text=document(MORE))
        until(lambda: standby.workspaces()["default"]["seq"] >= owner.workspaces()["default"]["seq"],
              "the other to have read it")
        owner.kill()
        until(standby.owns, "the other to own it")
        there = Client(standby, "supervisor")
        self.assertIn("night", {row["queue"] for row in there.call("queue.list")["queues"]})
        self.assertEqual(Client(standby, "connector").call("contact.submit", channel="chat", queue="night")["queue"],
                         "night")

    def test_a_file_that_differs(self):
        redis = self.redis()
        first = self.node("a", redis)
        until(first.owns, "the first to own it")
        second = self.node("b", redis, config=MORE)
        owner, *_ = self.owner_of("default", first, second)
        if owner is second:  # it belongs there, and was handed over
            self.assertTrue(second.events("config_differs", workspace="default"))
        else:
            first.kill()
            until(second.owns, "the second to own it")
            until(lambda: second.events("config_differs", workspace="default"), "the log to tell it")
        desk = Client(second, "supervisor")
        self.assertNotIn("night", {row["queue"] for row in desk.call("queue.list")["queues"]})

    def test_two_processes_of_one_name(self):
        redis = self.redis()
        first = self.node("a", redis)
        until(first.owns, "it to own everything")
        second = self.node("a", redis, ready=False)
        self.assertEqual(second.wait_end(), 1)
        said = second.events("ousted")
        self.assertEqual(len(said), 1, second.log())
        self.assertIn("a", said[0]["node"])
        self.assertIn(first.tcp, said[0]["words"])
        self.assertTrue(first.owns())


class Late(SharedTest):
    """A node that joins when everybody has come already."""

    def test_a_client_that_met_a_lone_node(self):
        """It was told of one address; of another node it hears while it works, and works on there when the first is killed."""
        redis = self.redis()
        first = self.node("b", redis, config=PATIENT)
        until(first.owns, "the first to own it")
        put_agent(first, "ana")
        desk = Program(self, first, "agent", "ana")
        Client(first, "connector", name="shop").call("contact.submit", id="k1", channel="chat", queue="general")
        desk.expect("accept or decline")
        desk.say("accept\n")
        desk.expect("  1  active")
        second = self.node("a", redis, config=PATIENT)
        self.owner_of("default", first, second)
        until(lambda: self.connected(desk.process.pid, second), "the desk to know the second")
        self.assertFalse(second.events("owned", workspace="default"), "it was to stay where it was")
        first.kill()
        desk.expect("the connection is lost")
        desk.expect("active    chat  general")
        desk.say("complete answered\nquit\n")
        desk.expect("completed")
        self.assertEqual(desk.status(), 0)
        self.assertEqual(second.client("supervisor").call("contact.get", contact="k1")["state"], "completed")

    @staticmethod
    def connected(pid, node):
        """Whether a process has a connection to a node."""
        opened = {str(entry.readlink()) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return any(row[2].endswith(f":{node.port:04X}") and row[3] == "01" and f"socket:[{row[9]}]" in opened for row in rows)


class Deposed(SharedTest):
    CALLERS = 16  # of whom every reactor has some

    def test_what_was_not_written_is_never_told(self):
        """Another node's epoch arrives before what waits for the journal: nobody hears an answer, on whatever reactor."""
        redis = self.redis()
        node = self.node("a", redis, config=WITH_LONG_LEASE, options=["--reactors", "2"])
        until(node.owns, "it to own everything")
        shops = [Client(node, "connector", name=f"shop{number}") for number in range(self.CALLERS)]
        raised = next(entry for entry in reversed(redis("XRANGE", STREAM, "-", "+")) if entry[1][0] == "e")
        last, = redis("XREVRANGE", STREAM, "+", "-", "COUNT", 1)
        epoch, place = map(int, last[0].split("-"))
        redis("CLIENT", "PAUSE", 5_000, "WRITE")
        with Connection(("127.0.0.1", redis.port.number)) as other:
            other.send(("XADD", STREAM, f"{epoch + 65536}-{place}", *raised[1]))
            self.blocked(redis, 1)
            numbers = [shop.send("contact.submit", id=f"k{number}", channel="chat") for number, shop in enumerate(shops)]
            self.blocked(redis, 2)
            redis("CLIENT", "UNPAUSE")
            other.read()
        for shop, number in zip(shops, numbers):
            shop.wait_closed()
            self.assertNotIn(number, shop.answers)
        until(lambda: node.events("ownership_lost", workspace="default"), "the log to tell it")

    def blocked(self, redis, least):
        def waits():
            return re.search(r"\bblocked_clients:(\d+)", redis("INFO", "clients"))
        until(lambda: int(waits()[1]) >= least, f"{least} connections to wait with what they write")


class Lost(SharedTest):
    def pair_with_a_contact(self, *options):
        """(redis, owner, standby), of which the latter has read that k1 waits; `options` of the second node."""
        redis = self.redis()
        owner, standby = self.owner_of("default", self.node("a", redis), self.node("b", redis, options=options))
        Client(owner, "connector", name="shop").call("contact.submit", id="k1", channel="chat")
        self.wait_read(owner, standby)
        return redis, owner, standby

    def wait_read(self, owner, standby):
        until(lambda: standby.follows() and standby.workspaces()["default"]["seq"] == owner.workspaces()["default"]["seq"],
              "the other to have read everything")

    def assert_taken_over(self, standby):
        """With what waits."""
        until(standby.owns, "the other to own it")
        self.assertEqual(standby.client("supervisor").call("contact.get", contact="k1")["state"], "waiting")

    def test_the_owner_repairs_what_it_remembers(self):
        """Redis comes back empty, and the owner still has everything that was in it."""
        redis, owner, standby = self.pair_with_a_contact()
        epoch = owner.workspaces()["default"]["epoch"]
        redis.lose_everything()
        until(lambda: owner.owns() and owner.workspaces()["default"]["epoch"] > epoch, "it to go on")
        self.wait_read(owner, standby)
        owner.kill()
        self.assert_taken_over(standby)

    def test_the_owner_repairs_what_was_flushed(self):
        """Also when nobody asks for anything meanwhile."""
        redis, owner, standby = self.pair_with_a_contact()
        written = len(redis("XRANGE", STREAM, "-", "+"))
        redis("FLUSHALL")
        until(lambda: len(redis("XRANGE", STREAM, "-", "+")) > written, "the owner to write everything again")
        self.wait_read(owner, standby)
        owner.kill()
        self.assert_taken_over(standby)

    def test_who_was_there_repairs_and_not_who_comes(self):
        """A failover lost the stream's end while nobody could write: the standby has it, and the owner that was restarted has not."""
        redis, owner, standby = self.pair_with_a_contact()
        (last, _), (before, _) = redis("XREVRANGE", STREAM, "+", "-", "COUNT", 2)
        with Connection(("127.0.0.1", redis.port.number)) as other:
            other("CONFIG", "SET", "min-replicas-to-write", 1)
            owner.kill()
            until(lambda: standby.workspaces()["default"]["state"] == "raising", "the standby to try")
            # In one go, so that nobody writes meanwhile.
            other.send(("CONFIG", "SET", "min-replicas-to-write", 0), ("XDEL", STREAM, last), ("XSETID", STREAM, before),
                       ("CONFIG", "SET", "min-replicas-to-write", 1))
            self.assertEqual([other.read() for _ in range(4)], ["OK", 1, "OK", "OK"])
            owner.start()
            until(lambda: not any(row["live"] for row in standby.list()["nodes"] if row["node"] == owner.name),
                  "both to have looked around for long enough")
            other("CONFIG", "SET", "min-replicas-to-write", 0)
        self.owner_of("default", owner, standby)
        self.assertTrue(standby.events("owned", workspace="default"))
        there = standby if standby.owns() else owner  # where it belongs, it has gone again
        self.assertEqual(there.client("supervisor").call("contact.get", contact="k1")["state"], "waiting")

    def left_with_another_stream(self, *options):
        """A standby whose owner dies while Redis comes back with the journal of an earlier life."""
        redis, owner, standby = self.pair_with_a_contact(*options)
        began = redis("XRANGE", STREAM, "-", "+", "COUNT", 1)[0]
        standby.signal(signal.SIGSTOP)
        owner.kill()
        redis.lose_everything()
        redis("XADD", STREAM, f"{65536 + 1}-{began[0].split('-')[1]}", *began[1])
        standby.signal(signal.SIGCONT)
        return standby

    def test_a_redis_that_has_forgotten_is_refused(self):
        """What may have been answered is not there: nobody is served as if nothing had been."""
        standby = self.left_with_another_stream()
        stuck = until(lambda: standby.events("journal_stuck", workspace="default"), "the log to say that it is stuck")
        self.assertIn("facts are lost", stuck[0]["words"])
        self.assertIn("--accept-loss", stuck[0]["words"])
        row = until(lambda: next((row for row in [standby.workspaces()["default"]] if row["state"] == "stuck"), None),
                    "node.list to say it")
        self.assertIn("facts are lost", row["problem"])
        self.assertIn("facts are lost", self.cli(standby, "node", "list"))
        with Client(standby) as stranger:
            refused = stranger.refusal("hello", protocol=1, role="connector", workspace="default")
        self.assertEqual(refused["code"], "unavailable")
        self.assertFalse(standby.events("owned", workspace="default"))

    def test_unless_the_loss_is_accepted(self):
        standby = self.left_with_another_stream("--accept-loss")
        until(standby.owns, "it to serve what is left")
        self.assertTrue(standby.events("loss_accepted", workspace="default"))
        self.assertEqual(Client(standby, "supervisor").call("contact.list")["contacts"], [])


class Away(SharedTest):
    def test_redis_is_away_and_comes_back(self):
        """Said in the log and by whoever is asked, with how long it was."""
        redis = self.redis()
        node = self.node("a", redis)
        until(node.owns, "it to own everything")
        redis.pause()
        away = until(lambda: node.events("journal_away"), "the log to say it")
        self.assertGreaterEqual(away[0]["away_ms"], 1000)
        journal = until(lambda: next((j for j in [node.list()["journal"]] if j["state"] == "away"), None),
                        "whoever is asked to say it")
        self.assertGreaterEqual(journal["age_ms"], 900)  # as of some ticks before the log's word
        self.assertNotEqual(journal["problem"], "")
        self.assertRegex(self.cli(node, "node", "list"), r"redis: not reachable for \d+ s: ")
        redis.resume()
        back = until(lambda: node.events("journal_back"), "the log to say that it is back")
        self.assertGreaterEqual(back[0]["away_ms"], away[0]["away_ms"])
        until(lambda: node.list()["journal"]["state"] == "up", "node.list to say that it is back")
        Client(node, "connector").call("contact.submit", channel="chat")


if __name__ == "__main__":
    main()

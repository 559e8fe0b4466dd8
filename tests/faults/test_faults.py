#!/usr/bin/python3
"""Each fault of the table strikes, and its episode can tell: against Redis, and a router with a journal of its own.

Where a router is needed it has a file for a journal, so that this shows the fault alone.
"""
import collections
import threading
import unittest

import faults
from episode import Episode, NotStruck
from faults import find
from processes import until
from resp import Lost, RedisError
from stage import StageTest, main

WORKSPACE = "default"
STREAM = "switchboard:{default}:journal"


class Writer:
    """Appends one entry after another, wherever the primary is, through the proxy; remembers what was acknowledged."""

    def __init__(self, stage):
        self.stage, self.acknowledged, self.over = stage, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        connection = None
        while not self.over.is_set():
            try:
                if connection is None:
                    where = self.stage.slot_owner(self.slot()) if self.stage.kind == "cluster" else self.stage.primary()
                    connection = where.connect(1, through=not self.stage.network)
                self.acknowledged.append(connection("XADD", STREAM, "*", "n", len(self.acknowledged)))
            except (OSError, RedisError, StopIteration):
                if connection is not None:
                    connection.close()
                connection = None
                self.over.wait(0.01)
        if connection is not None:
            connection.close()

    def slot(self):
        return self.stage.redis[0].command("CLUSTER", "KEYSLOT", STREAM)

    def end(self):
        self.over.set()
        self.thread.join()

    def goes_on(self):
        had = len(self.acknowledged)
        until(lambda: len(self.acknowledged) > had, "writes to go on")


class FaultTest(StageTest):
    def strike(self, stage, number, name=None, **parameters):
        fault = find(number, name) if name else find(number)[0]
        episode = Episode(stage, fault, parameters or None, WORKSPACE)
        episode.run()
        self.assertTrue(episode.proof)
        self.assertEqual(len(episode.history()), len(episode.log))
        return episode

    def writer(self, stage):
        writer = Writer(stage)
        self.addCleanup(writer.end)
        writer.goes_on()
        return writer


class OnOneRedis(FaultTest):
    def test_errors_limits_and_slowness(self):
        stage = self.stage(clock=True, disk=32 << 20)
        redis = stage.single()
        writer = self.writer(stage)
        self.strike(stage, "F3", "pause of Redis")
        for parameters in find("F10", "slow Redis").parameters[:1] + ({"how": "debug", "ms": 200},
                                                                     {"how": "script", "ms": 200},
                                                                     {"how": "starved", "ms": 200}):
            self.strike(stage, "F10", **parameters)
        for how in ("full", "evict", "trim"):
            self.strike(stage, "F12", how=how)
        for name in ("scripts forgotten", "BUSY"):
            self.strike(stage, "F14", name)
        for step in (2, -3600):
            self.strike(stage, "F15", "clock of Redis", role="primary", step=step)
        self.strike(stage, "F22", "the disk of Redis is full")
        self.strike(stage, "F25", "another product in our stream")
        self.strike(stage, "F25", "another password")
        writer.goes_on()
        self.assertTrue(redis.running())

    def test_replies(self):
        """A lost one took effect; an error in its place did not."""
        stage = self.stage()
        redis = stage.single()
        script = redis.command("SCRIPT", "LOAD", "return redis.call('INCR', KEYS[1])")
        for how in ("rst", "fin"):
            episode = Episode(stage, find("F13")[0], {"command": "EVALSHA", "how": how})
            episode.begin()
            with redis.connect(through=True) as client, self.assertRaises(Lost):
                client("EVALSHA", script, 1, "switchboard:n")
            episode.end()
        self.assertEqual(redis.command("GET", "switchboard:n"), "2")
        for reply in faults.ERRORS:
            episode = Episode(stage, find("F14")[0], {"reply": reply})
            episode.begin()
            with redis.connect(through=True) as client, self.assertRaises(RedisError) as refused:
                client("EVALSHA", script, 1, "switchboard:n")
            self.assertEqual("-" + str(refused.exception), reply)
            episode.end()
        self.assertEqual(redis.command("GET", "switchboard:n"), "2")

    def test_without_its_data(self):
        stage = self.stage()
        stage.single()
        self.writer(stage).end()
        for how in ("old", "empty"):
            self.strike(stage, "F8", how=how)
        self.assertEqual(stage.redis[0].command("XLEN", STREAM), 0)

    def test_a_fault_that_nobody_felt_does_not_count(self):
        stage = self.stage()
        stage.single()
        episode = Episode(stage, find("F13")[0], {"command": "EVALSHA"})
        episode.begin()
        with self.assertRaises(NotStruck):
            episode.prove(False, "anything")
        with self.assertRaises(ValueError):
            Episode(stage, find("F6")[0])


class UnderSentinel(FaultTest):
    def test_death_stale_primary_and_lost_tail(self):
        stage = self.stage(clock=True)
        stage.sentinel()
        writer = self.writer(stage)
        self.strike(stage, "F4", "partition of primary and replica", one="replica", other="primary", way="from", seconds=0.2)
        lost = self.strike(stage, "F6", entries=5)
        self.assertIn("lacked", " ".join(lost.proof))
        writer.goes_on()
        gone = set(writer.acknowledged)
        leader = stage.wait_whole(by_hand=True)
        self.assertTrue(gone - set(leader.entries(STREAM)), "what was acknowledged without WAIT is lost")
        self.strike(stage, "F7", how="pause")
        self.strike(stage, "F15", "clock of the Sentinels", role="sentinels", step=2.5)

    def test_kill_and_switch(self):
        stage = self.stage()
        stage.sentinel()
        writer = self.writer(stage)
        self.strike(stage, "F14", "NOREPLICAS")
        self.strike(stage, "F3", "pause of a replica")
        self.strike(stage, "F3", "pause of a Sentinel")
        stage.wait_whole()
        self.strike(stage, "F5", during="rewrite")
        writer.goes_on()

    def test_on_hosts_of_their_own(self):
        stage = self.stage(network=True)
        primary = stage.sentinel()
        writer = self.writer(stage)
        old = primary
        episode = Episode(stage, find("F4", "a cable pulled"))
        episode.begin()
        new = stage.wait_failover(old)
        episode.end()
        self.assertIsNot(new, old)
        writer.goes_on()


class InTheCluster(FaultTest):
    def test_slot_and_takeover(self):
        stage = self.stage()
        stage.cluster(replicas=1)
        writer = self.writer(stage)
        episode = self.strike(stage, "F9", "a slot moves")
        self.assertIn("MOVED", " ".join(episode.proof))
        writer.goes_on()
        self.strike(stage, "F9", "takeover in the Cluster")
        writer.goes_on()


class OnRouters(FaultTest):
    def test_what_needs_no_store(self):
        stage = self.stage(clock=True)
        stage.single()
        router = stage.start_routers(1, journal="file")[0]
        for number, name, parameters in (
                ("F1", "kill -9 of a router", {"role": "owner"}), ("F2", "pause of the owner", {"role": "owner", "seconds": 0.1}),
                ("F15", "clock of the owner", {"role": "owner", "step": 2}),
                ("F15", "clock of the owner", {"role": "owner", "step": -86400}),
                ("F22", "limits of a router", {"role": "owner", "what": "descriptors"}),
                ("F22", "limits of a router", {"role": "owner", "what": "memory"}),
                ("F22", "limits of a router", {"role": "owner", "what": "processor"}),
                ("F25", "two processes under one name", None)):
            self.strike(stage, number, name, **(parameters or {}))
        self.assertIsNone(router.hello(WORKSPACE))


class Table(unittest.TestCase):
    def test_every_fault_of_the_list_is_there_once_and_says_what_it_does(self):
        numbers = {fault.number for fault in faults.FAULTS}
        self.assertEqual(numbers, {f"F{n}" for n in (*range(1, 11), 12, 13, 14, 15, 21, 22, 24, 25)})
        names = collections.Counter((fault.number, fault.name) for fault in faults.FAULTS)
        self.assertEqual(max(names.values()), 1)
        for fault in faults.FAULTS:
            self.assertGreater(len(fault.what), 20)
            self.assertTrue(set(fault.stages.split()) <= {"single", "sentinel", "cluster"})


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The longer ways of the rig: stale primaries, switches one behind the other, partitions on hosts, TLS, requests of clients."""
import socket
import ssl

import msgpack

from episode import Episode
from faults import find
from processes import until
from stage import main
from test_faults import STREAM, FaultTest


class Sentinels(FaultTest):
    def test_a_primary_that_is_cut_off_goes_on_acknowledging_and_loses_it(self):
        """What was measured before: without WAIT, what a primary takes behind a cut is gone after the heal."""
        stage = self.stage(redis_options={"min-replicas-to-write": 0})
        old = stage.sentinel()
        episode = Episode(stage, find("F7")[0], {"how": "cut"})
        episode.begin()
        self.assertEqual(old.role()[0], "master")
        entry = old.command("XADD", STREAM, "*", "acknowledged", "and lost")
        episode.end()
        leader = stage.wait_whole(by_hand=True)
        self.assertIsNot(leader, old)
        self.assertNotIn(entry, old.entries(STREAM))

    def test_wait_says_no_behind_a_cut(self):
        stage = self.stage()
        primary = stage.sentinel()
        for replica in stage.redis[1:]:
            stage.cut(replica, primary, "from")
        with primary.connect(through=True) as client:
            client.send(("XADD", STREAM, "*", "a", "b"), ("WAIT", 1, 100))
            self.assertEqual([client.read() is not None, client.read()], [True, 0])

    def test_two_switches(self):
        stage = self.stage(failover_timeout=1000)
        stage.sentinel()
        self.strike(stage, "F9", "two failovers")

    def test_lost_tail_on_hosts(self):
        stage = self.stage(network=True)
        stage.sentinel()
        writer = self.writer(stage)
        self.strike(stage, "F6", entries=3)
        writer.goes_on()


class Wires(FaultTest):
    def test_tls(self):
        redis = self.stage(tls=True).single()
        context = ssl.create_default_context(cafile=redis.stage.tls.authority)
        with socket.create_connection(("127.0.0.1", redis.tls_port.number), 10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as client:
                client.sendall(b"PING\r\n")
                self.assertEqual(client.recv(10), b"+PONG\r\n")

    def test_requests_twice_and_again(self):
        stage = self.stage()
        stage.single()
        router = stage.start_routers(1, journal="file")[0]
        episodes = [Episode(stage, find("F21")[0], {"how": how, "method": "ping"}) for how in ("duplicate", "reorder", "late")]
        for episode in episodes:
            episode.begin()
            with socket.create_connection(router.route.address, 10) as client:
                unpacker, numbers = msgpack.Unpacker(), set()
                for number, (method, params) in enumerate(
                        [("hello", {"protocol": 1, "role": "supervisor", "workspace": "default"}), ("ping", {}), ("ping", {})]):
                    client.sendall(msgpack.packb([0, number, method, [params]]))
                while numbers != {0, 1, 2}:
                    unpacker.feed(client.recv(4096))
                    for message in unpacker:
                        if message[0] == 1:
                            self.assertNotIn(message[1], numbers, "one answer each")
                            numbers.add(message[1])
            episode.end()
        with socket.create_connection(router.route.address, 10) as client:
            client.sendall(msgpack.packb([0, 0, "hello", [{"protocol": 1, "role": "supervisor", "workspace": "default"}]]))
            until(lambda: stage.proxy.connections(router.name) == 1, "only this connection to be left")
            self.strike(stage, "F21", how="replay", method="ping")
            client.sendall(msgpack.packb([0, 1, "ping", [{}]]))
            unpacker, last = msgpack.Unpacker(), None
            while last != 1:
                unpacker.feed(client.recv(4096))
                for message in unpacker:
                    self.assertTrue(message[0] == 2 or message[1] in (0, 1), "answers to what was sent again are swallowed")
                    last = message[1] if message[0] == 1 else last


class FullSync(FaultTest):
    def test_death_while_a_replica_is_fed(self):
        stage = self.stage()
        stage.sentinel()
        self.strike(stage, "F5", during="sync")


if __name__ == "__main__":
    main()

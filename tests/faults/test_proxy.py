#!/usr/bin/python3
"""The fault proxy: what each rule does to a connection, shown with echo servers and with one real Redis."""
import os
import socket
import struct
import threading
import time

from processes import Folder, until
from proxy import Proxy
from resp import Connection, Lost, RedisError, encode
from stage import StageTest, main
from frames import OUR_NUMBERS, frame_number, frame_split, with_number


class Echo:
    """A server in a thread that sends back what it gets, and remembers it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.address = self.listener.getsockname()
        self.got, self.open = bytearray(), []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            while data := peer.recv(65536):
                self.got += data
                peer.sendall(data)
        except OSError:
            pass
        peer.close()

    def close(self):
        self.listener.close()
        for peer in self.open:
            peer.close()


class ProxyTest(StageTest):
    def setUp(self):
        self.folder = Folder("proxy")
        self.addCleanup(self.folder.close)
        self.proxy = Proxy(self.folder.path / "proxy")
        self.addCleanup(self.proxy.close)
        self.echo = Echo()
        self.addCleanup(self.echo.close)
        self.route = self.proxy.route("echo", self.echo.address)

    def connect(self):
        client = socket.create_connection(self.route.address, 10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(client.close)
        return client

    def there_and_back(self, client, data=b"word"):
        """Seconds until the echo was whole."""
        begin = time.monotonic()
        client.sendall(data)
        got = b""
        while len(got) < len(data):
            more = client.recv(1 << 16)
            if not more:
                raise ConnectionError("ended")
            got += more
        self.assertEqual(got, data)
        return time.monotonic() - begin

    def silent(self, client, seconds=0.2):
        client.settimeout(seconds)
        try:
            return client.recv(1)
        except TimeoutError:
            return "silent"
        finally:
            client.settimeout(10)


class Rules(ProxyTest):
    def test_adds_little_of_its_own(self):
        client = self.connect()
        times = sorted(self.there_and_back(client) for _ in range(300))
        self.assertLess(times[len(times) // 2], 0.001, "the median there and back, through two hops of the proxy")

    def test_carries_thousands_of_connections(self):
        clients = [self.connect() for _ in range(2000)]
        for client in clients:
            client.sendall(b"x")
        for client in clients:
            self.assertEqual(client.recv(1), b"x")
        self.assertEqual(self.proxy.connections("echo"), 2000)

    def test_keeps_every_byte_of_a_large_message(self):
        client, data = self.connect(), bytes(range(256)) * 40000
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        got = bytearray()
        while len(got) < len(data):
            got += client.recv(1 << 18)
        sender.join()
        self.assertEqual(bytes(got), data)

    def test_delay_is_at_least_what_was_said_and_keeps_order(self):
        client = self.connect()
        with self.route.add("delay", ms=30, jitter_ms=20, way="up") as rule:
            self.assertGreaterEqual(self.there_and_back(client), 0.03)
            words = b"".join(b"%05d" % i for i in range(500))
            for i in range(0, len(words), 5):
                client.sendall(words[i:i + 5])
            got = b""
            while len(got) < len(words):
                got += client.recv(4096)
            self.assertEqual(got, words)
            self.assertGreater(rule.struck(), 0)
        self.assertLess(min(self.there_and_back(client) for _ in range(20)), 0.03)

    def test_slow_is_bytes_a_second(self):
        client = self.connect()
        with self.route.add("slow", rate=200000, way="up"):
            self.assertGreaterEqual(self.there_and_back(client, b"x" * 40000), 0.15)

    def test_held_bytes_arrive_when_it_is_over(self):
        client = self.connect()
        self.there_and_back(client)
        with self.route.add("hold", way="down"):
            client.sendall(b"late")
            until(lambda: self.echo.got.endswith(b"late"), "the open way to be open")
            self.assertEqual(self.silent(client), "silent")
        self.assertEqual(client.recv(4), b"late")

    def test_held_bytes_of_a_peer_that_died_are_lost(self):
        ordered, killed = self.connect(), self.connect()
        self.there_and_back(ordered, b"before")
        self.there_and_back(killed, b"before")
        with self.route.add("hold", way="up"):
            for client in (ordered, killed):
                client.sendall(b"after")
            killed.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ordered.close()
            killed.close()
            other = self.connect()  # served by the same loop after the reset: once it holds, the reset was seen
            other.sendall(b"other")
            self.assertEqual(self.silent(other), "silent")
        self.assertEqual(other.recv(5), b"other")
        self.assertEqual(bytes(self.echo.got), b"beforebeforeother")

    def test_refuses_the_new_and_leaves_the_old(self):
        client = self.connect()
        self.there_and_back(client)
        with self.route.add("refuse"):
            with self.assertRaises(ConnectionError):
                self.there_and_back(self.connect())
            self.there_and_back(client)
        self.there_and_back(self.connect())

    def test_cut_by_reset_and_in_order(self):
        for how, outcome in (("fin", b""), ("rst", ConnectionResetError)):
            client = self.connect()
            self.there_and_back(client)
            self.assertEqual(self.route.add("cut", how=how).struck(), 1)
            if how == "fin":
                self.assertEqual(client.recv(1), outcome)
            else:
                with self.assertRaises(outcome):
                    client.recv(1)

    def test_half_open_is_silence(self):
        client = self.connect()
        self.there_and_back(client)
        self.route.add("half_open")
        self.assertEqual(self.silent(client), "silent")
        client.sendall(b"anybody there?")
        self.assertEqual(self.silent(client), "silent")
        self.assertEqual(bytes(self.echo.got), b"word")

    def test_passes_half_closing_on(self):
        client = self.connect()
        client.sendall(b"last")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(10), b"last")
        self.assertEqual(client.recv(10), b"")

    def test_tells_who_opened_a_connection(self):
        mine, client = self.proxy.name, self.connect()
        mine("somebody else", 1)
        with self.route.add("hold", only="somebody else"):
            self.there_and_back(client)
        mine("test", os.getpid())
        with self.route.add("hold", only="test"):
            client.sendall(b"held")
            self.assertEqual(self.silent(client), "silent")
        self.assertEqual(client.recv(4), b"held")


class Frames(ProxyTest):
    """MessagePack-RPC, spoken to an echo: what arrives there is what a router would get."""

    REQUEST = bytes([0x94, 0, 5, 0xac]) + b"offer.accept" + bytes([0x91, 0x80])
    HELLO = bytes([0x94, 0, 1, 0xa5]) + b"hello" + bytes([0x91, 0x80])
    PING = bytes([0x94, 0, 6, 0xa4]) + b"ping" + bytes([0x91, 0x80])

    def setUp(self):
        super().setUp()
        self.route = self.proxy.route("frames", self.echo.address, frames=True)

    def arrived(self, count):
        def look():
            frames = frame_split(bytearray(self.echo.got))
            return frames if len(frames) >= count else None
        return until(look, f"{count} frames")

    def test_frames_are_read_as_they_are(self):
        self.assertEqual(frame_number(self.REQUEST), (0, 5, b"offer.accept"))
        other = with_number(self.REQUEST, OUR_NUMBERS)
        self.assertEqual(frame_number(other), (0, OUR_NUMBERS, b"offer.accept"))
        for at in range(len(other)):
            begun = bytearray(other[:at])
            self.assertEqual(frame_split(begun), [])
            self.assertEqual(bytes(begun), other[:at])

    def test_duplicate_goes_twice_and_is_answered_once(self):
        client = self.connect()
        with self.route.add("duplicate", method="offer.accept"):
            client.sendall(self.HELLO + self.REQUEST + self.PING)
            names = [frame_number(frame) for frame in self.arrived(4)]
        self.assertEqual([name[2] for name in names], [b"hello", b"offer.accept", b"offer.accept", b"ping"])
        self.assertEqual(names[1][1], 5)
        self.assertGreaterEqual(names[2][1], OUR_NUMBERS)
        self.echo.open[0].sendall(b"\x94\x01" + names[2][1].to_bytes(5, "big").replace(b"\0", b"\xce", 1) + b"\xc0\xc0"
                                  + b"\x94\x01\x06\xc0\xc0")
        got = b""
        while not got.endswith(b"\x94\x01\x06\xc0\xc0"):
            got += client.recv(4096)
        self.assertEqual([frame_number(frame)[:2] for frame in frame_split(bytearray(got)) if frame[1] == 1], [(1, 6)])

    def test_reorder_changes_two_places(self):
        with self.route.add("reorder", method="offer.accept"):
            self.connect().sendall(self.HELLO + self.REQUEST + self.PING)
            self.assertEqual(self.arrived(3), [self.HELLO, self.PING, self.REQUEST])

    def test_late_is_overtaken(self):
        with self.route.add("late", method="offer.accept", ms=50):
            self.connect().sendall(self.HELLO + self.REQUEST + self.PING)
            self.assertEqual(self.arrived(3), [self.HELLO, self.PING, self.REQUEST])

    def test_replay_on_a_later_connection(self):
        first = self.connect()
        first.sendall(self.HELLO + self.REQUEST)
        self.arrived(2)
        first.close()
        second = self.connect()
        second.sendall(self.HELLO)
        self.arrived(3)
        until(lambda: self.proxy.connections("frames") == 1, "the first connection to end")
        self.assertEqual(self.route.add("replay", method="offer.accept").struck(), 1)
        self.assertEqual(frame_number(self.arrived(4)[3])[2], b"offer.accept")


class Redis(StageTest):
    def setUp(self):
        self.redis = self.stage().single()
        self.route = self.redis.route
        self.through = self.redis.connect(through=True)
        self.addCleanup(self.through.close)

    def test_a_lost_reply_is_lost_and_the_command_took_effect(self):
        for how in ("rst", "fin"):
            rule = self.route.add("lose_reply", command="INCR", nth=2, how=how)
            with self.redis.connect(through=True) as client:
                client.send(("SET", how, "0"), ("INCR", how), ("INCR", how), ("INCR", "never"))
                self.assertEqual([client.read(), client.read()], ["OK", 1])
                with self.assertRaises(Lost):
                    client.read()
            self.assertEqual(rule.what(), [":2\r\n"])
            self.assertEqual(self.redis.command("GET", how), "2")
            self.assertEqual(self.through("PING"), "PONG")  # others live

    def test_only_the_command_that_was_meant(self):
        rule = self.route.add("lose_reply", command="EVAL", contains="second")
        self.assertEqual(self.through("EVAL", "return 'first'", 0), "first")
        self.assertEqual(rule.struck(), 0)
        with self.assertRaises(Lost):
            self.through("EVAL", "return 'second'", 0)
        self.assertEqual(rule.struck(), 1)

    def test_answers_in_the_place_of_redis_and_in_order(self):
        self.route.add("answer", command="SET", contains="b", reply="-LOADING Redis is loading")
        self.through.send(("SET", "a", 1), ("SET", "b", 2), ("GET", "a"))
        replies = [self.through.read() for _ in range(3)]
        self.assertEqual((replies[0], replies[2]), ("OK", "1"))
        self.assertIsInstance(replies[1], RedisError)
        self.assertIsNone(self.redis.command("GET", "b"))

    def test_replies_that_are_cut_anywhere_are_put_together(self):
        self.redis.command("XADD", "s", "1-1", "field", "v\r\n" * 50)
        with self.route.add("slow", rate=20000):
            self.assertEqual(self.through("XRANGE", "s", "-", "+"), [["1-1", ["field", "v\r\n" * 50]]])

    def test_what_is_subscribed_passes_as_it_is(self):
        self.through.send(("SUBSCRIBE", "c"))
        self.assertEqual(self.through.read(), ["subscribe", "c", 1])
        self.redis.command("PUBLISH", "c", "m")
        self.assertEqual(self.through.read(), ["message", "c", "m"])

    def test_a_command_in_pieces(self):
        with socket.create_connection(self.route.address, 10) as client:
            for byte in encode("ECHO", "piecemeal"):
                client.sendall(bytes([byte]))
            self.assertEqual(client.recv(100), b"$9\r\npiecemeal\r\n")

    def test_the_users_few_commands(self):
        with Connection(self.redis.announced, user="router", password="stage") as router:
            self.assertEqual(router("XADD", "switchboard:{w}", "1-1", "a", "b"), "1-1")
            for forbidden in (("CONFIG", "GET", "*"), ("FLUSHALL",), ("XADD", "other", "1-1", "a", "b"), ("DEBUG", "SLEEP", 0)):
                with self.assertRaises(RedisError) as refused:
                    router(*forbidden)
                self.assertEqual(refused.exception.code, "NOPERM")


if __name__ == "__main__":
    main()

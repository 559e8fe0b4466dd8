#!/usr/bin/python3
"""A full disk is a clear state and not a crash: the server refuses with words, forgets nothing, and goes on when there is room.

A limit on the size of the server's files, set and lifted while it runs, is a full disk that needs no disk.
"""
import resource

from center import CenterTest, Client, Refused, main, until

ROOM = 512 * 1024


class DiskFull(CenterTest):
    def limit(self, size):
        pid = self.server.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def submit(self, name, **more):
        """As a client does it: where the connection ended before the answer, the same again. The answer or the refusal."""
        def answered():
            try:
                if self.shop.ended:
                    self.shop = Client(self.server, "connector", name="shop")
                return self.shop.call("contact.submit", id=name, channel="email", payload=b"p" * 8000, **more), None
            except Refused as refused:
                return None, refused.error
            except OSError:
                self.shop.ended = True
                return None
        return until(answered, f"an answer for {name}")

    def test_refuses_and_recovers(self):
        self.server = self.start(journal="file")
        self.shop = Client(self.server, "connector", name="shop")
        kept, refused = [], []
        self.limit(ROOM)
        for i in range(2 * ROOM // 8000):
            answer, error = self.submit(f"k{i}")
            if error is not None:
                self.assertEqual(error["code"], "unavailable")
                self.assertGreater(error["retry_after_ms"], 0)
                refused.append(f"k{i}")
                break
            kept.append(f"k{i}")
        self.assertTrue(refused, "the limit was never reached")
        self.assertGreater(len(kept), 10)
        # Clear: it stays so, everybody hears the same, and it lives.
        for i in range(5):
            answer, error = self.submit(f"more{i}")
            self.assertEqual((answer, error["code"]), (None, "unavailable"))
            refused.append(f"more{i}")
        self.assertIsNone(self.server.process.poll())
        self.assertRegex(self.server.log().lower(), r"full|no room|no space|too large")

        self.limit(resource.RLIM_INFINITY)

        def taken():
            answer, _ = self.submit("afterwards")
            return answer
        until(taken, "the server to take contacts again")
        kept.append("afterwards")
        self.compare(kept, refused)
        self.server.kill()
        self.server.start()
        self.compare(kept, refused)

    def compare(self, kept, refused):
        with Client(self.server, "connector", name="shop") as shop:
            for name in kept:
                self.assertEqual(shop.call("contact.get", contact=name)["state"], "waiting", name)
            for name in refused:
                self.assertEqual(shop.refusal("contact.get", contact=name)["code"], "not_found", name)

    def test_starts_on_a_full_disk_with_words(self):
        self.server = self.start(journal="file")
        self.shop = Client(self.server, "connector", name="shop")
        for i in range(20):
            self.submit(f"k{i}")
        self.server.kill()
        # To the end of the records, which is a multiple of 8: zeros may fill up the last block.
        records = max(len(path.read_bytes().rstrip(b"\0")) for path in (self.server.folder / "journal").iterdir())
        size = -(-records // 8) * 8
        self.server.wrap = ["prlimit", f"--fsize={size}:unlimited"]
        logged = len(self.server.log())
        self.server.start(ready=False)
        until(lambda: '"state":"refusing"' in self.server.log()[logged:], "a clear state")
        self.assertIn("no room", self.server.log()[logged:])
        self.assertIsNone(self.server.process.poll())
        self.limit(resource.RLIM_INFINITY)
        self.server.wait_ready()
        self.compare([f"k{i}" for i in range(20)], [])


if __name__ == "__main__":
    main()

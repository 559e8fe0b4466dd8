#!/usr/bin/python3
"""A configuration is swapped whole: by SIGHUP and by config.apply; a bad one changes nothing; and restarts have it."""
import signal

from center import MINIMAL, CenterTest, Client, main, until

TEXT = MINIMAL.read_text()
MORE = TEXT.replace("      - name: second\n", "      - name: second\n      - name: night\n")
BAD = TEXT.replace("order: strict", "order: strictest").replace("      - name: second\n", "      - naem: second\n")


def document(text):
    lines = text.split("  default: &workspace\n")[1].split("  other:")[0].splitlines()
    return "\n".join(line[4:] for line in lines) + "\n"


class Reload(CenterTest):
    def queues(self, desk):
        return {row["queue"] for row in desk.call("queue.list")["queues"]}

    def test_sighup_takes_a_good_file_and_leaves_a_bad_one(self):
        server = self.start(TEXT, journal="file")
        desk = Client(server, "supervisor")
        shop = Client(server, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat", queue="second")
        self.assertNotIn("night", self.queues(desk))

        server.config.write_text(BAD)
        logged = len(server.log())
        server.signal(signal.SIGHUP)
        until(lambda: "reload_refused" in server.log()[logged:], "the log to say that the file was refused")
        complaints = server.log()[logged:]
        for wrong in ("strictest", "naem"):  # every error in one go
            line = next(i for i, text in enumerate(BAD.splitlines(), start=1) if wrong in text)
            self.assertRegex(complaints, rf'"line":{line},.*{wrong}')
        self.assertEqual(len(self.queues(desk)), 6)
        self.assertEqual(shop.call("contact.submit", id="k2", channel="chat", queue="second")["queue"], "second")

        server.config.write_text(MORE)
        server.signal(signal.SIGHUP)
        until(lambda: "night" in self.queues(desk) or desk.call("ping") and None, "the new queue")
        self.assertEqual(shop.call("contact.submit", id="k3", channel="chat", queue="night")["queue"], "night")
        self.assertEqual(shop.call("contact.get", contact="k1")["state"], "waiting")

    def test_apply_is_a_fact_that_restarts_have(self):
        server = self.start(TEXT, journal="file")
        admin = Client(server, "admin")
        other = Client(server, "supervisor", workspace="other")
        refusal = admin.refusal("config.apply", text=document(BAD))
        self.assertEqual((refusal["code"], refusal["field"]), ("invalid", "text"))
        self.assertIn("strictest", refusal["message"] + refusal.get("reason", ""))
        self.assertEqual(len(self.queues(admin)), 6)

        version = admin.call("config.apply", text=document(MORE))["version"]
        self.assertIn("night", self.queues(admin))
        self.assertNotIn("night", self.queues(other), "this workspace only")

        # The file is the same as before: what was applied wins over it.
        server.kill()
        server.start()
        admin = Client(server, "admin")
        self.assertIn("night", self.queues(admin))
        again = admin.call("config.apply", text=document(MORE) + "\n# the same, written differently\n")["version"]
        self.assertGreaterEqual(again, version)

    def test_a_removed_queue_loses_nobody(self):
        server = self.start(MORE, journal="file")
        shop = Client(server, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat", queue="night")
        admin = Client(server, "admin")
        admin.call("config.apply", text=document(TEXT))
        row = shop.call("contact.get", contact="k1")
        self.assertEqual(row["state"], "waiting")


if __name__ == "__main__":
    main()

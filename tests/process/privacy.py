#!/usr/bin/python3
"""The log has no personal data: whatever customers, agents and strangers say, none of it is ever in what the server writes.

Every text that a client can send bears a canary. After requests of every kind, refused and granted, after invalid bytes, a full
disk, kill -9, a damaged journal and bad configurations, all at the level `debug`, no canary may have been heard in the log.
"""
import json
import re
import resource
import signal

import msgpack

from center import MINIMAL, ROOT, CenterTest, Client, Refused, main, until

CANARY, CHINESE = "canary", "金丝雀"
HEARD = re.compile(rf"[^\n]*(?:{CANARY}|{CHINESE}|\\u91d1|6361 ?6e61|63 61 6e 61 72 79)[^\n]*", re.IGNORECASE)
ROLES = ("connector", "agent", "supervisor", "admin")


def canary(where):
    return f"{CANARY} {where} {CHINESE}"


def parameters():
    """Every method with its parameters, as PROTOCOL.md lists them."""
    manual = (ROOT / "proto" / "PROTOCOL.md").read_text()
    section = manual.split("<!-- generated: parameters -->")[1].split("<!-- end -->")[0]
    methods = {}
    for part in section.split("#### `")[1:]:
        methods[part.split("`")[0]] = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    return methods


class Privacy(CenterTest):
    def quiet(self):
        """Nothing was heard so far."""
        heard = HEARD.search(self.server.log())
        self.assertIsNone(heard, heard and f"the log says: {heard.group()}")

    def events(self):
        return {json.loads(line)["event"] for line in self.server.log().splitlines() if line.startswith("{")}

    def reasons(self):
        lines = (json.loads(line) for line in self.server.log().splitlines() if line.startswith("{"))
        return {line["reason"] for line in lines if line["event"] == "session_ended"}

    def serve(self, text=None):
        text = text or MINIMAL.read_text()
        self.server = self.start(text, journal="file", options=("--log-level", "debug"))

    def client(self, role, **hello):
        return Client(self.server, role, **{"name": canary("name of a client")[:60], **hello})

    def try_call(self, client, method, **params):
        try:
            return client.call(method, **params)
        except Refused as refused:
            return refused.error

    def submit(self, shop, name, **more):
        return shop.call("contact.submit", **{
            "id": canary(f"id {name}"), "channel": "chat", "subject": canary("subject"), "text": canary("text"), "payload": canary("payload").encode(),
            "customer": {"id": canary("customer"), "tier": canary("tier"), "attributes": {canary("key"): canary("value")}},
            "attributes": {canary("attribute"): canary("its value"), "n": 1}, "issue": canary("issue"), "language": canary("language"),
            "parent": canary("parent"), "reopens": canary("reopens"), **more})["contact"]

    def test_of_contacts_and_agents(self):
        """Whole lives, each step with words of its own."""
        self.serve()
        admin, desk, shop = self.client("admin"), self.client("supervisor"), self.client("connector")
        ana, bo = canary("ana"), canary("bo")
        for agent in (ana, bo):
            admin.call("agent.put", agent=agent, name=canary("agent's name"), address=canary("address"), skills={canary("skill"): 3, "refund": 3})
        people = {}
        for agent in (ana, bo):
            people[agent] = self.client("agent")
            people[agent].call("agent.sign_in", agent=agent, state="available", address=canary("desk"), reason=canary("sign-in"))
        desk.call("agent.set_state", agent=bo, state="away", reason=canary("away"))
        first = self.submit(shop, 1, preferred_agent=ana)
        offer = people[ana].notice("offer", contact=first)
        self.assertIn(CANARY, offer["text"] + offer["subject"], "the canaries are in what agents see")
        people[ana].call("offer.decline", offer=offer["offer"], reason=canary("decline"))
        people[bo].call("agent.set_state", state="available", reason=canary("back"))
        offer = people[bo].notice("offer", contact=first)
        people[bo].call("offer.accept", offer=offer["offer"])
        shop.call("contact.update", contact=first, text=canary("new text"), attributes={"m": canary("new value")}, payload=canary("new payload"),
                  subject=canary("new subject"), customer={"attributes": {"k": canary("customer's value")}})
        people[bo].call("contact.transfer", contact=first, queue="second", reason=canary("transfer"), note=canary("note"))
        offer = people[bo].notice("offer", contact=first)
        people[bo].call("offer.accept", offer=offer["offer"])
        people[bo].call("contact.requeue", contact=first, reason=canary("requeue"), note=canary("second note"))
        offer = people[bo].notice("offer", contact=first)
        people[bo].call("offer.accept", offer=offer["offer"])
        people[bo].call("contact.complete", contact=first, disposition=canary("disposition"), wrap_up_ms=60000)
        shop.call("contact.rate", contact=first, score=1, kind=canary("rating"), comment=canary("comment"))
        shop.call("contact.end", contact=first, reason=canary("end"))
        people[bo].call("contact.wrapped_up", contact=first)
        for agent in people.values():
            agent.call("agent.set_state", state="away", reason=canary("pause"))
        second = self.submit(shop, 2)
        desk.call("contact.move", contact=second, queue="fifo")
        shop.call("contact.cancel", contact=second, reason=canary("cancel"))
        self.submit(shop, 3, queue="second")
        for method in ("queue.list", "agent.list", "contact.list", "stats"):
            desk.call(method)
        self.client("agent").call("agent.sign_in", agent=ana)
        people[ana].notice("signed_out")
        people[ana].wait_closed()
        people[bo].drop()
        admin.call("agent.remove", agent=ana)
        self.quiet()
        self.assertLessEqual({"session_opened", "session_ended", "config_applied"}, self.events())
        # And what a start reads, it does not tell; nor what it says of a journal that is damaged.
        self.server.kill()
        self.server.start()
        self.assertEqual(Client(self.server, "supervisor").call("contact.get", contact=second)["state"], "cancelled")
        self.assertEqual(self.server.stop(), 0)
        self.quiet()
        segment = min((self.server.folder / "journal").glob("*.segment"))
        damaged = bytearray(segment.read_bytes())
        damaged[damaged.index(canary("note").encode())] ^= 1
        segment.write_bytes(damaged)
        self.server.start(ready=False)
        self.assertNotEqual(self.server.wait_end(), 0)
        self.assertIn("cannot_start", self.events())
        self.quiet()

    def test_of_refusals(self):
        """Every parameter of every method, by every role: of the wrong type, unknown, too long."""
        self.serve()
        methods = parameters()
        self.assertGreater(len(methods), 30)
        asked = 0
        for role in ROLES:
            client = self.client(role)
            for method, names in methods.items():
                if method in ("hello", "goodbye"):
                    continue
                self.try_call(client, method, **{name: canary(name) for name in names})
                for name in names:
                    for value in (canary(name), canary(name) * 300, {canary(name): canary(name)}, [canary(name)], canary(name).encode()):
                        self.try_call(client, method, **{"contact": canary("contact"), name: value, canary("key"): 1})
                        asked += 1
            for method in (canary("method"), "contact." + CANARY, CANARY * 100):
                self.assertEqual(client.refusal(method)["code"], "unknown_method")
            client.call("goodbye")
        print(f"{asked} requests that could not be granted", flush=True)
        for hello in ({"workspace": CANARY}, {"role": CANARY}, {"token": canary("token")}, {"protocol": CANARY}, {"name": canary("n") * 99},
                      {"epoch": 2 ** 50, "seq": 7}):
            client = Client(self.server)
            self.try_call(client, "hello", **{"protocol": 1, "role": "connector", "workspace": "default", "name": canary("name"), **hello})
            client.close()
        self.quiet()

    def test_of_bytes_that_are_no_requests(self):
        self.serve(MINIMAL.read_text().replace("  heartbeat: 1s\n", "  heartbeat: 200ms\n  limits: {frame: 8KiB, in_flight: 4}\n"))
        word = canary("bytes").encode()
        text = msgpack.packb(word.decode())
        submit = b"\x94\x00\x02" + msgpack.packb("contact.submit") + b"\x91\x81" + msgpack.packb("text")
        for data in (word, b"\xc1" + word, text * 20, b"\x94\x00\xa1x" + text * 3, b"\x95\x00\x01" + text * 3, submit + b"\xdb\xff\xff\xff\xff" + word,
                     submit + b"\xd9\x40" + word + b"\xff\xfe" * 40, submit + b"\x91" * 40 + text, submit + text * 1000,
                     submit + msgpack.packb(word.decode() * 500), b"\x93\x02" + text + b"\x91\x80", b"\x94\x01\x01" + text + text,
                     b"\x94\x00\x02" + msgpack.packb(word) + b"\x91\x80", submit + b"\xc7\x20\x05" + word):
            for greeting in ({}, {"role": "connector"}):
                client = Client(self.server, **greeting)
                try:
                    client.send_bytes(data)
                    while client.read(0.02):
                        pass
                    client.send_bytes(text)
                except OSError:
                    pass
                client.close()
        # Half a frame that stays one; silence; too many requests; and one that does not listen.
        half, silent = Client(self.server, "connector"), Client(self.server, "agent")
        half.send_bytes(submit + b"\xd9\xff" + word)
        half.wait_closed()
        silent.wait_closed()
        with Client(self.server, "admin") as admin:
            admin.call("agent.put", agent=CANARY, queues=["strict"])
        many = Client(self.server, "agent")
        many.call("agent.sign_in", agent=CANARY, mode="pull")
        many.send_bytes(b"".join(msgpack.packb([0, n, "agent.pull", [{"wait_ms": 60000}]]) for n in range(100, 109)))
        many.wait_closed()
        self.assertLessEqual({"bad_bytes", "too_large", "too_deep", "too_many", "silent", "client_closed"}, self.reasons())
        self.quiet()

    def test_of_a_full_disk(self):
        self.serve()
        shop = self.client("connector")
        pid = self.server.process.pid
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (256 * 1024, hard))

        def failed():
            try:
                self.submit(shop, "full", id=None, queue="second", text=canary("text") * 300)
            except (Refused, OSError):
                return True
        until(failed, "the disk to be full")
        until(lambda: "journal_failed" in self.events(), "the log to say so")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        self.server.wait_ready()
        self.quiet()

    def test_of_configurations(self):
        """A file's mistakes are told with line and column; what stands beside them is not."""
        agents = f"    agents:\n      - {{id: a1, name: {CANARY} {CHINESE}, address: \"{CANARY}\"}}\n"
        rules = f"    classification:\n      tier_rules:\n        - {{customer_id: {CANARY}, tier: vip}}\n"
        text = MINIMAL.read_text().replace("\n  other:", f"\n{agents}{rules}\n  other:")
        self.serve(text)
        admin = self.client("admin")
        document = "\n".join(line[4:] for line in text.split("  default: &workspace\n")[1].split("  other:")[0].splitlines())
        self.assertEqual(admin.call("config.check", text=document)["errors"], [])
        admin.call("config.apply", text=document + f"\n# {CANARY}\n")
        for bad in (document.replace("order: strict", "order: strictest"), canary("not YAML: ["), document + f"\n{CANARY}: 1\n", ""):
            self.assertTrue(admin.call("config.check", text=bad)["errors"])
            self.assertEqual(admin.refusal("config.apply", text=bad)["code"], "invalid")
        self.server.config.write_text(text.replace("order: strict", "order: strictest"))
        self.server.signal(signal.SIGHUP)
        until(lambda: "reload_refused" in self.events(), "the reload to be refused")
        self.server.kill()
        self.server.start(ready=False)
        self.assertNotEqual(self.server.wait_end(), 0)
        self.assertIn("strictest", self.server.log())
        self.quiet()

    def test_the_ear_hears(self):
        """The search of this test finds what it is to find."""
        for word in (canary("x"), json.dumps(canary("x")), CHINESE, json.dumps(CHINESE), canary("x").upper(), CANARY.encode().hex(" ")):
            self.assertRegex(f"one\n{{\"words\":\"{word}\"}}\n", HEARD)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The limits that hello announces hold: of fields with the connection kept, of frames and requests in flight without."""
import msgpack

from center import CenterTest, Client, MINIMAL, agent, main, pages, until

TIGHT = MINIMAL.read_text().replace(
    "  heartbeat: 1s\n",
    "  heartbeat: 30s\n  connections: 8\n  limits: {frame: 4096, text: 1000, in_flight: 10, id: 16, attributes: 3, attribute: 20, note: 64}\n")


class Limits(CenterTest):
    def setUp(self):
        self.server = self.start(TIGHT)

    def test_hello_announces_them(self):
        with Client(self.server, "connector") as shop:
            self.assertEqual(shop.hello["max_frame"], 4096)
            limits = shop.hello["limits"]
            self.assertEqual((limits["text"], limits["in_flight"], limits["id"], limits["nesting"]), (1000, 10, 16, 16))

    def test_a_field_too_large_costs_the_request_only(self):
        with Client(self.server, "connector", name="shop") as shop:
            rows = (({"text": "x" * 1000}, {"text": "x" * 1001}, "text"),
                    ({"text": "包" * 333}, {"text": "包" * 334}, "text"),
                    ({"id": "i" * 16}, {"id": "i" * 17}, "id"),
                    ({"attributes": {"a": 1, "b": 2, "c": 3}}, {"attributes": {"a": 1, "b": 2, "c": 3, "d": 4}}, "attributes"),
                    ({"attributes": {"a": "x" * 15}}, {"attributes": {"a": "x" * 25}}, "attributes"))
            for fits, too_large, field in rows:
                self.assertIn("contact", shop.call("contact.submit", channel="chat", **fits))
                error = shop.refusal("contact.submit", channel="chat", **too_large)
                self.assertEqual(error["code"], "too_large", error)
                self.assertEqual(error["field"].split(".")[0], field)
            contact = shop.call("contact.submit", channel="chat")["contact"]
            self.assertEqual(shop.refusal("contact.cancel", contact=contact, reason="r" * 65)["field"], "reason")
            shop.call("contact.cancel", contact=contact, reason="r" * 64)

    def test_a_frame_too_large_costs_the_connection(self):
        with Client(self.server, "connector", name="shop") as shop:
            number = shop.send("contact.submit", channel="chat", text="x" * 5000)
            shop.wait_closed()
            codes = [error["code"] for n, (error, _) in shop.answers.items() if n in (number, 0)]
            self.assertEqual(codes, ["too_large"])

    def test_nesting_too_deep_costs_the_connection(self):
        deep = 1
        for _ in range(16):
            deep = [deep]
        with Client(self.server, "connector", name="shop") as shop:
            shop.send("contact.submit", channel="chat", unknown=deep)
            shop.wait_closed()
            self.assertEqual([error["code"] for error, _ in shop.answers.values()], ["too_large"])

    def test_too_many_requests_in_flight_cost_the_connection(self):
        """agent.pull is what can be in flight for long; requests that wait for the journal do not count."""
        ana = agent(self.server, "ana", sign_in={"mode": "pull"})
        with Client(self.server, "connector", name="shop") as shop:
            frames = [msgpack.packb([0, n, "contact.submit", [{"channel": "chat"}]]) for n in range(100, 150)]
            shop.send_bytes(b"".join(frames))
            shop.wait_for(lambda: len(shop.answers) == 50, "fifty answers")
            self.assertEqual([error for error, _ in shop.answers.values() if error], [])
        held = [ana.wait(ana.send("agent.pull", max=9, wait_ms=0))["offers"]][0]
        self.assertTrue(held)
        idle = agent(self.server, "idle", sign_in={"mode": "pull"}, queues=["strict"])
        for _ in range(12):
            idle.send("agent.pull", max=1, wait_ms=60000)
        idle.wait_closed()
        codes = {error["code"] for error, _ in idle.answers.values() if error}
        self.assertIn("rate_limited", codes)
        ana.call("ping")

    def test_a_search_among_many_is_answered_in_pieces(self):
        """Nobody waits for a supervisor who looks for a contact that is among the last of many, or not there."""
        server = self.start(MINIMAL.read_text(encoding="utf-8"))
        shop = Client(server, "connector", name="shop", notify="none")
        many = 25_000
        for begin in range(0, many, 1000):
            for number in [shop.send("contact.submit", id=f"k{i}", channel="email", **({"customer": {"tier": "gold"}} if i == many - 1 else {}))
                           for i in range(begin, begin + 1000)]:
                shop.wait(number)
        desk = Client(server, "supervisor")
        first = desk.call("contact.list", tier="gold")
        self.assertEqual(first["contacts"], [])
        self.assertTrue(first["next"])
        self.assertEqual([row["contact"] for row in pages(desk, "contact.list", "contacts", tier="gold")], [f"k{many - 1}"])
        self.assertEqual(pages(desk, "contact.list", "contacts", tier="vip"), [])
        self.assertEqual(len(pages(desk, "contact.list", "contacts", limit=1000)), many)

    def test_more_connections_than_allowed_are_closed_at_once(self):
        crowd = [Client(self.server, "supervisor") for _ in range(7)]
        extra = []

        def full():
            client = Client(self.server)
            extra.append(client)
            client.read(0.2)
            return client.ended
        until(full, "a connection too many to be closed")
        for client in crowd:
            client.call("ping")
        for client in extra + crowd[:3]:
            client.close()

        def room_again():
            try:
                return Client(self.server, "supervisor").call("ping")
            except OSError:
                return None
        until(room_again, "room for others")


if __name__ == "__main__":
    main()

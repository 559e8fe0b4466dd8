#!/usr/bin/python3
"""SIGTERM: what is under way is finished, nothing is left half-made, the journal is closed, exit status 0."""
import signal

from center import CenterTest, Client, Refused, agent, main, until


class Drain(CenterTest):
    def test_everything_answered_is_there_afterwards(self):
        server = self.start(journal="file")
        ana = agent(server, "ana", sign_in={"receipts": True})
        bo = agent(server, "bo", sign_in={"state": "away"})
        shop = Client(server, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat")
        ana.call("offer.accept", offer=ana.notice("offer", contact="k1")["offer"])
        numbers = [shop.send("contact.submit", id=f"b{i}", channel="email", queue="second") for i in range(300)]
        server.signal(signal.SIGTERM)

        for client in (ana, bo, shop):
            client.wait_for(lambda client=client: client.ended or any(kind == "draining" for kind, _ in client.notices),
                            "to hear of the drain")
        self.assertEqual(server.wait_end(), 0)
        for client in (ana, bo, shop):
            client.wait_closed()
        # Each was answered, or refused without effect, or not answered at all; what was answered is there.
        fates = {}
        for i, number in enumerate(numbers):
            error, result = shop.answers.get(number, (None, None))
            fates[f"b{i}"] = "kept" if result else error["code"] if error else "unknown"
        self.assertLessEqual(set(fates.values()), {"kept", "draining", "unavailable", "unknown"}, fates)

        server.start()
        again = Client(server, "agent")
        held = again.call("agent.sign_in", agent="ana")["held"]
        self.assertEqual([offer["contact"] for offer in held if offer["state"] == "active"], ["k1"])
        shop = Client(server, "connector", name="shop")
        for name, fate in fates.items():
            if fate == "kept":
                self.assertIn(shop.call("contact.get", contact=name)["state"], ("waiting", "offered"))
            elif fate != "unknown":
                self.assertEqual(shop.refusal("contact.get", contact=name)["code"], "not_found")

    def test_no_offer_is_half_made(self):
        """An offer that its agent heard of before the stop is answered, or is over and the contact back in its place."""
        server = self.start(journal="file")
        ana = agent(server, "ana")
        shop = Client(server, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat")
        offer = ana.notice("offer", contact="k1")
        server.signal(signal.SIGTERM)
        accepted = False
        try:
            accepted = ana.call("offer.accept", offer=offer["offer"])["state"] == "active"
        except Refused as refused:
            self.assertIn(refused.code, ("draining", "unavailable", "gone"))
        except OSError:
            pass
        self.assertEqual(server.wait_end(), 0)
        server.start()
        shop = Client(server, "connector", name="shop")
        if accepted:
            self.assertEqual(shop.call("contact.get", contact="k1")["state"], "active")
        until(lambda: shop.call("contact.get", contact="k1")["state"] == "waiting", "k1 to be in line")

    def test_no_hello_while_draining(self):
        """A newcomer is refused with words, or finds nobody listening; never is it kept waiting."""
        server = self.start()
        early = Client(server)
        server.signal(signal.SIGTERM)
        try:
            early.call("hello", protocol=1, role="agent", workspace="default")
        except Refused as refused:
            self.assertIn(refused.code, ("draining", "unavailable"))
        except OSError:
            pass
        early.wait_closed()
        self.assertEqual(server.wait_end(), 0)

    def test_a_hello_in_the_moment_of_the_drain(self):
        """It asks where the node listens when that is closed already: it is answered or cut off, and nothing breaks."""
        for _ in range(10):
            server = self.start()
            server.signal(signal.SIGSTOP)
            try:
                clients = [Client(server) for _ in range(16)]
                for client in clients:
                    client.send("hello", protocol=1, role="admin", workspace="default", standby=True)
                server.signal(signal.SIGTERM)
            finally:
                server.signal(signal.SIGCONT)
            for client in clients:
                client.wait_closed()
            self.assertEqual(server.wait_end(), 0)

    def test_an_idle_server_stops_at_once_and_sigint_is_the_same(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start(journal="file")
            server.signal(number)
            self.assertEqual(server.wait_end(10), 0)


if __name__ == "__main__":
    main()

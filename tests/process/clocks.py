#!/usr/bin/python3
"""The clocks of minimal.yaml as clients see them: none runs out early, and none is forgotten.

A clock begins at the server between a client's request and its answer. So it may not run out before its time has passed since the
request was sent; and it must run out within a bound that is generous, because the machine may be busy.
"""
import time

from center import CenterTest, Client, agent, main

GENEROUS = 10.0  # seconds; a server that forgets a clock is as late as can be
ROUNDING = 0.002  # times are whole milliseconds at both ends

DELIVERY, ANSWER, COOL_DOWN, GRACE, WRAP_UP, HEARTBEAT, HELLO = 0.3, 0.5, 1.0, 0.7, 0.3, 1.0, 5.0


class Clocks(CenterTest):
    def setUp(self):
        self.server = self.start()
        self.admin = Client(self.server, "admin")
        self.shop = Client(self.server, "connector", name="shop")
        self.count = 0

    def submit(self, **fields):
        """The contact, and the moment before anything about it began."""
        self.count += 1
        name = f"k{self.count}"
        began = time.monotonic()
        self.shop.call("contact.submit", id=name, channel="email", **fields)
        return name, began

    def check(self, what, began, seconds):
        took = time.monotonic() - began
        print(f"{what}: {took * 1000:.1f} ms of {seconds * 1000:.0f}", flush=True)
        self.assertGreaterEqual(took, seconds - ROUNDING, f"{what} ran out early")
        self.assertLess(took, seconds + GENEROUS, f"{what} ran out late")

    def test_an_offer_that_no_desktop_shows(self):
        """The delivery clock; it costs the agent nothing."""
        ana = agent(self.server, "ana", admin=self.admin, sign_in={"receipts": True})
        for _ in range(3):
            contact, began = self.submit()
            offer = ana.notice("offer", contact=contact)
            self.assertLessEqual(offer["expires_ms"], DELIVERY * 1000)
            ana.notice("offer.withdrawn", contact=contact, reason="undelivered")
            self.check("delivery clock", began, DELIVERY)
            self.assertEqual(self.admin.call("agent.get", agent="ana")["state"], "available")
            self.shop.call("contact.cancel", contact=contact)

    def test_an_offer_that_nobody_answers(self):
        """The answer clock, from the receipt where there is one; the agent is put away."""
        ana = agent(self.server, "ana", admin=self.admin, sign_in={"receipts": True})
        bo = agent(self.server, "bo", admin=self.admin, queues=["second"])
        for client, queue in ((ana, "general"), (bo, "second")) * 2:
            client.call("agent.set_state", state="available")
            contact, began = self.submit(queue=queue)
            offer = client.notice("offer", contact=contact)["offer"]
            if client is ana:
                began = time.monotonic()
                client.call("offer.received", offer=offer)
            client.notice("offer.withdrawn", contact=contact, reason="timed_out")
            self.check("answer clock", began, ANSWER)
            self.assertEqual(self.admin.call("agent.get", agent="ana" if client is ana else "bo")["state"], "away")
            self.shop.call("contact.cancel", contact=contact)

    def test_who_declined_is_asked_again(self):
        """The cool-down, where there is nobody else."""
        ana = agent(self.server, "ana", admin=self.admin)
        contact, _ = self.submit()
        for _ in range(2):
            offer = ana.notice("offer", contact=contact)["offer"]
            began = time.monotonic()
            ana.call("offer.decline", offer=offer)
            ana.notices.clear()
            self.shop.notice("contact.changed", contact=contact, state="waiting")
            self.shop.notice("contact.changed", contact=contact, state="offered")
            if not ana.notices:
                ana.wait_for(lambda: ana.notices, "the next offer")
            self.check("cool-down", began, COOL_DOWN)

    def test_an_agent_whose_connection_ends(self):
        """Its offers go at once; its work when the grace is over, and stays when it is back before."""
        ana = agent(self.server, "ana", admin=self.admin)
        work, _ = self.submit()
        ana.call("offer.accept", offer=ana.notice("offer", contact=work)["offer"])
        offered, _ = self.submit()
        ana.notice("offer", contact=offered)
        ana.drop()
        self.shop.notice("contact.changed", contact=offered, state="waiting")
        self.assertEqual(self.shop.call("contact.get", contact=work)["state"], "active")
        ana = Client(self.server, "agent")
        held = ana.call("agent.sign_in", agent="ana")
        self.assertEqual([(row["contact"], row["state"]) for row in held["held"] if row["contact"] == work], [(work, "active")])
        self.shop.notices.clear()
        began = time.monotonic()
        ana.drop()
        self.shop.notice("contact.changed", contact=work, state="waiting")
        self.check("grace", began, GRACE)
        self.assertEqual(self.admin.call("agent.get", agent="ana")["state"], "signed_out")

    def test_work_after_the_contact(self):
        """The queue's wrap-up, and one that the agent asks for."""
        ana = agent(self.server, "ana", admin=self.admin)
        for wish, seconds in (({}, WRAP_UP), ({"wrap_up_ms": 150}, 0.15)):
            contact, _ = self.submit(queue="fifo")
            ana.call("offer.accept", offer=ana.notice("offer", contact=contact)["offer"])
            began = time.monotonic()
            self.assertEqual(ana.call("contact.complete", contact=contact, **wish)["state"], "wrapping")
            self.shop.notice("contact.changed", contact=contact, state="completed")
            self.check("wrap-up", began, seconds)

    def test_contacts_that_have_times_of_their_own(self):
        contact, began = self.submit(expires_ms=250)
        self.shop.notice("contact.changed", contact=contact, state="expired")
        self.check("expiry", began, 0.25)
        asked = time.monotonic()
        at = self.shop.call("ping")["now_at"] + 400
        contact, _ = self.submit(not_before_at=at)
        self.shop.notice("contact.changed", contact=contact, state="waiting")
        self.check("schedule", asked, 0.4)
        self.assertGreaterEqual(self.shop.call("ping")["now_at"], at)

    def test_a_pull_that_finds_nothing(self):
        ana = agent(self.server, "ana", admin=self.admin, sign_in={"mode": "pull"})
        for wait in (0, 100, 400):
            began = time.monotonic()
            self.assertEqual(ana.call("agent.pull", wait_ms=wait)["offers"], [])
            self.check("pull", began, wait / 1000)

    def test_who_is_silent_is_cut_off(self):
        """After three heartbeats, not sooner; any bytes are a sign of life. And no hello: after its own time."""
        mute = Client(self.server)
        opened = time.monotonic()
        silent, trickling = Client(self.server, "connector"), Client(self.server, "connector")
        self.assertEqual(silent.hello["heartbeat_ms"], HEARTBEAT * 1000)
        began = time.monotonic()
        silent.call("ping")
        last = began

        def wait_closed(client):
            """While another says something now and then, if only a byte of a notification that is no use to anybody."""
            nonlocal last
            while not client.ended:
                client.read(0.05)
                if time.monotonic() - last > HEARTBEAT / 2:
                    last = time.monotonic()
                    trickling.send_bytes(b"\x93\x02\xa1x\x90")
                    self.admin.call("ping")
                    self.shop.call("ping")
                self.assertLess(time.monotonic() - began, HELLO + GENEROUS)

        wait_closed(silent)
        self.check("three heartbeats", began, 3 * HEARTBEAT)
        wait_closed(mute)
        self.check("no hello", opened, HELLO)
        trickling.call("ping")


if __name__ == "__main__":
    main()

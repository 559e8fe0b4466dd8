#!/usr/bin/python3
"""What others read in Redis while routers work: queues and agents, by any client of Redis."""
import json

from center import Client, agent, main, until
from shared import SharedTest

QUEUES, AGENTS = "switchboard:{default}:queues", "switchboard:{default}:agents"


class Presence(SharedTest):
    def rows(self, redis, key):
        words = redis("HGETALL", key)
        return {name: json.loads(row) for name, row in zip(words[::2], words[1::2])}

    def wait_row(self, redis, key, name, **fields):
        """Until that row says so; the row."""
        def found():
            row = self.rows(redis, key).get(name)
            return row if row and all(row.get(field) == value for field, value in fields.items()) else None
        return until(found, f"{name} in {key} to say {fields}")

    def test_queues_and_agents(self):
        redis = self.redis()
        owner, standby = self.owner_of("default", self.node("a", redis), self.node("b", redis))
        until(lambda: redis("EXISTS", QUEUES), "the queues to be there")
        self.assertEqual(set(self.rows(redis, QUEUES)), {"general", "second", "refunds", "strict", "fifo", "tiny"})
        self.assertEqual(redis("EXISTS", AGENTS), 0)

        ana = agent(owner, "ana", skills={"refund": 3})
        agent(owner, "bo", sign_in={"state": "away", "reason": "lunch"})
        self.wait_row(redis, AGENTS, "ana", state="available", used=0, units=100)
        self.wait_row(redis, AGENTS, "bo", state="away", reason="lunch")
        self.wait_row(redis, QUEUES, "general", waiting=0, offered=0, active=0, oldest_wait_ms=0, agents_available=1)
        self.wait_row(redis, QUEUES, "refunds", agents_available=1)

        shop = Client(owner, "connector", name="shop")
        shop.call("contact.submit", id="k1", channel="chat")
        ana.call("offer.accept", offer=ana.notice("offer")["offer"])
        ana.call("agent.set_state", state="away", reason="notes")
        shop.call("contact.submit", id="k2", channel="chat")
        self.wait_row(redis, AGENTS, "ana", state="away", reason="notes", used=34, units=100)
        row = self.wait_row(redis, QUEUES, "general", waiting=1, active=1, agents_available=0)
        until(lambda: self.rows(redis, QUEUES)["general"]["oldest_wait_ms"] > row["oldest_wait_ms"], "the wait to grow")
        for key in (QUEUES, AGENTS):
            self.assertIn(redis("TTL", key), range(1, 11))

        # Whoever owns it next goes on with it.
        self.cli(owner, "node", "drain")
        standby.client("supervisor").close()
        there = agent(standby, "ana", sign_in={"state": "away", "reason": "here now"})
        self.wait_row(redis, AGENTS, "ana", state="away", reason="here now")
        self.wait_row(redis, QUEUES, "general", waiting=1)
        with Client(standby, "admin") as admin:
            admin.call("agent.remove", agent="bo")
        until(lambda: "bo" not in self.rows(redis, AGENTS), "bo to be gone")
        there.close()

    def test_nobody_owns_it(self):
        """What a dead node has left ends by itself."""
        redis = self.redis()
        node = self.node("a", redis)
        until(lambda: redis("EXISTS", QUEUES), "the queues to be there")
        node.kill()
        until(lambda: not redis("EXISTS", QUEUES), "the queues to be gone")


if __name__ == "__main__":
    main()

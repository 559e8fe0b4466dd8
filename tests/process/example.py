#!/usr/bin/python3
"""What a newcomer does first works as written: the tour of the README, and the example with its messages."""
import json
import re
import subprocess
import sys

from center import BIN, DEADLINE, ROOT, CenterTest, Client, main

AFTER_SALES = ROOT / "deploy" / "after-sales.yaml"
MESSAGES = ROOT / "deploy" / "messages" / "after-sales.jsonl"
README = (ROOT / "README.md").read_text()


def run(command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=2 * DEADLINE, check=False, **options)


class Example(CenterTest):
    def test_the_tour_of_the_readme(self):
        server = self.start(AFTER_SALES, workspace="after-sales")
        tour = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
        self.assertIn("7700", tour)
        answer = run([sys.executable, "-c", tour.replace("7700", str(server.port))])
        self.assertEqual(answer.returncode, 0, answer.stdout)
        promised = re.search(r"It prints\n\n((?:    .*\n)+)", README).group(1)
        lines = [line.strip() for line in promised.splitlines()]
        for said, line in zip(answer.stdout.splitlines(), lines, strict=True):
            pattern = re.escape(line).replace(re.escape("{...}"), r"\{.*\}").replace("0\\ ms", r"\d+\ ms")
            self.assertRegex(said, f"^{pattern}$")

    def test_the_messages_get_the_issue_that_a_person_would_name(self):
        messages = [json.loads(line) for line in MESSAGES.read_text().splitlines()]
        self.assertGreaterEqual(len(messages), 300)
        with open(MESSAGES, encoding="utf-8") as lines:
            answer = subprocess.run([BIN / "switchboard-cli", "classify", "--config", AFTER_SALES, "--json"], stdin=lines,
                                    stdout=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
        answers = [json.loads(line) for line in answer.stdout.splitlines()]
        self.assertEqual(len(answers), len(messages))
        expected = [m for m in messages if "expect" in m]
        wrong = [f"line {line}: {a['issue']} instead of {m['expect']['issue']}, {a['why']['issue']}: {m['text']}"
                 for line, (m, a) in enumerate(zip(messages, answers), 1)
                 if "expect" in m and a["issue"] != m["expect"]["issue"]]
        right = len(expected) - len(wrong)
        print(f"{right} of {len(expected)} messages got the issue that a person would name", *wrong, sep="\n", flush=True)
        self.assertGreaterEqual(right, 0.95 * len(expected))
        self.assertEqual({m["channel"] for m in messages}, {"voice", "chat", "email", "social", "sms"})
        self.assertEqual({a["language"] for a in answers}, {"zh", "en"})
        self.assertEqual([a for a in answers if a["queue"] == "general" and a["issue"] is not None], [])

    def test_the_example_is_as_large_as_it_says(self):
        server = self.start(AFTER_SALES, workspace="after-sales")
        with Client(server, "supervisor", workspace="after-sales") as desk:
            self.assertGreaterEqual(len(desk.call("queue.list")["queues"]), 20)
            self.assertGreaterEqual(len(desk.call("agent.list")["agents"]), 60)


if __name__ == "__main__":
    main()

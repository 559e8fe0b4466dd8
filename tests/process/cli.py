#!/usr/bin/python3
"""switchboard-cli against a real server: what a person and a script at a terminal see of it."""
import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

from center import BIN, DEADLINE, MINIMAL, ROOT, CenterTest, Client, free_port, main, pages

CLI = str(BIN / "switchboard-cli")
AFTER_SALES = ROOT / "deploy" / "after-sales.yaml"
MESSAGES = ROOT / "deploy" / "messages" / "after-sales.jsonl"
INVALID, UNKNOWN_METHOD, UNAUTHORIZED, NOT_FOUND, CONFLICT = 11, 12, 13, 15, 17

# Clocks for people: nothing here may depend on how fast this machine is.
PATIENT = (MINIMAL.read_text().replace("delivery_clock: 300ms", "delivery_clock: 60s")
           .replace("answer_clock: 500ms", "answer_clock: 60s").replace("wrap_up: 300ms", "wrap_up: 10m")
           .replace("grace: 700ms", "grace: 60s"))


def run(server, *arguments, stdin="", status=0):
    """Standard output; the exit status must be as expected."""
    done = subprocess.run([CLI, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=2 * DEADLINE, text=True, check=False, env=environment(server))
    if done.returncode != status:
        raise AssertionError(f"{arguments}: exit status {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}")
    run.stderr = done.stderr
    return done.stdout


def environment(server):
    return dict(os.environ, SWITCHBOARD_SERVER=server.tcp if server else "tcp://127.0.0.1:9", TZ="UTC")


class Program:
    """One that goes on: its input is ours, its output is read as it comes."""

    def __init__(self, test, server, *arguments, terminal=False):
        self.output = b""
        self.master = None
        if terminal:
            self.master, slave = pty.openpty()
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
            self.process = subprocess.Popen([CLI, *arguments], stdin=slave, stdout=slave, stderr=slave,
                                            env=environment(server), start_new_session=True)
            os.close(slave)
            self.reads = self.writes = self.master
        else:
            self.process = subprocess.Popen([CLI, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, env=environment(server))
            self.reads, self.writes = self.process.stdout.fileno(), self.process.stdin.fileno()
        test.addCleanup(self.end)

    def say(self, words):
        os.write(self.writes, words.encode())

    def finish(self):
        self.process.stdin.close()

    def expect(self, words):
        """Read until the words come; what came up to and with them is gone then."""
        words, deadline = words.encode(), time.monotonic() + DEADLINE
        while words not in self.output:
            ready = select.select([self.reads], [], [], max(0, deadline - time.monotonic()))[0]
            data = b""
            if ready:
                try:
                    data = os.read(self.reads, 1 << 16)
                except OSError:  # the other side of the terminal is closed
                    data = b""
            if not data:
                raise AssertionError(f"waited in vain for {words!r}; there is "
                                     f"{self.output[-3000:].decode(errors='replace')}")
            self.output += data
        before, _, self.output = self.output.partition(words)
        return (before + words).decode()

    def status(self):
        return self.process.wait(timeout=DEADLINE)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        if self.master is not None:
            os.close(self.master)


def put_agent(server, agent, **settings):
    with Client(server, "admin") as admin:
        admin.call("agent.put", agent=agent, **settings)


def contact(server, name):
    with Client(server, "supervisor") as supervisor:
        return supervisor.call("contact.get", contact=name)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class CommandLine(CenterTest):
    def test_help_teaches_every_command(self):
        commands = re.findall(r"^  ([a-z]+) .*  \S", run(None, "--help").split("Commands:")[1].split("\n\n")[0], re.M)
        self.assertEqual(set(commands), {"submit", "agent", "watch", "queues", "agents", "contacts", "contact", "stats",
                                         "call", "methods", "check", "classify", "node"})
        for command in commands:
            self.assertIn(f"switchboard-cli {command}", run(None, command, "--help"))

    def test_what_makes_no_sense_is_said(self):
        run(None, status=2)
        run(None, "sumbit", status=2)
        self.assertIn("sumbit", run.stderr)
        run(None, "submit", "--colour", "red", status=2)
        self.assertIn("--colour", run.stderr)
        run(None, "watch", "--interval", "soon", status=2)
        self.assertIn("soon", run.stderr)
        run(None, "contact", status=2)
        run(None, "call", "queue.list", "[1]", status=2)
        run(None, "call", "queue.list", '{"limit": 1, "limit": 2}', status=2)
        run(None, "call", "ping", status=2)
        run(None, "queues", "--server", "pigeon://coop", status=2)

    def test_nobody_there_is_an_exit_status_of_its_own(self):
        nobody = f"tcp://127.0.0.1:{free_port()}"
        for command in (["queues"], ["call", "queue.list"], ["submit", "--channel", "chat"], ["agent", "ana"],
                        ["submit", "--json"], ["watch", "--once"]):
            run(None, *command, "--server", nobody, "--timeout", "300ms", stdin='{"channel": "chat"}\n', status=3)
            self.assertIn(nobody, run.stderr)

    def test_a_workspace_that_is_not_there_is_refused(self):
        server = self.start()
        run(server, "--workspace", "nowhere", "queues", status=UNAUTHORIZED)
        run(server, "agent", "ana", "--workspace", "nowhere", status=UNAUTHORIZED)
        run(server, "submit", "--json", "--workspace", "nowhere", stdin='{"channel": "chat"}\n', status=UNAUTHORIZED)

    def test_methods_are_those_of_the_protocol(self):
        listed = {line.split()[0] for line in run(None, "methods").splitlines()[1:]}
        manual = (ROOT / "proto" / "PROTOCOL.md").read_text()
        table = manual.split("<!-- generated: methods -->")[1].split("<!-- end -->")[0]
        self.assertEqual(listed, set(re.findall(r"^\| `([a-z_.]+)`", table, re.M)))
        self.assertRegex(run(None, "methods", "contact.rate"), r"score +yes +integer")
        run(None, "methods", "contact.juggle", status=2)


class Submit(CenterTest):
    def test_one_contact_from_options(self):
        server = self.start()
        words = run(server, "submit", "--channel", "chat", "--text", "我的包裹在哪里", "--customer", "c-17", "--tier", "vip",
                    "--id", "k1", "--attribute", "orders=52", "--attribute", "card=gold", "--attribute", 'zip="0815"',
                    "--customer-attribute", "since=2019.5", "--queue", "strict")
        self.assertIn("k1  waiting", words)
        self.assertRegex(words, r"tier +vip  named by the connector")
        self.assertIn("it was there already", run(server, "submit", "--channel", "chat", "--id", "k1"))
        found = contact(server, "k1")
        self.assertEqual((found["queue"], found["text"]), ("strict", "我的包裹在哪里"))
        self.assertEqual(found["attributes"], {"orders": 52, "card": "gold", "zip": "0815"})
        self.assertEqual(found["customer_attributes"], {"since": 2019.5})

    def test_skills_and_a_time_to_come(self):
        server = self.start()
        answer, = lines(run(server, "submit", "--json", "--channel", "voice", "--in", "2h", "--skill", "refund:2"))
        self.assertEqual(answer["state"], "scheduled")
        run(server, "submit", "--channel", "voice", "--skill", "refund:9", status=2)
        run(server, "submit", "--channel", "voice", "--attribute", "loose", status=2)

    def test_a_refusal_has_its_exit_status(self):
        server = self.start()
        run(server, "submit", "--channel", "pigeon", status=INVALID)
        self.assertIn("channel", run.stderr)
        run(server, "submit", "--channel", "chat", "--id", "k1", "--name", "one")
        run(server, "submit", "--channel", "chat", "--id", "k1", "--name", "another", status=CONFLICT)

    def test_every_line_has_its_answer_in_its_place(self):
        server = self.start()
        stdin = '{"channel":"chat"}\n{"channel":"pigeon"}\n{nothing\n[1]\n{"channel":"email","id":"own"}\n{"channel":"chat"}'
        answers = lines(run(server, "submit", "--json", "--id-prefix", "p-", stdin=stdin, status=INVALID))
        self.assertEqual([a.get("contact") for a in answers], ["p-1", None, None, None, "own", "p-6"])
        self.assertEqual(answers[1]["error"]["field"], "channel")
        self.assertIn("message", answers[2]["error"])
        self.assertIn("3 submitted", run.stderr)

    def test_run_again_it_submits_nothing_twice(self):
        server = self.start()
        stdin = "".join(json.dumps({"channel": "chat", "attributes": {"n": n}}) + "\n" for n in range(3000))
        first = lines(run(server, "submit", "--json", "--id-prefix", "p-", stdin=stdin))
        self.assertEqual([a["contact"] for a in first], [f"p-{n + 1}" for n in range(3000)])
        self.assertFalse(any(a["duplicate"] for a in first))
        second = lines(run(server, "submit", "--json", "--id-prefix", "p-", stdin=stdin))
        self.assertEqual([a["contact"] for a in second], [a["contact"] for a in first])
        self.assertTrue(all(a["duplicate"] for a in second))

    # The server is killed while lines are under way: what had no answer is sent again to the next one.
    def test_a_killed_server_costs_no_line(self):
        server = self.start(journal="file")
        program = Program(self, server, "submit", "--json", "--id-prefix", "p-")
        program.say("".join('{"channel":"chat"}\n' for _ in range(400)))
        program.expect("p-10\"")
        server.kill()
        program.expect("the connection is lost")
        program.say("".join('{"channel":"chat"}\n' for _ in range(400)))
        server.start()
        program.finish()
        program.expect("800 submitted")
        self.assertEqual(program.status(), 0)
        with Client(server, "supervisor") as supervisor:
            there = [row["contact"] for row in pages(supervisor, "contact.list", "contacts")]
        self.assertEqual(sorted(there), sorted(f"p-{n + 1}" for n in range(800)))

    def test_follow_tells_the_story_to_its_end(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        program = Program(self, server, "submit", "--channel", "chat", "--id", "k1", "--follow")
        program.expect("k1  waiting")
        desk = Program(self, server, "agent", "ana")
        desk.say("wait\naccept\ncomplete answered\nquit\n")
        program.expect("offered")
        program.expect("active")
        program.expect("completed")
        self.assertEqual(program.status(), 0)


class Call(CenterTest):
    def test_any_method_json_in_and_out(self):
        server = self.start()
        row = json.loads(run(server, "call", "agent.put", '{"agent": "ana", "skills": {"refund": 3}, "capacity": 50}'))
        self.assertEqual((row["agent"], row["units"], row["skills"]), ("ana", 50, {"refund": 3}))
        row = json.loads(run(server, "call", "agent.get", "-", stdin='{"agent":\n"ana"}'))
        self.assertEqual(row["state"], "signed_out")
        row = json.loads(run(server, "call", "agent.set_state", '{"agent": "ana", "state": "away"}', "--agent", "ana"))
        self.assertEqual(row["state"], "away")

    def test_bytes_and_numbers_come_back_as_they_went(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        for payload in (b"", b"\0", b"\xff\xfe", bytes(range(256))):
            coded = base64.b64encode(payload).decode()
            name = f"k{len(payload)}"
            asked = {"channel": "email", "id": name, "payload": {"$base64": coded},
                     "attributes": {"most": 2**53 - 1, "least": 1 - 2**53, "share": 0.1, "none": None, "yes": True,
                                    "quoted": "a\"b\\c\n\u2028\u0085"}}
            run(server, "call", "contact.submit", json.dumps(asked), "--name", "c")
            found = json.loads(run(server, "call", "contact.get", json.dumps({"contact": name})))
            asked["attributes"].pop("none")
            self.assertEqual({k: v for k, v in found["attributes"].items() if v is not None}, asked["attributes"])
            with Client(server, "agent") as desk:
                desk.call("agent.sign_in", agent="ana", state="available")
                offer = desk.notice("offer", contact=name)
                self.assertEqual(offer.get("payload"), payload)
                desk.call("offer.accept", offer=offer["offer"])
                desk.call("contact.complete", contact=name)
                desk.call("agent.sign_out")
        run(server, "call", "contact.submit", '{"channel": "chat", "payload": {"$base64": "no!"}}', status=2)
        run(server, "call", "queue.list", '{"limit": 99999999999999999999}', status=2)

    def test_an_error_is_json_and_an_exit_status(self):
        server = self.start()
        run(server, "call", "contact.juggle", status=UNKNOWN_METHOD)
        self.assertEqual(json.loads(run.stderr)["code"], "unknown_method")
        run(server, "call", "queue.get", '{"queue": "x"}', status=NOT_FOUND)
        run(server, "call", "agent.pull", '{}', "--agent", "nobody", status=NOT_FOUND)
        run(server, "call", "queue.list", "--role", "agent", status=14)


class Desk(CenterTest):
    def work(self, server, agent, *commands, status=0):
        return run(server, "agent", agent, stdin="".join(f"{c}\n" for c in commands), status=status)

    def test_an_offer_is_accepted_and_completed(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        run(server, "submit", "--channel", "chat", "--id", "k1", "--text", "我的包裹在哪里？", "--customer", "c-17")
        words = self.work(server, "ana", "wait", "accept", "show", "held", "complete answered", "held", "quit")
        for line in ("我的包裹在哪里？", "c-17", "  1  active", "  1  completed", "nothing", "signed out"):
            self.assertIn(line, words)
        self.assertEqual(contact(server, "k1")["state"], "completed")

    def test_wrap_up_is_ended_by_the_agent(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        run(server, "submit", "--channel", "chat", "--id", "k1", "--queue", "fifo")
        desk = Program(self, server, "agent", "ana")
        desk.say("wait\na\nu broken\nheld\n")
        desk.expect("  1  wrapping  chat  fifo")
        found = contact(server, "k1")
        self.assertEqual((found["state"], found["disposition"]), ("wrapping", "broken"))
        desk.say("w\nq\n")
        desk.expect("  1  completed")
        self.assertEqual(desk.status(), 0)
        self.assertEqual(contact(server, "k1")["state"], "completed")

    def test_it_goes_on_to_a_queue_an_agent_and_back(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana", queues=["general"])
        put_agent(server, "bo", queues=["second"])
        run(server, "submit", "--channel", "chat", "--id", "k1")
        self.work(server, "ana", "wait", "accept", "transfer second speaks no Chinese", "quit")
        self.assertEqual(contact(server, "k1")["queue"], "second")
        words = self.work(server, "bo", "wait", "accept", "requeue lunch", "wait", "decline not mine", "quit")
        self.assertIn("speaks no Chinese", words)
        found = contact(server, "k1")
        self.assertEqual((found["state"], found["queue"]), ("waiting", "second"))
        kinds = [entry["kind"] for entry in found["history"]]
        self.assertIn("offer_declined", kinds)

        run(server, "submit", "--channel", "chat", "--id", "k2")
        bo = Program(self, server, "agent", "bo", "--away")
        bo.expect("bo, away")
        words = self.work(server, "ana", "wait", "accept", "transfer @bo", "complete", "quit", status=CONFLICT)
        self.assertIn("conflict", words)
        self.assertEqual(contact(server, "k2")["state"], "completed")

    def test_two_contacts_are_told_apart_by_their_numbers(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        desk = Program(self, server, "agent", "ana")
        for name in ("k1", "k2"):
            run(server, "submit", "--channel", "chat", "--id", name, "--text", f"message {name}")
            desk.expect(f"message {name}")
        desk.say("accept 2\naccept 1\ncomplete\ncomplete 9\ncomplete 2 done\nheld\n")
        desk.expect("which one?")
        desk.expect("no 9")
        desk.expect("  2  completed")
        desk.expect("  1  active")
        desk.finish()  # the end of the input signs out: what is held goes back
        desk.expect("signed out")
        self.assertEqual(desk.status(), 2)
        self.assertEqual(contact(server, "k2")["state"], "completed")
        self.assertEqual(contact(server, "k1")["state"], "waiting")

    def test_away_and_available(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        desk = Program(self, server, "agent", "ana", "--away")
        desk.expect("ana, away")
        run(server, "submit", "--channel", "chat", "--id", "k1")
        desk.say("available\n")
        desk.expect("ana, available")
        desk.expect("offer")
        desk.say("away lunch is ready\n")
        desk.expect("the offer is over: away")
        with Client(server, "supervisor") as supervisor:
            row = supervisor.call("agent.get", agent="ana")
            self.assertEqual((row["state"], row["reason"]), ("away", "lunch is ready"))

    def test_the_customer_leaves(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        desk = Program(self, server, "agent", "ana")
        for name in ("k1", "k2"):
            run(server, "submit", "--channel", "chat", "--id", name)
            desk.expect("accept or decline")
        desk.say("accept 2\n")
        desk.expect("  2  active")
        run(server, "call", "contact.end", '{"contact": "k1", "reason": "gone"}')
        desk.expect("  1  the offer is over")
        run(server, "call", "contact.end", '{"contact": "k2", "reason": "gone"}')
        desk.expect("  2  ended")
        desk.say("held\n")
        desk.expect("nothing")

    def test_a_second_sign_in_takes_over(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        first = Program(self, server, "agent", "ana")
        first.expect("ana, available")
        second = Program(self, server, "agent", "ana")
        second.expect("ana, available")
        first.expect("taken_over")
        self.assertEqual(first.status(), 1)

    def test_nobody_of_that_name(self):
        server = self.start()
        self.assertIn("agent.put", self.work(server, "nobody", status=NOT_FOUND))

    def test_it_is_left_in_order_and_also_when_nobody_is_there(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        desk = Program(self, server, "agent", "ana")
        desk.expect("ana, available")
        desk.process.send_signal(signal.SIGTERM)
        desk.expect("signed out")
        self.assertEqual(desk.status(), 0)
        desk = Program(self, server, "agent", "ana")
        desk.expect("ana, available")
        server.kill()
        desk.expect("the connection is lost")
        desk.process.send_signal(signal.SIGINT)
        desk.expect("not signed out")
        self.assertEqual(desk.status(), 3)

    def test_auto_accept(self):
        server = self.start(config=PATIENT)
        put_agent(server, "bot")
        run(server, "submit", "--channel", "chat", "--id", "k1")
        run(server, "agent", "bot", "--auto-accept", stdin="wait\ncomplete done\nquit\n")
        self.assertEqual(contact(server, "k1")["state"], "completed")

    # The server is killed while the agent works: it comes back to what it held.
    def test_a_killed_server_costs_no_assignment(self):
        server = self.start(config=PATIENT, journal="file")
        put_agent(server, "ana")
        run(server, "submit", "--channel", "chat", "--id", "k1")
        desk = Program(self, server, "agent", "ana")
        desk.say("wait\naccept\n")
        desk.expect("  1  active")
        server.kill()
        desk.expect("the connection is lost")
        server.start()
        desk.expect("ana, available")
        desk.expect("active    chat  general")
        desk.say("complete answered\nquit\n")
        desk.expect("completed")
        self.assertEqual(desk.status(), 0)
        self.assertEqual(contact(server, "k1")["state"], "completed")

    # And it comes back somewhere else: whoever was given both addresses finds it there.
    def test_a_server_that_comes_back_elsewhere_is_found(self):
        server = self.start(config=PATIENT, journal="file")
        port = free_port()
        both = f"{server.tcp},tcp://127.0.0.1:{port}"
        put_agent(server, "ana")
        run(server, "submit", "--channel", "chat", "--id", "k1")
        desk = Program(self, None, "agent", "ana", "--server", both)
        watch = Program(self, None, "watch", "--interval", "100ms", "--server", both)
        watch.expect("general")
        desk.say("wait\naccept\n")
        desk.expect("  1  active")
        server.kill()
        desk.expect("the connection is lost")
        server.port, server.tcp, server.unix = port, f"tcp://127.0.0.1:{port}", f"unix://{server.folder / 'elsewhere'}"
        server.start()
        desk.expect("active    chat  general")
        desk.say("complete answered\nquit\n")
        desk.expect("completed")
        self.assertEqual(desk.status(), 0)
        for _ in range(7):
            run(None, "submit", "--channel", "chat", "--queue", "strict", "--server", both)
        while watch.expect("strict") and watch.expect("\n").split()[0] != "7":
            pass  # tables from before, or in between


class Terminal(CenterTest):
    def test_a_line_is_typed_while_offers_come(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        desk = Program(self, server, "agent", "ana", terminal=True)
        desk.expect("help says what can be done")
        desk.say("accxy\x7f\x7fe")
        desk.expect("acce")
        run(server, "submit", "--channel", "chat", "--id", "k1", "--queue", "fifo", "--text", "我的包裹在哪里？")
        desk.expect("我的包裹在哪里？")
        desk.expect("acce")  # what was typed comes back below the offer
        desk.say("pt\r")
        desk.expect("  1\x1b[0m  active")
        desk.say("完成\x7f\x7f\x15complete 已解决\r")
        desk.expect("wrapping")
        self.assertEqual(contact(server, "k1")["disposition"], "已解决")
        desk.say("quit\r")
        desk.expect("signed out")
        self.assertEqual(desk.status(), 0)

    def test_quit_asks_while_something_is_held(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        run(server, "submit", "--channel", "chat", "--id", "k1")
        desk = Program(self, server, "agent", "ana", terminal=True)
        desk.expect("accept or decline")
        desk.say("a\r")
        desk.expect("active")
        desk.say("q\r")
        desk.expect("quit now")
        desk.say("q now\r")
        desk.expect("signed out")
        self.assertEqual(contact(server, "k1")["state"], "waiting")

    # A customer's words must not steer the agent's terminal.
    def test_what_customers_write_cannot_steer_the_terminal(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana")
        evil = "first \x1b[2J\x1b]0;title\x07 \x9b2J \u202elast"
        run(server, "submit", "--channel", "chat", "--id", "k1", "--text", evil, "--subject", evil)
        desk = Program(self, server, "agent", "ana", terminal=True)
        shown = desk.expect("accept or decline")
        self.assertIn("last", shown)
        for sequence in ("\x1b[2J", "\x1b]0", "\x9b", "\u202e"):
            self.assertNotIn(sequence, shown)
        self.assertNotIn("\x1b", run(server, "contact", "k1"))
        answer = run(server, "call", "contact.get", '{"contact": "k1"}')
        self.assertEqual(json.loads(answer)["text"], evil)
        for character in "\x1b\x07\x9b\u202e":
            self.assertNotIn(character, answer)

    def test_watch_paints_the_queues_again_and_again(self):
        server = self.start()
        watch = Program(self, server, "watch", "--interval", "100ms", terminal=True)
        watch.expect("general")
        run(server, "submit", "--channel", "chat", "--queue", "strict")
        watch.expect("oldest")
        watch.process.send_signal(signal.SIGINT)
        watch.expect("\x1b[?1049l")
        self.assertEqual(watch.status(), 0)


class Lists(CenterTest):
    def test_tables_and_json(self):
        server = self.start(config=PATIENT)
        put_agent(server, "ana", name="Ana 安娜", queues=["general"])
        run(server, "submit", "--channel", "chat", "--id", "k1")
        run(server, "submit", "--channel", "chat", "--id", "k2", "--queue", "second", "--tier", "vip")
        desk = Program(self, server, "agent", "ana")
        desk.say("wait\naccept\n")
        desk.expect("active")
        self.assertRegex(run(server, "queues"), r"second +1 .*\n")
        self.assertRegex(run(server, "watch", "--once"), r"general +0 .*\n")
        self.assertRegex(run(server, "agents"), r"ana +Ana 安娜 +available .* 1 chat\n")
        self.assertRegex(run(server, "contacts"), r"k2 +waiting +chat +second +vip")
        self.assertNotIn("k1", run(server, "contacts", "--state", "waiting"))
        self.assertRegex(run(server, "contact", "k1"), r"k1  active, agent ana\n(.*\n)+.*contact_queued")
        self.assertRegex(run(server, "stats", "--by", "tier", "--since", "1h"), r"vip +1 ")
        for command in ("queues", "agents", "contacts", "stats"):
            self.assertTrue(lines(run(server, command, "--json")))
        self.assertEqual(json.loads(run(server, "contact", "k1", "--json"))["agent"], "ana")
        run(server, "contact", "k9", status=NOT_FOUND)

    def test_a_long_list_comes_whole(self):
        server = self.start()
        run(server, "submit", "--json", "--id-prefix", "k", stdin='{"channel":"chat"}\n' * 1201)
        rows = lines(run(server, "contacts", "--json"))
        self.assertEqual([row["contact"] for row in rows], [f"k{n + 1}" for n in range(1201)])
        self.assertEqual(len(run(server, "contacts").splitlines()), 1202)


class Offline(CenterTest):
    def broken(self):
        path = self.folder() / "broken.yaml"
        path.write_text(MINIMAL.read_text().replace("units: 34", "unitz: 34").replace("order: fifo", "order: fife"))
        return path

    def folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-test-"))
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def test_check_finds_every_mistake_with_its_place(self):
        self.assertIn("6 queues", run(None, "check", str(MINIMAL)))
        path = self.broken()
        run(None, "check", str(path), status=1)
        text = path.read_text().splitlines()
        for word in ("unitz", "fife"):
            line = next(n for n, row in enumerate(text, 1) if word in row)
            column = text[line - 1].index(word) + 1
            self.assertIn(f"{path}:{line}:{column}: ", run.stderr)
        run(None, "check", "/nonexistent/file.yaml", status=1)

    def test_classify_says_what_and_why(self):
        stdin = '{"channel":"chat","text":"我要退货"}\n'
        words = run(None, "classify", "--config", str(AFTER_SALES), stdin=stdin)
        self.assertRegex(words, r"issue +return  rule ")
        row, = lines(run(None, "classify", "--config", str(AFTER_SALES), "--json", stdin=stdin))
        self.assertEqual((row["issue"], row["language"]), ("return", "zh"))
        self.assertEqual(set(row["why"]), {"tier", "issue", "queue", "language"})

    def test_classify_compares_with_what_is_expected(self):
        good = '{"text":"我要退货","expect":{"issue":"return"}}\n'
        bad = '{"text":"我要退货","expect":{"issue":"coupon"}}\n'
        config = ("classify", "--config", str(AFTER_SALES))
        self.assertEqual(run(None, *config, "--wrong", stdin=good), "")
        self.assertIn("return instead of coupon", run(None, *config, "--wrong", stdin=good + bad, status=1))
        self.assertIn("1 as expected (50.0 %)", run.stderr)

    def test_classify_names_lines_that_it_cannot_read(self):
        config = ("classify", "--config", str(AFTER_SALES), "--json")
        stdin = '{"text":1}\n{\n{"channel":"pigeon"}\n{"attributes":{"a":[]}}\n\n{"text":"hello"}\n'
        self.assertEqual([row["line"] for row in lines(run(None, *config, stdin=stdin, status=1))], [6])
        for line in (1, 2, 3, 4):
            self.assertIn(f"line {line}: ", run.stderr)
        run(None, "classify", "--config", str(self.broken()), status=1)
        run(None, "classify", status=2)
        run(None, "classify", "--config", str(MINIMAL), "--workspace", "nowhere", status=2)

    # What is tuned without a server must be what a server does.
    def test_classify_says_what_the_server_says(self):
        server = self.start(config=AFTER_SALES.read_text().replace("\n  after-sales:", "\n  default:"))
        messages = MESSAGES.read_text()
        served = lines(run(server, "submit", "--json", stdin=messages))
        tried = subprocess.run([CLI, "classify", "--json", "--config", str(AFTER_SALES)], input=messages, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
        tried = lines(tried.stdout)
        self.assertEqual(len(tried), len(served))
        self.assertGreater(len(tried), 300)
        for a, b in zip(served, tried):
            for key in ("tier", "issue", "queue", "language", "why"):
                self.assertEqual(a.get(key), b[key], b)


if __name__ == "__main__":
    main()

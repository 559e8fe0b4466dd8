#!/usr/bin/python3
"""The connectors of deploy/, as they are, against a server: contacts come, are updated, end; and the line breaks."""
import email.message
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from center import ROOT, CenterTest, Client, agent, free_port, main, pages, until

FOLDER = ROOT / "deploy" / "connectors"
CONFIG = """
node: {heartbeat: 30s}
workspaces:
  default:
    grace: 10m
    tiers: [{name: standard, answer: 2m}]
    channels: [{name: email, units: 20}, {name: sms, units: 20}, {name: social, units: 20}]
    queue_defaults: {answer_clock: 5m, delivery_clock: 300ms}
    queues: [{name: general}, {name: tiny, waiting_max: 1}]
    classification:
      routes: [{queue: tiny, channel: social}]
"""


class Connectors(CenterTest):
    def setUp(self):
        self.server = self.start(CONFIG, journal="file")
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="switchboard-test-")))

    def run_connector(self, name, *arguments):
        output = open(self.folder / f"{name}.log", "ab")
        process = subprocess.Popen([sys.executable, str(FOLDER / name), "--server", self.server.tcp, *arguments],
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        output.close()

        def stop():
            process.kill()
            process.wait()
            self.assertNotIn("Traceback", (self.folder / f"{name}.log").read_text())
            if self.failed():
                sys.stderr.write((self.folder / f"{name}.log").read_text())
        self.addCleanup(stop)
        return process

    def contacts(self, **where):
        with Client(self.server, "supervisor") as desk:
            return {row["contact"]: row for row in pages(desk, "contact.list", "contacts", **where)}

    def wait_for_contacts(self, count, what, **where):
        return until(lambda: len(self.contacts(**where)) == count and self.contacts(**where), what)

    def complete(self, worker, contact):
        offer = worker.notice("offer", contact=contact)
        worker.call("offer.accept", offer=offer["offer"])
        worker.call("contact.complete", contact=contact, wrap_up_ms=0)
        return offer

    # E-mail

    def mail(self, number, text, answers=(), sender="Ana Example <ana@example.org>"):
        message = email.message.EmailMessage()
        message["From"], message["Subject"] = sender, "订单 A-17"
        message["Message-ID"] = f"<{number}@example.org>"
        if answers:
            message["In-Reply-To"] = f"<{answers[-1]}@example.org>"
            message["References"] = " ".join(f"<{n}@example.org>" for n in answers)
        message.set_content(text)
        path = self.folder / "mail" / "tmp" / str(number)
        path.write_bytes(bytes(message))
        os.rename(path, self.folder / "mail" / "new" / str(number))

    def moved(self, count):
        until(lambda: len(os.listdir(self.folder / "mail" / "cur")) == count, f"{count} mails to be worked")
        self.assertEqual(os.listdir(self.folder / "mail" / "new"), [])

    def test_email(self):
        for name in ("new", "cur", "tmp"):
            (self.folder / "mail" / name).mkdir(parents=True)
        self.mail(1, "我的包裹到哪里了？")
        process = self.run_connector("email_maildir.py", "--maildir", str(self.folder / "mail"), "--every", "0.05")
        self.moved(1)
        contact, = self.wait_for_contacts(1, "the mail to be a contact")

        # The customer writes again: the same contact, with the new words.
        self.mail(2, "还是没有到", answers=(1,))
        self.moved(2)
        worker = agent(self.server, "ana")
        offer = self.complete(worker, contact)
        self.assertEqual((offer["channel"], offer["text"].strip(), offer["customer"]["id"]), ("email", "还是没有到", "ana@example.org"))

        # And again, when it is over: another contact, that reopens the first.
        self.mail(3, "谢谢，不过还有一个问题", answers=(1, 2))
        second, = self.wait_for_contacts(1, "the reply to be a contact", state="offered")
        self.assertNotEqual(second, contact)
        self.complete(worker, second)
        self.moved(3)

        # The server dies; what comes meanwhile waits in new/, and the mail handled twice is the same contact.
        self.server.kill()
        self.mail(4, "another customer", sender="bo@example.org")
        self.server.start()
        worker = agent(self.server, "ana")
        self.moved(4)
        third, = self.wait_for_contacts(1, "the mail of the outage", state="offered")
        process.kill()
        process.wait()
        os.rename(next((self.folder / "mail" / "cur").glob("4:*")), self.folder / "mail" / "new" / "4")
        self.run_connector("email_maildir.py", "--maildir", str(self.folder / "mail"), "--every", "0.05")
        self.moved(4)
        self.assertEqual(list(self.contacts()), [third])

    # SMS and social

    def post(self, channel, **message):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{channel}", json.dumps(message).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as problem:
            return problem.code, dict(json.load(problem), retry_after=problem.headers.get("Retry-After"))
        except (urllib.error.URLError, ConnectionError):
            return None

    def start_webhook(self):
        self.port = free_port()
        process = self.run_connector("webhook.py", "--listen", f"127.0.0.1:{self.port}")
        until(lambda: self.post("sms", nonsense=1), "the webhook to listen")
        return process

    def test_webhook(self):
        process = self.start_webhook()
        self.assertEqual(self.post("sms", nonsense=1)[0], 400)
        status, first = self.post("sms", id="m1", customer="+1 555 0100", text="where is my parcel")
        self.assertEqual((status, first["state"]), (202, "waiting"))
        status, again = self.post("sms", id="m2", customer="+1 555 0100", text="it was due on monday")
        self.assertEqual((status, again["contact"]), (202, first["contact"]))
        self.assertEqual(self.post("sms", id="m1", customer="+1 555 0100", text="where is my parcel")[1]["contact"], first["contact"])

        # Another customer, who leaves.
        status, other = self.post("sms", id="m3", customer="+1 555 0101", text="hello?")
        self.assertNotEqual(other["contact"], first["contact"])
        self.assertEqual(self.post("sms", id="m4", customer="+1 555 0101", text="STOP")[1]["state"], "cancelled")
        self.assertEqual(list(self.contacts(state="waiting")), [first["contact"]])

        # The connector is started anew and knows from contact.mine who is whose.
        process.kill()
        process.wait()
        self.start_webhook()
        status, again = until(lambda: (lambda a: a if a and a[1].get("contact") == first["contact"] else None)(
            self.post("sms", id="m5", customer="+1 555 0100", text="anybody?")), "the contact to be known again")
        worker = agent(self.server, "ana")
        offer = self.complete(worker, first["contact"])
        self.assertEqual(offer["customer"]["id"], "+1 555 0100")
        self.assertIn("anybody?", offer["text"])

        # When it is over, the customer's next word is a new contact.
        def reopened():
            answer = self.post("sms", id="m6", customer="+1 555 0100", text="it came broken")
            return answer[1] if answer[1].get("contact") != first["contact"] else None
        second = until(reopened, "a new contact")
        self.complete(worker, second["contact"])

        # Full is an answer, too; and so is a server that is away: the platform comes again.
        worker.call("agent.set_state", state="away")
        self.assertEqual(self.post("social", id="s1", customer="@a", text="x")[0], 202)
        status, refused = self.post("social", id="s2", customer="@b", text="x")
        self.assertEqual(status, 503)
        self.assertIn("queue_full", refused["error"])
        self.assertTrue(refused["retry_after"])
        self.assertEqual(self.post("pigeon", id="p1", customer="@c", text="x")[0], 400)
        self.server.kill()
        self.server.start()
        answer = until(lambda: (lambda a: a if a and a[0] == 202 else None)(
            self.post("sms", id="m7", customer="+1 555 0102", text="back again")), "the webhook to reach the server again")
        self.assertIn(answer[1]["contact"], self.contacts())


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""A receiver for social platforms and SMS gateways: each POST is a message of a customer.

    webhook.py --server tcp://127.0.0.1:7700 --listen 127.0.0.1:7780

    curl -d '{"id":"m1","customer":"+1 555 0100","text":"where is my parcel?"}' http://127.0.0.1:7780/sms

The path is the channel. The first message makes a contact; further ones of the same customer are added to it while it
lives; "stop", or {"event": "left"}, ends it; and who comes back within a day reopens the contact before. Platforms repeat a
POST that was not answered with success: `id`, the platform's own, makes the repetition harmless.
"""
import argparse
import hashlib
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchboard_rpc import Refused, Session

ENDED = ("completed", "cancelled", "expired", "diverted", "rejected")
HTTP_STATUS = {"invalid": 400, "too_large": 413, "not_found": 404, "conflict": 409}  # all others: try again later
STOP_WORDS = ("stop", "quit", "退订", "取消")
DAY_MS = 24 * 3600 * 1000
BODY_MAX = 256 * 1024
log = logging.getLogger("webhook")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Desk:
    """Which contact each customer has. The first half of a contact's id says whose it is (as a digest: ids are
    logged, telephone numbers are not), so after a restart contact.mine tells it all again."""

    def __init__(self, session):
        self.session, self.lock = session, threading.Lock()
        self.live, self.last, self.texts = {}, {}, {}  # by customer; texts by contact
        self.known = threading.Event()  # contact.mine has told whose is whose

    def note(self, contact, state):
        customer = contact.rsplit(".", 1)[0]
        with self.lock:
            if state not in ENDED:
                self.live[customer] = contact
                return
            self.last[customer] = contact
            self.texts.pop(contact, None)
            if self.live.get(customer) == contact:
                del self.live[customer]

    def follow(self):
        """Hear what becomes of the contacts, for ever; first of all what became of them while nobody listened."""
        while True:
            kind, what = self.session.events.get()
            if kind == "contact.changed":
                self.note(what["contact"], what["state"])
                log.info("%s is %s", what["contact"], what["state"])
            after, more = None, kind == "ready"
            while more:
                page = self.session.call("contact.mine", after=after, limit=1000,
                                         ended_since_at=int(time.time() * 1000) - DAY_MS)
                for row in page["contacts"]:
                    self.note(row["contact"], row["state"])
                after = page.get("next")
                more = after is not None
                if not more:
                    self.known.set()

    def receive(self, channel, message):
        if not self.known.wait(10):  # else this would begin a second contact of a customer who has one
            raise TimeoutError("it is not known yet who has a contact already")
        customer = f"{channel}.{digest(message['customer'])}"
        fresh = f"{customer}.{digest(message['id'])}"
        text = message.get("text", "")
        with self.lock:
            contact, before = self.live.get(customer), self.last.get(customer)
        leaves = message.get("event") == "left" or text.strip().lower() in STOP_WORDS
        try:
            if leaves:
                return self.call("contact.end", contact=contact, reason="customer_left") if contact else {}
            if contact and contact != fresh:
                said = self.texts.get(contact, [])
                if text not in said[-1:]:
                    said = said[-49:] + [text]
                answer = self.call("contact.update", contact=contact, text="\n".join(said)[-16000:])
                self.texts[contact] = said
                return answer
        except Refused as refused:
            if refused.code != "gone":
                raise
            self.note(contact, "completed")  # it ended a moment ago: this is the beginning of another one
            if leaves:
                return {}
            before = contact
        answer = self.call("contact.submit", id=fresh, channel=channel, customer={"id": message["customer"]},
                           text=text, reopens=before if before != fresh else None)
        self.texts.setdefault(fresh, [text])
        self.note(fresh, answer["state"])
        return answer

    def call(self, method, **params):
        return self.session.call(method, timeout=10, **params)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            message = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), BODY_MAX)))
            if not all(isinstance(message[key], str) for key in ("id", "customer")):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": "wanted: a JSON object with id, customer and text"})
        try:
            return self.answer(202, self.server.desk.receive(self.path.strip("/"), message))
        except Refused as refused:
            return self.answer(HTTP_STATUS.get(refused.code, 503), {"error": str(refused)}, refused.retry_after)
        except TimeoutError as problem:
            return self.answer(503, {"error": str(problem)}, 1)

    def answer(self, status, body, retry_after=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 503:
            self.send_header("Retry-After", str(max(1, round(retry_after))))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Paths and addresses are the platform's business: the log says what became of contacts."""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--server", default="tcp://127.0.0.1:7700")
    arguments.add_argument("--workspace", default="default")
    arguments.add_argument("--name", default="webhook", help="under which the contacts are kept")
    arguments.add_argument("--listen", default="127.0.0.1:7780")
    options = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    host, port = options.listen.rsplit(":", 1)
    server = ThreadingHTTPServer((host, int(port)), Receiver)
    server.desk = Desk(Session(options.server, options.name, options.workspace))
    threading.Thread(target=server.desk.follow, daemon=True).start()
    log.info("listening on %s:%d", *server.server_address[:2])
    server.serve_forever()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""E-mail from a Maildir: every new mail becomes a contact, or the next word of one that is not over yet.

    email_maildir.py --server tcp://127.0.0.1:7700 --maildir ~/Maildir

A contact's id is made from the Message-ID of the mail that began it. So the same mail handled twice (after a
crash between the answer and the move to cur/) is the same contact, and a reply finds its contact from the ids it refers to,
without a database: the contact lives, and hears of the new mail; or it is over, and a new one reopens it.
"""
import argparse
import email
import email.policy
import email.utils
import hashlib
import logging
import os
import queue
import re

from switchboard_rpc import Refused, Session

SUBJECT_MAX, TEXT_MAX = 1024, 65536
log = logging.getLogger("email")


def contact_id(message_id):
    return "mail-" + hashlib.sha256(message_id.strip().encode()).hexdigest()[:40]


def cut(text, size):
    """At most `size` bytes; limits of the wire are in bytes, and half a character is none."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def read_mail(path):
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    body = mail.get_body(("plain", "html"))
    text = body.get_content() if body is not None else ""
    if body is not None and body.get_content_type() == "text/html":
        text = re.sub(r"<[^>]*>", " ", text)
    message_id = str(mail["Message-ID"] or os.path.basename(path))
    # The whole thread, the newest first: a customer may answer any of its mails.
    thread = re.findall(r"<[^<>]+>", f"{mail['References'] or ''} {mail['In-Reply-To'] or ''}")[::-1]
    content = {"subject": cut(str(mail["Subject"] or ""), SUBJECT_MAX), "text": cut(text, TEXT_MAX)}
    date = email.utils.parsedate_to_datetime(mail["Date"]) if mail["Date"] else None
    return {
        "id": contact_id(message_id),
        "thread": [contact_id(earlier) for earlier in dict.fromkeys(thread)],
        "customer": {"id": email.utils.parseaddr(str(mail["From"]))[1].lower()},
        "received_at": int(date.timestamp() * 1000) if date else None,
        "content": content,
    }


def deliver(session, mail):
    """Returns what became of the mail. Refused: with `invalid` and `too_large` for good, else until later."""
    reopens = None
    for earlier in mail["thread"]:
        try:
            session.call("contact.update", contact=earlier, **mail["content"])
            return "updated", earlier
        except Refused as refused:
            if refused.code == "gone":  # it is over: the customer comes back, and meets the same agent if possible
                reopens = earlier
                break
            if refused.code != "not_found":  # a mail that began no contact, or one long forgotten
                raise
    answer = session.call("contact.submit", id=mail["id"], channel="email", customer=mail["customer"],
                          received_at=mail["received_at"], reopens=reopens, **mail["content"])
    return "duplicate" if answer.get("duplicate") else "submitted", answer["contact"]


def work_through(session, maildir):
    for name in sorted(os.listdir(os.path.join(maildir, "new"))):
        path = os.path.join(maildir, "new", name)
        flags = ":2,S"
        try:
            log.info("%s %s", *deliver(session, read_mail(path)))
        except Refused as refused:
            log.warning("mail %s: %s", name, refused)
            if refused.code not in ("invalid", "too_large", "conflict"):
                return  # it stays in new/ for the next round
            flags = ":2,FS"  # flagged: a person should look at it
        os.rename(path, os.path.join(maildir, "cur", name + flags))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--server", default="tcp://127.0.0.1:7700")
    arguments.add_argument("--workspace", default="default")
    arguments.add_argument("--name", default="email", help="under which the contacts are kept")
    arguments.add_argument("--maildir", required=True)
    arguments.add_argument("--every", type=float, default=2.0, help="seconds between two looks into new/")
    options = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    session = Session(options.server, options.name, options.workspace)
    while True:
        try:
            kind, what = session.events.get(timeout=options.every)
        except queue.Empty:
            work_through(session, options.maildir)
            continue
        if kind == "ready":
            # Nothing is kept for a connector that is away: ask what became of its contacts meanwhile.
            after, count = None, 0
            while True:
                page = session.call("contact.mine", after=after)
                count, after = count + len(page["contacts"]), page.get("next")
                if after is None:
                    break
            log.info("connected; %d contacts are under way", count)
            work_through(session, options.maildir)
        elif kind == "contact.changed":
            log.info("%s is %s %s", what["contact"], what["state"], what.get("reason", ""))


if __name__ == "__main__":
    main()

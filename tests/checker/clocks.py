"""One contact's offers against their clocks, when nothing can have moved those: I14, an offer that goes on standing.

An offer has a delivery clock, and then an answer clock; whoever takes a workspace over lets both begin once more. So behind the
last fault and the last change of the owner no offer lives longer than the two together, whatever has become of its agent. While a
router cannot make anything durable it moves the clocks, and answers nobody.
"""
import collections

SLACK = 2_000_000_000  # ns: of a router and a recorder that did not get the processor


def judge(contact):
    config = contact.ws.config
    if not config.get("answer_clock_ms") or not config.get("delivery_clock_ms"):
        return
    clocks = (config["answer_clock_ms"] + config["delivery_clock_ms"]) * 1_000_000 + SLACK
    since, stands = collections.defaultdict(list), collections.defaultdict(list)  # by offer: (t, source)
    for point in contact.points:
        if point.state == "offered" and point.offer:
            since[point.offer].append((point.thi, point.source))
            if hasattr(point.source, "t0"):  # a notification may be about a moment long ago, an answer is not
                stands[point.offer].append((point.tlo, point.source))
    for read in contact.reads:
        offer = read.source.answer.get("offer")
        if read.state == "offered" and offer:
            since[offer].append((read.thi, read.source))
            stands[offer].append((read.tlo, read.source))
    for offer, sights in stands.items():
        began, first = min(since[offer], key=lambda sight: sight[0])
        t, last = max(sights, key=lambda sight: sight[0])
        began = max(began, contact.ws.restless_until(t))
        over = began + clocks + contact.ws.silent_until(t) - contact.ws.silent_until(began)
        if t > over:
            contact.say("I14", f"offer {offer} still stands {(t - over + SLACK) / 1e9:.1f} s after its clocks have run out", first, last)

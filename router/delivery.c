#include "router/delivery.h"

#include "proto/walk.h"
#include "queue/command.h"

struct response_error delivery_error(const struct refusal *r)
{
    static const enum error_code codes[] = {
        [REFUSED_NOT] = ERROR_INTERNAL,
        [REFUSED_INVALID] = ERROR_INVALID,
        [REFUSED_FORBIDDEN] = ERROR_FORBIDDEN,
        [REFUSED_NOT_FOUND] = ERROR_NOT_FOUND,
        [REFUSED_GONE] = ERROR_GONE,
        [REFUSED_CONFLICT] = ERROR_CONFLICT,
        [REFUSED_QUEUE_FULL] = ERROR_QUEUE_FULL,
        [REFUSED_OTHER_CONFIG] = ERROR_UNAVAILABLE,
    };
    struct response_error e = response_error_of(codes[r->kind]);

    e.message = r->message;
    e.field = r->field;
    e.state = r->state;
    e.reason = r->reason;
    if (r->retry_after > 0) {
        e.retry_after_ms = r->retry_after;
    }
    return e;
}

/* ---- answers ---- */

static uint32_t delivery_msgid(const struct delivery *d)
{
    return delivery_request_unpack(d->request).msgid;
}

static void delivery_refused(struct packer *p, const struct view *v, const struct delivery *d)
{
    struct response_error e = delivery_error(d->refusal);

    (void)v;
    response_error(p, delivery_msgid(d), &e);
}

static void delivery_submitted(struct packer *p, const struct view *v, const struct delivery *d)
{
    struct pairs w;
    uint32_t pairs;
    size_t map;

    response_begin(p, delivery_msgid(d));
    map = packer_map_open(p);
    pairs =
        d->contact != NULL ? view_contact(p, v, d->contact) : view_tombstone(p, v, d->tombstone);
    w = pairs_begin(p, PAIRS_ROOM(1) + VIEW_EPOCH_ROOM);
    if (d->kind == ANSWER_SUBMITTED) {
        PAIRS_KEY(&w, "duplicate");
        w.at = put_bool(w.at, d->duplicate);
    }
    view_put_epoch(&w, v, d->seq);
    pairs += pairs_end(p, &w);
    packer_map_close(p, map, pairs);
}

/* These two are whole answers, and written at once. */
static void delivery_done(struct packer *p, const struct view *v, const struct delivery *d)
{
    struct pairs w = pairs_begin(p, RESPONSE_ROOM + PUT_HEAD_MAX + VIEW_EPOCH_ROOM);

    w.at = put_map(response_put_begin(w.at, delivery_msgid(d)), 2);
    view_put_epoch(&w, v, d->seq);
    pairs_end(p, &w);
}

static void delivery_contact_state(struct packer *p, const struct view *v, const struct delivery *d)
{
    struct pairs w = pairs_begin(p, RESPONSE_ROOM + PUT_HEAD_MAX + PAIRS_ROOM(2) + VIEW_EPOCH_ROOM +
                                        d->contact_id.length);

    w.at = put_map(response_put_begin(w.at, delivery_msgid(d)), 4);
    PAIRS_TEXT(&w, "contact", d->contact_id);
    view_put_state(&w, d->state);
    view_put_epoch(&w, v, d->seq);
    pairs_end(p, &w);
}

static void delivery_offers(struct packer *p, const struct view *v, const struct delivery *d)
{
    response_begin(p, delivery_msgid(d));
    packer_map(p, 3);
    packer_literal(p, "offers");
    packer_array(p, d->offer_count);
    for (uint32_t i = 0; i < d->offer_count; i++) {
        size_t map = packer_map_open(p);

        packer_map_close(p, map, view_offer(p, v, d->offers[i]));
    }
    view_epoch(p, v, d->seq);
}

static void delivery_agent(struct packer *p, const struct view *v, const struct delivery *d)
{
    uint32_t pairs = 0;
    size_t map;

    response_begin(p, delivery_msgid(d));
    map = packer_map_open(p);
    if (d->agent != NULL) {
        pairs = d->kind == ANSWER_SIGNED_IN ? view_agent_session(p, v, d->agent)
                                            : view_agent(p, v, d->agent);
    }
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

static void delivery_config(struct packer *p, const struct view *v, const struct delivery *d)
{
    response_begin(p, delivery_msgid(d));
    packer_map(p, 3);
    packer_literal(p, "version");
    packer_uint(p, d->number);
    view_epoch(p, v, d->seq);
}

/* ---- notifications ---- */

static void delivery_contact_changed(struct packer *p, const struct view *v,
                                     const struct delivery *d)
{
    const struct contact *c = d->contact;
    size_t map;
    uint32_t pairs;

    notice_begin(p, NOTIFICATION_CONTACT_CHANGED);
    map = packer_map_open(p);
    pairs = VIEW_TEXT(p, "contact", d->contact_id);
    pairs += VIEW_TEXT(p, "state", contact_state_word(d->state));
    if (c != NULL) {
        if (contact_queue(c) != INDEX_NONE16) {
            pairs += VIEW_TEXT(p, "queue", v->settings->queues[contact_queue(c)].name);
        }
        if (contact_offer(c) != NULL) {
            pairs += VIEW_TEXT(p, "agent", contact_offer(c)->agent->id);
            pairs += VIEW_TEXT(p, "agent_name", contact_offer(c)->agent->name);
            pairs += VIEW_TEXT(p, "agent_address", contact_offer(c)->agent->address);
            packer_literal(p, "offer");
            view_offer_id(p, contact_offer(c)->number);
            pairs++;
        }
        if (c->state == CONTACT_WAITING) {
            size_t position = engine_position(v->engine, c);

            if (position > 0) {
                pairs += VIEW_INT(p, "position", (int64_t)position);
            }
            pairs += VIEW_SPAN_OR_NIL(p, "estimated_wait_ms",
                                      engine_estimated_wait(v->engine, c, position));
        }
    }
    if (c == NULL && d->agent != NULL) {
        pairs += VIEW_TEXT(p, "agent", d->agent->id);
        pairs += VIEW_TEXT(p, "agent_name", d->agent->name);
        pairs += VIEW_TEXT(p, "agent_address", d->agent->address);
    }
    pairs += VIEW_TEXT(p, "reason", d->reason);
    pairs += VIEW_TEXT(p, "step", d->step);
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

static void delivery_offer(struct packer *p, const struct view *v, const struct delivery *d)
{
    size_t map;
    uint32_t pairs;

    notice_begin(p, NOTIFICATION_OFFER);
    map = packer_map_open(p);
    pairs = view_offer(p, v, d->offer);
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

static void delivery_withdrawn(struct packer *p, const struct view *v, const struct delivery *d)
{
    size_t map;
    uint32_t pairs = 1;

    notice_begin(p, NOTIFICATION_OFFER_WITHDRAWN);
    map = packer_map_open(p);
    packer_literal(p, "offer");
    view_offer_id(p, d->number);
    pairs += VIEW_TEXT(p, "contact", d->contact_id);
    pairs += VIEW_TEXT(p, "reason", d->reason);
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

static struct raw delivery_raw(struct text given)
{
    return (struct raw){(const uint8_t *)given.bytes, given.length};
}

/* The changed fields, as given. */
static uint32_t delivery_changes(struct packer *p, const struct view *v,
                                 const struct update_command *u, const struct delivery_given *given)
{
    uint32_t pairs = 0;

    pairs += VIEW_TEXT(p, "subject", u->subject);
    pairs += VIEW_TEXT(p, "text", u->text);
    if (u->issue_given && u->issue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "issue", v->settings->issues[u->issue].name);
    }
    if (u->language_given && u->language != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "language", v->settings->languages[u->language]);
    }
    if (!text_is_none(u->payload)) {
        packer_literal(p, "payload");
        packer_bin(p, u->payload.bytes, u->payload.length);
        pairs++;
    }
    if (u->boost_given) {
        pairs += VIEW_INT(p, "boost_ms", u->boost);
    }
    pairs += VIEW_TIME(p, "not_before_at", u->not_before_at);
    if (u->progress_kept) {
        pairs += VIEW_TEXT(p, "kept", TEXT("progress"));
    }
    if (given != NULL) {
        pairs += VIEW_RAW(p, "attributes", delivery_raw(given->attributes));
        pairs += VIEW_RAW(p, "customer", delivery_raw(given->customer));
        pairs += VIEW_RAW(p, "skills", delivery_raw(given->skills));
    }
    return pairs;
}

static RARE void delivery_updated(struct packer *p, const struct view *v, const struct delivery *d,
                                  const struct delivery_given *given)
{
    size_t map;
    uint32_t pairs;

    notice_begin(p, NOTIFICATION_CONTACT_UPDATED);
    map = packer_map_open(p);
    pairs = VIEW_TEXT(p, "contact", d->contact != NULL ? contact_id(d->contact) : d->contact_id);
    pairs += VIEW_TEXT(p, "state", contact_state_word(d->state));
    pairs += VIEW_TEXT(p, "reason", d->reason);
    if (d->changed != NULL) {
        pairs += delivery_changes(p, v, d->changed, given);
    }
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

static void delivery_agent_changed(struct packer *p, const struct view *v, const struct delivery *d)
{
    size_t map;
    uint32_t pairs;

    notice_begin(p, NOTIFICATION_AGENT_CHANGED);
    map = packer_map_open(p);
    pairs = VIEW_TEXT(p, "agent", d->agent->id);
    pairs += VIEW_TEXT(p, "state", agent_state_word(d->agent->state));
    pairs += VIEW_TEXT(p, "reason", d->reason);
    if (d->agent->return_at != TIME_NEVER) {
        pairs += VIEW_INT(p, "return_at", d->agent->return_at);
    }
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

/* {contact, reason} or {agent, reason} */
static void delivery_ended(struct packer *p, const struct view *v, const struct delivery *d)
{
    size_t map;
    uint32_t pairs;

    notice_begin(p, d->kind == NOTICE_SIGNED_OUT ? NOTIFICATION_SIGNED_OUT
                                                 : NOTIFICATION_CONTACT_ENDED);
    map = packer_map_open(p);
    if (d->kind == NOTICE_SIGNED_OUT) {
        pairs = VIEW_TEXT(p, "agent", d->agent->id);
    } else {
        pairs = VIEW_TEXT(p, "contact", d->contact_id);
    }
    pairs += VIEW_TEXT(p, "reason", d->reason);
    pairs += view_epoch(p, v, d->seq);
    packer_map_close(p, map, pairs);
}

/* ---- one of them ---- */

typedef void (*delivery_writer)(struct packer *p, const struct view *v, const struct delivery *d);

/* All but NOTICE_CONTACT_UPDATED, which needs what was given. */
static const delivery_writer delivery_writers[] = {
    [ANSWER_REFUSED] = delivery_refused,
    [ANSWER_DONE] = delivery_done,
    [ANSWER_SUBMITTED] = delivery_submitted,
    [ANSWER_UPDATED] = delivery_submitted,
    [ANSWER_CONTACT_STATE] = delivery_contact_state,
    [ANSWER_SIGNED_IN] = delivery_agent,
    [ANSWER_AGENT] = delivery_agent,
    [ANSWER_OFFERS] = delivery_offers,
    [ANSWER_CONFIG] = delivery_config,
    [NOTICE_CONTACT_CHANGED] = delivery_contact_changed,
    [NOTICE_OFFER] = delivery_offer,
    [NOTICE_OFFER_WITHDRAWN] = delivery_withdrawn,
    [NOTICE_AGENT_CHANGED] = delivery_agent_changed,
    [NOTICE_CONTACT_ENDED] = delivery_ended,
    [NOTICE_SIGNED_OUT] = delivery_ended,
};

void delivery_encode(struct packer *p, const struct view *v, const struct delivery *d,
                     const struct delivery_given *given)
{
    if (d->kind == NOTICE_CONTACT_UPDATED) {
        delivery_updated(p, v, d, given);
    } else {
        delivery_writers[d->kind](p, v, d);
    }
}

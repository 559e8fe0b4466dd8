#include "router/post.h"

#include <assert.h>

#include "queue/base/memory.h"

/* A parcel is sent within the turn when it has so much. */
#define POST_PARCEL_FULL (PARCEL_BYTES / 2)
/* Parcels from one reactor in one turn: others, and the loop, want their turns, too. */
#define POST_PARCELS_A_TURN 4
/* What was read is kept to be written in, so many of each: what one reactor takes from the heap,
 * and another one gives back, costs both more than what is written there. */
#define POST_SPARES 16
/* Mail has room for so much; what makes one grow is large, and then it is not kept. */
#define POST_MAIL_BYTES 65536
#define POST_MAIL_FULL  49152

void post_init(struct post *p, struct mailbox *box)
{
    memset(p, 0, sizeof(*p));
    p->box = box;
    p->lines = memory_take(box->exchange->count * sizeof(*p->lines));
    for (uint32_t i = 0; i < box->exchange->count; i++) {
        list_init(&p->lines[i].leaving);
    }
}

/* ---- letters and parcels ---- */

static void mail_destroy(struct mail *m)
{
    packer_close(&m->bytes);
    memory_give(m);
}

void post_drop(enum mailbox_lane lane, void *batch)
{
    if (lane == LANE_COMMANDS) {
        parcel_destroy(batch);
    } else {
        mail_destroy(batch);
    }
}

static bool post_send_parcel(struct post *p, uint32_t to)
{
    struct post_line *line = &p->lines[to];

    if (!mailbox_send(p->box, to, LANE_COMMANDS, line->parcel)) {
        return false;
    }
    line->parcel = NULL;
    return true;
}

static struct parcel *post_take_parcel(struct post *p)
{
    struct parcel *parcel = p->spares;

    if (parcel == NULL) {
        return parcel_create();
    }
    p->spares = parcel->next;
    p->spare_count--;
    return parcel;
}

static void post_keep_parcel(struct post *p, struct parcel *parcel)
{
    if (p->spare_count == POST_SPARES) {
        parcel_destroy(parcel);
        return;
    }
    parcel_reset(parcel);
    parcel->next = p->spares;
    p->spares = parcel;
    p->spare_count++;
}

struct parcel *post_parcel(struct post *p, uint32_t to)
{
    struct post_line *line = &p->lines[to];

    if (line->parcel != NULL && parcel_filled(line->parcel) >= POST_PARCEL_FULL &&
        !post_send_parcel(p, to)) {
        return NULL;
    }
    if (line->parcel == NULL) {
        line->parcel = post_take_parcel(p);
    }
    return line->parcel;
}

struct letter *post_letter(struct parcel *parcel, enum letter_kind kind, struct guest *g,
                           size_t size)
{
    size_t least = sizeof(((struct letter *)0)->hello);
    struct letter *l =
        parcel_take(parcel, offsetof(struct letter, work) + (size > least ? size : least));

    memset(l, 0, offsetof(struct letter, work));
    l->kind = kind;
    l->guest = g;
    return l;
}

void post_seal_letter(struct parcel *parcel, struct letter *l)
{
    struct letter *last = parcel->last;

    if (last == NULL) {
        parcel->first = l;
    } else {
        last->next = l;
    }
    parcel->last = l;
}

void post_left(struct post *p, uint32_t to, struct guest *g)
{
    list_append(&p->lines[to].leaving, &g->leaving);
}

/* Behind everything else of the guest: its commands are in this parcel or in one before. */
static void post_write_leaving(struct post *p, uint32_t to)
{
    struct post_line *line = &p->lines[to];
    struct list_node *n;

    while ((n = list_first(&line->leaving)) != NULL) {
        struct parcel *parcel = post_parcel(p, to);
        struct guest *g = record_of(n, struct guest, leaving);

        if (parcel == NULL) {
            return;
        }
        list_remove(n);
        post_seal_letter(parcel, post_letter(parcel, LETTER_LEFT, g, 0));
    }
}

/* ---- mail ---- */

void mail_list_append(struct mail_list *list, struct mail_list *more)
{
    if (more->first == NULL) {
        return;
    }
    if (list->first == NULL) {
        list->first = more->first;
    } else {
        list->last->next = more->first;
    }
    list->last = more->last;
    *more = (struct mail_list){NULL, NULL};
}

static void mail_list_add(struct mail_list *list, struct mail *m)
{
    struct mail_list one = {m, m};

    m->next = NULL;
    mail_list_append(list, &one);
}

static struct mail *post_take_mail(struct post *p, uint32_t to)
{
    struct mail *m = p->spare_mails;

    if (m == NULL) {
        m = memory_take(sizeof(*m));
        (void)packer_want(&m->bytes, POST_MAIL_BYTES);
    } else {
        p->spare_mails = m->next;
        p->spare_mail_count--;
    }
    m->next = NULL;
    m->to = to;
    return m;
}

/* Read mail, from whomever, is what the next one is written into. */
static void post_keep_mail(struct post *p, struct mail *m)
{
    if (m->bytes.capacity > POST_MAIL_BYTES || p->spare_mail_count == POST_SPARES) {
        mail_destroy(m);
        return;
    }
    packer_reset(&m->bytes);
    m->next = p->spare_mails;
    p->spare_mails = m;
    p->spare_mail_count++;
}

/* The last one, or one behind it when that has enough. */
static struct mail *post_mail(struct post *p, uint32_t to)
{
    struct mail_list *filling = &p->lines[to].filling;

    if (filling->last == NULL || filling->last->bytes.size >= POST_MAIL_FULL) {
        mail_list_add(filling, post_take_mail(p, to));
    }
    return filling->last;
}

static struct mail *post_urgent_mail(struct post *p, uint32_t to)
{
    struct post_line *line = &p->lines[to];

    if (line->urgent == NULL) {
        line->urgent = post_take_mail(p, to);
    }
    return line->urgent;
}

struct packer *post_begin(struct post *p, uint64_t session, unsigned flags, unsigned reason,
                          size_t *mark)
{
    uint32_t to = session_id_reactor(session);
    struct mail *mail = (flags & MAIL_URGENT) != 0 ? post_urgent_mail(p, to) : post_mail(p, to);
    struct mail_head head = {
        .session = session, .flags = (uint8_t)flags, .reason = (uint8_t)reason};

    *mark = mail->bytes.size;
    packer_raw(&mail->bytes, (const uint8_t *)&head, sizeof(head));
    return &mail->bytes;
}

void post_end(struct packer *bytes, size_t mark)
{
    uint32_t size = (uint32_t)(bytes->size - mark - sizeof(struct mail_head));

    memcpy(bytes->bytes + mark + offsetof(struct mail_head, size), &size, sizeof(size));
}

void mail_list_drop(struct mail_list *list)
{
    while (list->first != NULL) {
        struct mail *m = list->first;

        list->first = m->next;
        mail_destroy(m);
    }
    list->last = NULL;
}

void post_collect(struct post *p, struct mail_list *out)
{
    for (uint32_t to = 0; to < p->box->exchange->count; to++) {
        mail_list_append(out, &p->lines[to].filling);
    }
}

static void post_send_mail(struct post *p, struct mail *m)
{
    struct post_line *line = &p->lines[m->to];

    if (line->parked.first != NULL || !mailbox_send(p->box, m->to, LANE_DELIVERIES, m)) {
        mail_list_add(&line->parked, m);
        p->parked++;
    }
}

void post_send(struct post *p, struct mail_list *mails)
{
    while (mails->first != NULL) {
        struct mail *m = mails->first;

        mails->first = m->next;
        m->next = NULL;
        post_send_mail(p, m);
    }
    mails->last = NULL;
}

void post_hurry(struct post *p)
{
    for (uint32_t to = 0; to < p->box->exchange->count; to++) {
        struct mail *m = p->lines[to].urgent;

        if (m != NULL) {
            p->lines[to].urgent = NULL;
            post_send_mail(p, m);
        }
    }
}

static void post_send_parked(struct post *p, uint32_t to)
{
    struct mail_list *parked = &p->lines[to].parked;

    while (parked->first != NULL) {
        struct mail *m = parked->first;
        struct mail *next = m->next; /* once sent, it is the receiver's */

        if (!mailbox_send(p->box, to, LANE_DELIVERIES, m)) {
            return;
        }
        parked->first = next;
        p->parked--;
    }
    parked->last = NULL;
}

/* ---- turns ---- */

static void post_read_mail(struct mail *m, uint32_t from, const struct post_handler *handler)
{
    size_t at = 0;

    while (at < m->bytes.size) {
        struct mail_head head;

        memcpy(&head, m->bytes.bytes + at, sizeof(head));
        at += sizeof(head);
        handler->delivery(handler->context, from, &head, m->bytes.bytes + at);
        at += head.size;
    }
    assert(at == m->bytes.size);
}

void post_take_deliveries(struct post *p, const struct post_handler *handler)
{
    for (uint32_t from = 0; from < p->box->exchange->count; from++) {
        struct mail *m;

        while ((m = mailbox_take(p->box, from, LANE_DELIVERIES)) != NULL) {
            post_read_mail(m, from, handler);
            post_keep_mail(p, m);
        }
    }
}

static void post_read_parcel(struct parcel *parcel, const struct post_handler *handler)
{
    for (struct letter *l = parcel->first; l != NULL; l = l->next) {
        handler->expect(handler->context, l);
    }
    for (struct letter *l = parcel->first; l != NULL; l = l->next) {
        handler->letter(handler->context, l);
    }
}

bool post_is_empty(const struct post *p)
{
    for (uint32_t to = 0; to < p->box->exchange->count; to++) {
        const struct post_line *line = &p->lines[to];

        if (!list_empty(&line->leaving) || (line->parcel != NULL && line->parcel->first != NULL)) {
            return false;
        }
    }
    return !mailbox_has(p->box, LANE_COMMANDS);
}

bool post_take_commands(struct post *p, const struct post_handler *handler)
{
    bool any = false;

    for (uint32_t from = 0; from < p->box->exchange->count; from++) {
        struct parcel *parcel;

        for (int i = 0; i < POST_PARCELS_A_TURN &&
                        (parcel = mailbox_take(p->box, from, LANE_COMMANDS)) != NULL;
             i++) {
            post_read_parcel(parcel, handler);
            post_keep_parcel(p, parcel);
            any = true;
        }
    }
    return any;
}

void post_flush(struct post *p)
{
    post_hurry(p);
    for (uint32_t to = 0; to < p->box->exchange->count; to++) {
        struct post_line *line = &p->lines[to];

        if (line->parked.first != NULL) {
            post_send_parked(p, to);
        }
        if (!list_empty(&line->leaving)) {
            post_write_leaving(p, to);
        }
        if (line->parcel != NULL && line->parcel->first != NULL) {
            post_send_parcel(p, to);
        }
    }
    mailbox_ring_bells(p->box);
}

void post_close(struct post *p)
{
    for (uint32_t to = 0; to < p->box->exchange->count; to++) {
        struct post_line *line = &p->lines[to];
        struct mail_list urgent = {line->urgent, line->urgent};

        mail_list_drop(&line->filling);
        mail_list_drop(&urgent);
        mail_list_drop(&line->parked);
        assert(list_empty(&line->leaving));
        parcel_destroy(line->parcel);
    }
    while (p->spare_mail_count > 0) {
        mail_destroy(post_take_mail(p, 0));
    }
    while (p->spare_count > 0) {
        parcel_destroy(post_take_parcel(p));
    }
    memory_give(p->lines);
}

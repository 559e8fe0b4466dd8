#include "router/mailbox.h"

#include <assert.h>
#include <ck_pr.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "queue/base/memory.h"
#include "router/tsan.h"

static struct mailbox_ring *mailbox_ring_of(const struct exchange *x, uint32_t to, uint32_t from,
                                            enum mailbox_lane lane)
{
    return &x->rings[((size_t)to * x->count + from) * LANE_COUNT + lane];
}

void exchange_init(struct exchange *x, uint32_t reactors)
{
    size_t rings = (size_t)reactors * reactors * LANE_COUNT;

    assert(reactors >= 1 && reactors <= REACTORS_MAX);
    x->count = reactors;
    x->boxes = memory_take(reactors * sizeof(*x->boxes));
    x->rings = memory_take(rings * sizeof(*x->rings));
    for (size_t i = 0; i < rings; i++) {
        ck_ring_init(&x->rings[i].ring, MAILBOX_PLACES);
    }
    for (uint32_t i = 0; i < reactors; i++) {
        x->boxes[i].exchange = x;
        x->boxes[i].index = i;
    }
}

static void *mailbox_ring_take(struct mailbox_ring *r)
{
    void *batch;

    if (!ck_ring_dequeue_spsc(&r->ring, r->places, &batch)) {
        return NULL;
    }
    tsan_acquire(&r->ring);
    return batch;
}

void exchange_close(struct exchange *x, void (*drop)(enum mailbox_lane lane, void *batch))
{
    for (uint32_t to = 0; to < x->count; to++) {
        for (uint32_t from = 0; from < x->count; from++) {
            for (int lane = 0; lane < LANE_COUNT; lane++) {
                struct mailbox_ring *r = mailbox_ring_of(x, to, from, (enum mailbox_lane)lane);
                void *batch;

                while ((batch = mailbox_ring_take(r)) != NULL) {
                    drop((enum mailbox_lane)lane, batch);
                }
            }
        }
    }
    memory_give(x->boxes);
    memory_give(x->rings);
}

/* The turn does what there is to do; this only ends the sleep. */
static void mailbox_heard(uv_poll_t *ear, int status, int events)
{
    struct mailbox *m = ear->data;
    eventfd_t rung;

    (void)status;
    (void)events;
    (void)eventfd_read(m->bell, &rung);
}

/* Not uv_async_t: who is woken by one waits, spinning, until who woke it is back from the kernel.
 */
void mailbox_open(struct mailbox *m, uv_loop_t *loop)
{
    int status;

    m->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->bell < 0) {
        memory_end("no eventfd for a mailbox");
    }
    status = uv_poll_init(loop, &m->ear, m->bell);
    assert(status == 0);
    m->ear.data = m;
    status = uv_poll_start(&m->ear, UV_READABLE, mailbox_heard);
    assert(status == 0);
    (void)status;
    uv_unref((uv_handle_t *)&m->ear); /* a loop that has nothing else is at its end */
}

void mailbox_close(struct mailbox *m)
{
    uv_close((uv_handle_t *)&m->ear, NULL);
    (void)close(m->bell);
    m->bell = -1;
}

/* The second half of every hand-over: what was stored before must be seen by whoever announces its
 * sleep after this look. */
static void mailbox_wake(struct mailbox *m, uint32_t who)
{
    struct mailbox *sleeper = &m->exchange->boxes[who];

    ck_pr_fence_memory();
    if (atomic_load(&sleeper->sleeping) && atomic_exchange(&sleeper->sleeping, false)) {
        m->bells++;
        (void)eventfd_write(sleeper->bell, 1);
    }
}

static bool mailbox_put(struct mailbox_ring *r, void *batch)
{
    tsan_release(&r->ring);
    return ck_ring_enqueue_spsc(&r->ring, r->places, batch);
}

bool mailbox_send(struct mailbox *m, uint32_t to, enum mailbox_lane lane, void *batch)
{
    struct mailbox_ring *r = mailbox_ring_of(m->exchange, to, m->index, lane);

    if (!mailbox_put(r, batch)) {
        m->full[lane]++;
        m->blocked[lane] |= UINT64_C(1) << to;
        return false;
    }
    m->blocked[lane] &= ~(UINT64_C(1) << to);
    m->sent[lane]++;
    m->to_ring |= UINT64_C(1) << to;
    return true;
}

void *mailbox_take(struct mailbox *m, uint32_t from, enum mailbox_lane lane)
{
    struct mailbox_ring *r = mailbox_ring_of(m->exchange, m->index, from, lane);
    void *batch = mailbox_ring_take(r);

    if (batch != NULL) {
        m->taken[lane]++;
        ck_pr_fence_memory();
        if (atomic_load(&r->wants_room) && atomic_exchange(&r->wants_room, false)) {
            mailbox_wake(m, from);
        }
    }
    return batch;
}

bool mailbox_has(const struct mailbox *m, enum mailbox_lane lane)
{
    for (uint32_t from = 0; from < m->exchange->count; from++) {
        if (ck_ring_size(&mailbox_ring_of(m->exchange, m->index, from, lane)->ring) > 0) {
            return true;
        }
    }
    return false;
}

void mailbox_ring_bells(struct mailbox *m)
{
    while (m->to_ring != 0) {
        uint32_t who = (uint32_t)__builtin_ctzll(m->to_ring);

        m->to_ring &= m->to_ring - 1;
        mailbox_wake(m, who);
    }
}

void mailbox_ring_all(struct mailbox *m)
{
    for (uint32_t who = 0; who < m->exchange->count; who++) {
        if (who != m->index) {
            mailbox_wake(m, who);
        }
    }
}

/* Say at every ring that was found full that its producer sleeps now. Not before: whoever takes
 * such a word down must find the producer asleep, or it was said in vain. */
static void mailbox_want_room(struct mailbox *m, enum mailbox_lane lane)
{
    for (uint64_t left = m->blocked[lane]; left != 0; left &= left - 1) {
        uint32_t to = (uint32_t)__builtin_ctzll(left);

        atomic_store(&mailbox_ring_of(m->exchange, to, m->index, lane)->wants_room, true);
    }
}

/* Has one of them room again? Each is told once: who still wants it tries, and is told again. */
static bool mailbox_found_room(struct mailbox *m, enum mailbox_lane lane)
{
    bool found = false;

    for (uint64_t left = m->blocked[lane]; left != 0; left &= left - 1) {
        uint32_t to = (uint32_t)__builtin_ctzll(left);

        if (ck_ring_size(&mailbox_ring_of(m->exchange, to, m->index, lane)->ring) <
            MAILBOX_PLACES - 1) {
            m->blocked[lane] &= ~(UINT64_C(1) << to);
            found = true;
        }
    }
    return found;
}

bool mailbox_fall_asleep(struct mailbox *m, unsigned lanes)
{
    if (m->exchange->count == 1) {
        return true;
    }
    atomic_store(&m->sleeping, true);
    mailbox_want_room(m, LANE_DELIVERIES);
    mailbox_want_room(m, LANE_COMMANDS);
    ck_pr_fence_memory();
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        bool has = (lanes & 1u << lane) != 0 && mailbox_has(m, (enum mailbox_lane)lane);

        if (mailbox_found_room(m, (enum mailbox_lane)lane) || has) {
            atomic_store(&m->sleeping, false);
            return false;
        }
    }
    return true;
}

void mailbox_wake_up(struct mailbox *m)
{
    atomic_store_explicit(&m->sleeping, false, memory_order_relaxed);
}

#include "router/redis/redis_script.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "queue/base/list.h"
#include "queue/base/memory.h"

#define SCRIPT_TRIES_MAX 3u

enum run_state {
    RUN_SENT,  /* an answer is due */
    RUN_AGAIN, /* refused, to be sent again when all answers that are due have come */
    RUN_HELD,  /* not sent yet: something before it is to be sent again */
};

struct script_run {
    struct list_node node;
    struct redis_script_queue *queue;
    const struct redis_script *script; /* NULL: a command behind scripts */
    enum run_state state;
    uint32_t tries;
    char *bytes;
    size_t size;
    uint32_t patience_ms;
    redis_answered answered;
    void *context;
};

struct redis_script_queue {
    struct redis_link *link;
    struct list runs; /* in the order in which they were given */
    uint32_t sent;    /* answers that are due */
    uint32_t again;   /* runs that wait to be sent again */
    size_t held_bytes;
    uint64_t repeats;
};

void redis_script_init(struct redis_script *s, struct text text)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t size = 0;

    if (EVP_Q_digest(NULL, "SHA1", NULL, text.bytes, text.length, digest, &size) != 1) {
        abort(); /* a libcrypto without SHA-1 cannot speak of scripts at all */
    }
    assert(size == 20);
    s->text = text;
    for (size_t i = 0; i < size; i++) {
        s->sha[2 * i] = digits[digest[i] >> 4];
        s->sha[2 * i + 1] = digits[digest[i] & 15];
    }
    s->sha[2 * size] = '\0';
}

struct redis_script_queue *redis_script_queue_create(struct redis_link *l)
{
    struct redis_script_queue *q = memory_take(sizeof(*q));

    q->link = l;
    list_init(&q->runs);
    return q;
}

void redis_script_queue_destroy(struct redis_script_queue *q)
{
    assert(list_empty(&q->runs));
    memory_give(q);
}

uint64_t redis_script_repeats(const struct redis_script_queue *q)
{
    return q->repeats;
}

static void redis_script_tell(struct script_run *run, const struct redis_answer *a)
{
    redis_answered answered = run->answered;
    void *context = run->context;

    list_remove(&run->node);
    redis_link_format_free(run->bytes);
    memory_give(run);
    if (answered != NULL) {
        answered(context, a);
    }
}

static void redis_script_answered(void *context, const struct redis_answer *a);

static enum redis_sent redis_script_transmit(struct script_run *run, bool beyond)
{
    struct redis_script_queue *q = run->queue;
    enum redis_sent sent = redis_link_send_formatted(q->link, run->bytes, run->size, beyond,
                                                     run->patience_ms, redis_script_answered, run);

    if (sent == REDIS_SENT) {
        run->state = RUN_SENT;
        run->tries++;
        q->sent++;
    }
    return sent;
}

/* The link is at its end: nothing of what stands before this one, or waits behind, will be sent. */
static void redis_script_lose(struct redis_script_queue *q, const struct script_run *until,
                              const struct redis_answer *lost)
{
    struct list_node *next;

    for (struct list_node *n = list_first(&q->runs); n != NULL; n = next) {
        struct script_run *run = record_of(n, struct script_run, node);

        if (run == until) {
            break;
        }
        next = list_next(&q->runs, n);
        if (run->state != RUN_SENT) {
            q->again -= run->state == RUN_AGAIN;
            redis_script_tell(run, lost);
        }
    }
}

/* SCRIPT LOAD of each script that is to run again. Its answer says nothing that the runs' own do
 * not say better. */
static void redis_script_load(struct redis_script_queue *q)
{
    const struct redis_script *loaded = NULL;

    for (struct list_node *n = list_first(&q->runs); n != NULL; n = list_next(&q->runs, n)) {
        const struct redis_script *s = record_of(n, struct script_run, node)->script;
        const struct text words[] = {TEXT("SCRIPT"), TEXT("LOAD"), s == NULL ? TEXT("") : s->text};
        size_t size;
        char *bytes;

        if (s == NULL || s == loaded) {
            continue; /* two that alternate are loaded more than once, which does no harm */
        }
        loaded = s;
        bytes = redis_link_format(3, words, &size);
        redis_link_send_formatted(q->link, bytes, size, true, 0, NULL, NULL);
        redis_link_format_free(bytes);
    }
}

/* Every answer that was due has come: now the refused ones go again, and behind them what waits. */
static void redis_script_repeat(struct redis_script_queue *q)
{
    static const struct redis_answer lost = {REDIS_LOST, NULL, NULL, "the connection is ending"};
    struct list_node *next;

    redis_script_load(q);
    for (struct list_node *n = list_first(&q->runs); n != NULL; n = next) {
        struct script_run *run = record_of(n, struct script_run, node);

        next = list_next(&q->runs, n);
        q->repeats += run->state == RUN_AGAIN;
        if (redis_script_transmit(run, true) != REDIS_SENT) {
            redis_script_lose(q, NULL, &lost);
            break;
        }
    }
    q->again = 0;
    q->held_bytes = 0;
}

static void redis_script_answered(void *context, const struct redis_answer *a)
{
    struct script_run *run = context;
    struct redis_script_queue *q = run->queue;
    bool unknown = a->outcome == REDIS_DENIED && a->error->kind == REDIS_ERROR_NOSCRIPT;
    bool again = run->script != NULL ? unknown && run->tries < SCRIPT_TRIES_MAX
                                     : q->again > 0 && a->outcome != REDIS_LOST;

    q->sent--;
    if (again) {
        run->state = RUN_AGAIN;
        q->again++;
        q->held_bytes += run->size;
    } else {
        if (a->outcome == REDIS_LOST) {
            redis_script_lose(q, run, a); /* in order: those before it were lost before it */
        }
        redis_script_tell(run, a);
    }
    if (q->sent > 0) {
        return;
    }
    if (a->outcome == REDIS_LOST) {
        redis_script_lose(q, NULL, a);
    } else if (q->again > 0) {
        redis_script_repeat(q);
    }
}

/* Takes `bytes`. */
static enum redis_sent redis_script_give(struct redis_script_queue *q,
                                         const struct redis_script *script,
                                         const struct redis_command *c, char *bytes, size_t size)
{
    struct script_run *run = memory_take(sizeof(*run));
    enum redis_sent sent = REDIS_SENT;

    *run = (struct script_run){.queue = q,
                               .script = script,
                               .state = RUN_HELD,
                               .bytes = bytes,
                               .size = size,
                               .patience_ms = c->patience_ms,
                               .answered = c->answered,
                               .context = c->context};
    if (q->again == 0) {
        sent = redis_script_transmit(run, false);
    } else {
        sent = redis_link_may_send(q->link, q->held_bytes + size);
        q->held_bytes += sent == REDIS_SENT ? size : 0;
    }
    if (sent != REDIS_SENT) {
        redis_link_format_free(bytes);
        memory_give(run);
        return sent;
    }
    list_append(&q->runs, &run->node);
    return REDIS_SENT;
}

enum redis_sent redis_script_run(struct redis_script_queue *q, const struct redis_script *s,
                                 const struct redis_command *c)
{
    struct text few[16], *words = few;
    char *bytes;
    size_t size;

    if (c->count + 2 > sizeof(few) / sizeof(few[0])) {
        words = memory_take((c->count + 2) * sizeof(*words));
    }
    words[0] = TEXT("EVALSHA");
    words[1] = (struct text){s->sha, REDIS_SHA_BYTES - 1};
    memcpy(words + 2, c->words, c->count * sizeof(*words));
    bytes = redis_link_format(c->count + 2, words, &size);
    if (words != few) {
        memory_give(words);
    }
    return redis_script_give(q, s, c, bytes, size);
}

enum redis_sent redis_script_send_behind(struct redis_script_queue *q,
                                         const struct redis_command *c)
{
    size_t size;
    char *bytes = redis_link_format(c->count, c->words, &size);

    return redis_script_give(q, NULL, c, bytes, size);
}

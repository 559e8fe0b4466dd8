#include "router/redis/redis_transaction.h"

#include "queue/base/memory.h"

struct redis_transaction {
    redis_answered answered;
    void *context;
    struct redis_error refused; /* the first one; its words are ours */
    bool is_refused;
};

/* One of the commands, MULTI among them, was taken or refused. */
static void redis_transaction_queued(void *context, const struct redis_answer *a)
{
    struct redis_transaction *t = context;

    if (a->outcome == REDIS_DENIED && !t->is_refused) {
        t->is_refused = true;
        t->refused = *a->error;
        t->refused.words.bytes = memory_copy(a->error->words.bytes, a->error->words.length);
    }
}

static void redis_transaction_done(void *context, const struct redis_answer *a)
{
    struct redis_transaction *t = context;
    struct redis_answer refused = {REDIS_DENIED, NULL, &t->refused, NULL};

    t->answered(t->context, t->is_refused && a->outcome != REDIS_LOST ? &refused : a);
    if (t->is_refused) {
        memory_give((void *)(uintptr_t)t->refused.words.bytes);
    }
    memory_give(t);
}

struct transaction_bytes {
    char *bytes;
    size_t size;
};

static size_t redis_transaction_format(struct transaction_bytes *out,
                                       const struct redis_command *commands, uint32_t count)
{
    size_t size = 0;

    for (uint32_t i = 0; i < count; i++) {
        out[i].bytes = redis_link_format(commands[i].count, commands[i].words, &out[i].size);
        size += out[i].size;
    }
    return size;
}

enum redis_sent redis_transaction_send(struct redis_link *l, const struct redis_command *commands,
                                       uint32_t count, redis_answered answered, void *context)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
    struct transaction_bytes *all = memory_take(count * sizeof(*all));
    size_t size = redis_transaction_format(all, commands, count) + sizeof(multi) + sizeof(exec);
    enum redis_sent sent = redis_link_may_send(l, size);

    if (sent == REDIS_SENT) {
        struct redis_transaction *t = memory_take(sizeof(*t));

        t->answered = answered;
        t->context = context;
        redis_link_send_formatted(l, multi, sizeof(multi) - 1, true, 0, redis_transaction_queued,
                                  t);
        for (uint32_t i = 0; i < count; i++) {
            redis_link_send_formatted(l, all[i].bytes, all[i].size, true, 0,
                                      redis_transaction_queued, t);
        }
        redis_link_send_formatted(l, exec, sizeof(exec) - 1, true, 0, redis_transaction_done, t);
    }
    for (uint32_t i = 0; i < count; i++) {
        redis_link_format_free(all[i].bytes);
    }
    memory_give(all);
    return sent;
}

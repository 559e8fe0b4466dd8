#include "bench/redis_counts.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "router/redis/redis_reply.h"
#include "router/stream/stream_id.h"

#define COUNTS_PATIENCE_S 2
#define COUNTS_STREAM     "switchboard:{default}:journal"

/* The number behind `name:` in what INFO says. */
static int64_t redis_counts_named(const char *info, const char *name)
{
    const char *at = strstr(info, name);

    return at == NULL ? 0 : strtoll(at + strlen(name), NULL, 10);
}

static bool redis_counts_of_server(redisContext *c, struct redis_counts *out)
{
    redisReply *info = redisCommand(c, "INFO everything");
    bool good = info != NULL && !text_is_none(redis_reply_text(info));

    if (good) {
        out->commands = redis_counts_named(info->str, "\ntotal_commands_processed:");
        out->bytes_in = redis_counts_named(info->str, "\ntotal_net_input_bytes:");
        out->file_bytes = redis_counts_named(info->str, "\naof_current_size:");
    }
    freeReplyObject(info);
    return good;
}

static void redis_counts_of_stream(redisContext *c, struct redis_counts *out)
{
    redisReply *about = redisCommand(c, "XINFO STREAM " COUNTS_STREAM);
    struct stream_id last;

    for (size_t i = 0; i + 1 < redis_reply_count(about); i += 2) {
        const struct redisReply *value = redis_reply_at(about, i + 1);

        if (redis_reply_is(redis_reply_at(about, i), "entries-added")) {
            (void)redis_reply_integer(value, &out->entries);
        } else if (redis_reply_is(redis_reply_at(about, i), "last-generated-id") &&
                   stream_id_read(redis_reply_text(value), &last)) {
            out->facts = (int64_t)(last.place >> STREAM_SLICE_BITS);
        }
    }
    freeReplyObject(about);
}

bool redis_counts_read(uint16_t port, struct redis_counts *out)
{
    const struct timeval patience = {.tv_sec = COUNTS_PATIENCE_S};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", port, patience);
    bool good = c != NULL && c->err == 0 && redisSetTimeout(c, patience) == REDIS_OK &&
                redis_counts_of_server(c, out);

    if (good) {
        redis_counts_of_stream(c, out);
    }
    if (c != NULL) {
        redisFree(c);
    }
    return good;
}

struct redis_counts redis_counts_since(const struct redis_counts *now,
                                       const struct redis_counts *before)
{
    return (struct redis_counts){.commands = now->commands - before->commands,
                                 .bytes_in = now->bytes_in - before->bytes_in,
                                 .file_bytes = now->file_bytes - before->file_bytes,
                                 .entries = now->entries - before->entries,
                                 .facts = now->facts - before->facts};
}

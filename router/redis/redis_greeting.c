#include "router/redis/redis_greeting.h"

#include <stdio.h>

#include "queue/base/memory.h"

#define GREETING_VERSION_MIN REDIS_VERSION(7, 0, 0)

static const struct {
    const char *word;  /* ours */
    const char *reply; /* as ROLE and INFO say it */
} redis_roles[] = {
    [REDIS_ROLE_UNKNOWN] = {"unknown", NULL},
    [REDIS_ROLE_PRIMARY] = {"primary", "master"},
    [REDIS_ROLE_REPLICA] = {"replica", "slave"},
    [REDIS_ROLE_SENTINEL] = {"sentinel", "sentinel"},
};

const char *redis_role_word(enum redis_role role)
{
    return redis_roles[role].word;
}

static enum redis_role redis_greeting_role(struct text word)
{
    for (enum redis_role r = REDIS_ROLE_PRIMARY; r <= REDIS_ROLE_SENTINEL; r++) {
        if (text_equal(word, text_from(redis_roles[r].reply))) {
            return r;
        }
    }
    return REDIS_ROLE_UNKNOWN;
}

void redis_greeting_read_role(struct redis_greeting *g, const struct redisReply *r)
{
    enum redis_role role = redis_greeting_role(redis_reply_text(redis_reply_at(r, 0)));

    if (role != REDIS_ROLE_UNKNOWN) {
        g->role = role;
    }
}

/* ---- INFO ---- */

enum info_type {
    INFO_ID,
    INFO_WORD,
    INFO_NUMBER32,
    INFO_NUMBER64,
    INFO_FLAG,
    INFO_UP,
    INFO_VERSION
};

static const struct {
    const char *name;
    enum info_type type;
    size_t offset;
} redis_greeting_lines[] = {
    {"redis_version", INFO_VERSION, offsetof(struct redis_greeting, version)},
    {"run_id", INFO_ID, offsetof(struct redis_greeting, run_id)},
    {"server_time_usec", INFO_NUMBER64, offsetof(struct redis_greeting, time_us)},
    {"master_replid", INFO_ID, offsetof(struct redis_greeting, replication_id)},
    {"master_repl_offset", INFO_NUMBER64, offsetof(struct redis_greeting, replication_offset)},
    {"connected_slaves", INFO_NUMBER32, offsetof(struct redis_greeting, replicas)},
    {"master_link_status", INFO_UP, offsetof(struct redis_greeting, replica_in_sync)},
    {"loading", INFO_FLAG, offsetof(struct redis_greeting, loading)},
    {"aof_enabled", INFO_FLAG, offsetof(struct redis_greeting, append_only)},
    {"cluster_enabled", INFO_FLAG, offsetof(struct redis_greeting, cluster)},
    {"maxmemory", INFO_NUMBER64, offsetof(struct redis_greeting, memory_max)},
    {"maxmemory_policy", INFO_WORD, offsetof(struct redis_greeting, memory_policy)},
};

static uint64_t redis_greeting_number(struct text *t)
{
    uint64_t n = 0;

    while (t->length > 0 && *t->bytes >= '0' && *t->bytes <= '9') {
        n = n * 10 + (uint64_t)(*t->bytes - '0');
        t->bytes++;
        t->length--;
    }
    return n;
}

static uint32_t redis_greeting_version(struct text t)
{
    uint32_t version = 0;

    for (int part = 0; part < 3; part++) {
        uint64_t n = redis_greeting_number(&t);

        version = version << 8 | (uint32_t)(n > 255 ? 255 : n);
        if (t.length > 0 && *t.bytes == '.') {
            t.bytes++;
            t.length--;
        }
    }
    return version;
}

static void redis_greeting_copy(char *out, size_t size, struct text t)
{
    size_t length = t.length < size ? t.length : size - 1;

    memcpy(out, t.bytes, length);
    out[length] = '\0';
}

static void redis_greeting_read_value(struct redis_greeting *g, size_t line, struct text value)
{
    void *out = (char *)g + redis_greeting_lines[line].offset;

    switch (redis_greeting_lines[line].type) {
    case INFO_ID:
        redis_greeting_copy(out, REDIS_ID_BYTES, value);
        break;
    case INFO_WORD:
        redis_greeting_copy(out, sizeof(g->memory_policy), value);
        break;
    case INFO_NUMBER32:
        *(uint32_t *)out = (uint32_t)redis_greeting_number(&value);
        break;
    case INFO_NUMBER64:
        *(uint64_t *)out = redis_greeting_number(&value);
        break;
    case INFO_FLAG:
        *(bool *)out = text_equal(value, TEXT("1"));
        break;
    case INFO_UP:
        *(bool *)out = text_equal(value, TEXT("up"));
        break;
    case INFO_VERSION:
        *(uint32_t *)out = redis_greeting_version(value);
        break;
    }
}

static void redis_greeting_read_line(struct redis_greeting *g, const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    struct text name, value;

    if (colon == NULL) {
        return;
    }
    name = (struct text){at, (uint32_t)(colon - at)};
    value = (struct text){colon + 1, (uint32_t)(end - colon - 1)};
    if (text_equal(name, TEXT("role")) && g->role == REDIS_ROLE_UNKNOWN) {
        g->role = redis_greeting_role(value);
    }
    for (size_t i = 0; i < sizeof(redis_greeting_lines) / sizeof(redis_greeting_lines[0]); i++) {
        if (text_equal(name, text_from(redis_greeting_lines[i].name))) {
            redis_greeting_read_value(g, i, value);
        }
    }
}

void redis_greeting_read_info(struct redis_greeting *g, struct text info)
{
    const char *at = info.bytes, *end = info.bytes + info.length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *next = line_end == NULL ? end : line_end + 1;

        line_end = line_end == NULL ? end : line_end;
        if (line_end > at && line_end[-1] == '\r') {
            line_end--;
        }
        redis_greeting_read_line(g, at, line_end);
        at = next;
    }
    g->info_known = g->version != 0;
}

/* ---- asking ---- */

struct greeting_question {
    struct redis_greeting *g;
    void (*done)(void *context, bool answered);
    void *context;
};

static void redis_greeting_role_answered(void *context, const struct redis_answer *a)
{
    struct greeting_question *q = context;

    if (a->outcome == REDIS_ANSWER) {
        redis_greeting_read_role(q->g, a->reply);
    }
}

static void redis_greeting_info_answered(void *context, const struct redis_answer *a)
{
    struct greeting_question q = *(struct greeting_question *)context;

    if (a->outcome == REDIS_ANSWER && !text_is_none(redis_reply_text(a->reply))) {
        redis_greeting_read_info(q.g, redis_reply_text(a->reply));
    }
    memory_give(context);
    q.done(q.context, a->outcome != REDIS_LOST);
}

void redis_greeting_ask(struct redis_link *l, struct redis_greeting *g,
                        void (*done)(void *context, bool answered), void *context)
{
    static const struct text role = {"ROLE", 4}, info = {"INFO", 4};
    struct greeting_question *q = memory_take(sizeof(*q));
    char *bytes;
    size_t size;

    *q = (struct greeting_question){g, done, context};
    memset(g, 0, sizeof(*g));
    g->endpoint = *redis_link_endpoint(l);
    bytes = redis_link_format(1, &role, &size);
    redis_link_send_formatted(l, bytes, size, true, 0, redis_greeting_role_answered, q);
    redis_link_format_free(bytes);
    bytes = redis_link_format(1, &info, &size);
    redis_link_send_formatted(l, bytes, size, true, 0, redis_greeting_info_answered, q);
    redis_link_format_free(bytes);
}

bool redis_greeting_is_safe(const struct redis_greeting *g, uint32_t replicas, char *problem,
                            size_t size)
{
    char endpoint[REDIS_ENDPOINT_BYTES];

    redis_endpoint_shown(&g->endpoint, endpoint);
    if (!g->info_known) {
        snprintf(problem, size, "%.120s: INFO is not allowed, so nothing is known of its safety",
                 endpoint);
    } else if (g->version < GREETING_VERSION_MIN) {
        snprintf(problem, size, "%.120s: version %u.%u; 7.0 or later is needed", endpoint,
                 g->version >> 16, g->version >> 8 & 255);
    } else if (!g->append_only && (replicas == 0 || g->replicas < replicas)) {
        snprintf(problem, size,
                 "%.120s: no append-only file, and %u replicas of %u: what it is given can be lost",
                 endpoint, g->replicas, replicas);
    } else if (strcmp(g->memory_policy, "noeviction") != 0) {
        snprintf(problem, size, "%.120s: maxmemory-policy is %s and must be noeviction", endpoint,
                 g->memory_policy);
    } else {
        return true;
    }
    return false;
}

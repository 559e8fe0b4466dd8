#include "router/redis/redis_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* What is being read, and the place where it began: problems count bytes from there. */
struct address_reader {
    const char *start, *at, *end;
    char *problem;
    size_t size;
};

static bool redis_address_fail(const struct address_reader *r, const char *at, const char *words)
{
    snprintf(r->problem, r->size, "byte %zu of the Redis address: %s", (size_t)(at - r->start) + 1,
             words);
    return false;
}

static const struct {
    struct text scheme;
    enum redis_deployment deployment;
    bool tls;
} redis_address_schemes[] = {
    {{"redis://", 8}, REDIS_SINGLE, false},
    {{"rediss://", 9}, REDIS_SINGLE, true},
    {{"redis-sentinel://", 17}, REDIS_SENTINEL, false},
    {{"rediss-sentinel://", 18}, REDIS_SENTINEL, true},
    {{"redis-cluster://", 16}, REDIS_CLUSTER, false},
    {{"rediss-cluster://", 17}, REDIS_CLUSTER, true},
};
#define SCHEME_COUNT (sizeof(redis_address_schemes) / sizeof(redis_address_schemes[0]))

enum option_for { FOR_ALL, FOR_TLS, FOR_SENTINEL };

static const struct address_option {
    const char *name;
    size_t offset, size;
    enum option_for whom;
} redis_address_options[] = {
#define OPTION(name_, member_, whom_)                                                              \
    {                                                                                              \
        (name_), offsetof(struct redis_address, member_),                                          \
            sizeof(((struct redis_address *)0)->member_), (whom_)                                  \
    }
    OPTION("password-file", account.password_file, FOR_ALL),
    OPTION("password-env", account.password_env, FOR_ALL),
    OPTION("ca", ca, FOR_TLS),
    OPTION("cert", cert, FOR_TLS),
    OPTION("key", key, FOR_TLS),
    OPTION("server-name", server_name, FOR_TLS),
    OPTION("sentinel-user", sentinel_account.user, FOR_SENTINEL),
    OPTION("sentinel-password-file", sentinel_account.password_file, FOR_SENTINEL),
    OPTION("sentinel-password-env", sentinel_account.password_env, FOR_SENTINEL),
#undef OPTION
};
#define OPTION_COUNT (sizeof(redis_address_options) / sizeof(redis_address_options[0]))

static int redis_address_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copy [at, end) without its percent signs. Control bytes have no place in a user, a password or a
 * path, and a zero would end it unseen. */
static bool redis_address_copy(const struct address_reader *r, const char *at, const char *end,
                               char *out, size_t size)
{
    size_t length = 0;

    for (; at < end; at++) {
        int byte = (unsigned char)*at;

        if (*at == '%') {
            int high = end - at > 2 ? redis_address_hex(at[1]) : -1;
            int low = end - at > 2 ? redis_address_hex(at[2]) : -1;

            if (high < 0 || low < 0) {
                return redis_address_fail(r, at, "behind % stand two hexadecimal digits");
            }
            byte = high * 16 + low;
        }
        if (byte < 0x20 || byte == 0x7f) {
            return redis_address_fail(r, at, "a control byte");
        }
        if (length + 1 >= size) {
            return redis_address_fail(r, at, "too long");
        }
        out[length++] = (char)byte;
        at += *at == '%' ? 2 : 0;
    }
    out[length] = '\0';
    return true;
}

static const char *redis_address_find(const char *at, const char *end, const char *any)
{
    while (at < end && strchr(any, *at) == NULL) {
        at++;
    }
    return at;
}

/* [USER[:PASSWORD]@] stands before the first '@'; neither may hold one unless as %40. */
static bool redis_address_read_account(struct address_reader *r, struct redis_account *a)
{
    const char *end = redis_address_find(r->at, r->end, "@/?");
    const char *colon;

    if (end == r->end || *end != '@') {
        return true;
    }
    colon = redis_address_find(r->at, end, ":");
    if (!redis_address_copy(r, r->at, colon, a->user, sizeof(a->user))) {
        return false;
    }
    if (colon < end) {
        if (colon + 1 == end) {
            return redis_address_fail(r, end, "a password is missing behind the colon");
        }
        if (!redis_address_copy(r, colon + 1, end, a->password, sizeof(a->password))) {
            return false;
        }
    }
    r->at = end + 1;
    return true;
}

static const char *redis_address_port(const char *at, const char *end, uint16_t *out)
{
    unsigned long port = 0;

    if (at == end) {
        return "a port is missing";
    }
    for (; at < end; at++) {
        if (*at < '0' || *at > '9' || port > UINT16_MAX) {
            return "a port is a number from 1 to 65535";
        }
        port = port * 10 + (unsigned long)(*at - '0');
    }
    if (port == 0 || port > UINT16_MAX) {
        return "a port is a number from 1 to 65535";
    }
    *out = (uint16_t)port;
    return NULL;
}

/* NULL, or what is wrong with the endpoint, and `at` then tells where. */
static const char *redis_address_endpoint(const char **at, const char *end, bool hostless,
                                          struct redis_endpoint *out)
{
    const char *host = *at, *host_end, *colon;
    const char *problem;

    if (host < end && *host == '[') {
        host++;
        host_end = redis_address_find(host, end, "]");
        if (host_end == end) {
            return "a bracket is not closed";
        }
        colon = host_end + 1;
    } else {
        /* The last colon: Redis itself writes IPv6 addresses without brackets. */
        colon = end;
        while (colon > host && colon[-1] != ':') {
            colon--;
        }
        colon = colon == host ? end : colon - 1;
        host_end = colon;
    }
    if (host == host_end && !hostless) {
        return "a host is missing";
    }
    if ((size_t)(host_end - host) >= sizeof(out->host)) {
        return "a host has 253 bytes at most";
    }
    for (const char *c = host; c < host_end; c++) {
        if ((unsigned char)*c <= 0x20 || *c == 0x7f || strchr("@/?#[]\\\"", *c) != NULL) {
            *at = c;
            return "a host has no such byte";
        }
    }
    *at = colon;
    if (colon >= end || *colon != ':') {
        return "a port is missing: HOST:PORT";
    }
    problem = redis_address_port(colon + 1, end, &out->port);
    if (problem != NULL) {
        *at = colon + 1;
        return problem;
    }
    memcpy(out->host, host, (size_t)(host_end - host));
    out->host[host_end - host] = '\0';
    return NULL;
}

static bool redis_address_read_seeds(struct address_reader *r, struct redis_address *out)
{
    const char *end = redis_address_find(r->at, r->end, "/?");

    for (;;) {
        const char *comma = redis_address_find(r->at, end, ",");
        const char *at = r->at;
        const char *problem;

        if (out->seed_count == REDIS_SEEDS_MAX) {
            return redis_address_fail(r, r->at, "16 hosts at most");
        }
        if (out->seed_count == 1 && out->deployment == REDIS_SINGLE) {
            return redis_address_fail(r, r->at - 1,
                                      "one Redis has one HOST:PORT; several are redis-sentinel:// "
                                      "or redis-cluster://");
        }
        problem = redis_address_endpoint(&at, comma, false, &out->seeds[out->seed_count]);
        if (problem != NULL) {
            return redis_address_fail(r, at, problem);
        }
        out->seed_count++;
        r->at = comma;
        if (comma == end) {
            return true;
        }
        r->at++;
    }
}

static bool redis_address_read_name(struct address_reader *r, struct redis_address *out)
{
    const char *end = redis_address_find(r->at, r->end, "?");

    if (out->deployment != REDIS_SENTINEL) {
        if (end - r->at > 1) {
            return redis_address_fail(r, r->at, "only redis-sentinel:// has a /NAME");
        }
        r->at = end;
        return true;
    }
    if (end - r->at < 2) {
        return redis_address_fail(r, r->at, "the /NAME of the primary is missing");
    }
    if (!redis_address_copy(r, r->at + 1, end, out->name, sizeof(out->name))) {
        return false;
    }
    r->at = end;
    return true;
}

static bool redis_address_read_option(struct address_reader *r, struct redis_address *out)
{
    const char *end = redis_address_find(r->at, r->end, "&");
    const char *equals = redis_address_find(r->at, end, "=");
    size_t length = (size_t)(equals - r->at);

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct address_option *o = &redis_address_options[i];
        char *value = (char *)out + o->offset;

        if (strlen(o->name) != length || memcmp(o->name, r->at, length) != 0) {
            continue;
        }
        if (o->whom == FOR_TLS && !out->tls) {
            return redis_address_fail(r, r->at, "an option of TLS: the address begins rediss");
        }
        if (o->whom == FOR_SENTINEL && out->deployment != REDIS_SENTINEL) {
            return redis_address_fail(r, r->at, "an option of redis-sentinel://");
        }
        if (equals == end || equals + 1 == end) {
            return redis_address_fail(r, equals, "an option is NAME=VALUE");
        }
        if (value[0] != '\0') {
            return redis_address_fail(r, r->at, "an option that was given before");
        }
        if (!redis_address_copy(r, equals + 1, end, value, o->size)) {
            return false;
        }
        r->at = end;
        return true;
    }
    return redis_address_fail(r, r->at, "no such option");
}

/* Each password has one source, and a certificate its key. */
static bool redis_address_check(const struct address_reader *r, const struct redis_address *a)
{
    const struct redis_account *accounts[] = {&a->account, &a->sentinel_account};

    for (size_t i = 0; i < 2; i++) {
        int sources = (accounts[i]->password[0] != '\0') + (accounts[i]->password_file[0] != '\0') +
                      (accounts[i]->password_env[0] != '\0');

        if (sources > 1) {
            return redis_address_fail(r, r->end, "a password comes from one place");
        }
        if (sources == 0 && accounts[i]->user[0] != '\0') {
            return redis_address_fail(r, r->end, "a user without a password");
        }
    }
    if ((a->cert[0] == '\0') != (a->key[0] == '\0')) {
        return redis_address_fail(r, r->end, "cert and key are given together");
    }
    return true;
}

static bool redis_address_read(struct address_reader *r, struct redis_address *out)
{
    size_t i = 0;

    while (i < SCHEME_COUNT && ((size_t)(r->end - r->at) < redis_address_schemes[i].scheme.length ||
                                memcmp(r->at, redis_address_schemes[i].scheme.bytes,
                                       redis_address_schemes[i].scheme.length) != 0)) {
        i++;
    }
    if (i == SCHEME_COUNT) {
        return redis_address_fail(r, r->at,
                                  "an address begins redis://, redis-sentinel:// or "
                                  "redis-cluster:// (rediss...: over TLS)");
    }
    out->deployment = redis_address_schemes[i].deployment;
    out->tls = redis_address_schemes[i].tls;
    r->at += redis_address_schemes[i].scheme.length;
    if (!redis_address_read_account(r, &out->account) || !redis_address_read_seeds(r, out) ||
        !redis_address_read_name(r, out)) {
        return false;
    }
    while (r->at < r->end) {
        r->at++; /* '?' or '&' */
        if (!redis_address_read_option(r, out)) {
            return false;
        }
    }
    return redis_address_check(r, out);
}

bool redis_address_parse(struct text url, struct redis_address *out, char *problem, size_t size)
{
    struct address_reader r = {url.bytes, url.bytes, url.bytes + url.length, problem, size};

    memset(out, 0, sizeof(*out));
    if (text_is_none(url)) {
        return redis_address_parse(TEXT(""), out, problem, size);
    }
    if (!redis_address_read(&r, out)) {
        redis_address_forget(out);
        return false;
    }
    return true;
}

/* ---- secrets ---- */

static bool redis_address_set_password(struct redis_account *a, const char *bytes, size_t length,
                                       const char *kind, const char *source, char *problem,
                                       size_t size)
{
    while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) {
        length--;
    }
    if (length == 0 || length >= sizeof(a->password) || memchr(bytes, '\0', length) != NULL) {
        snprintf(problem, size, "%s %.150s: a password has 1 to %zu bytes, none of them zero", kind,
                 source, sizeof(a->password) - 1);
        return false;
    }
    memcpy(a->password, bytes, length);
    a->password[length] = '\0';
    return true;
}

static bool redis_address_load_account(struct redis_account *a, char *problem, size_t size)
{
    char bytes[REDIS_WORD_BYTES + 2];
    const char *value;
    size_t length;
    bool good;
    FILE *f;

    if (a->password_env[0] != '\0') {
        value = getenv(a->password_env);
        return redis_address_set_password(a, value == NULL ? "" : value,
                                          value == NULL ? 0 : strlen(value), "the variable",
                                          a->password_env, problem, size);
    }
    if (a->password_file[0] == '\0') {
        return true;
    }
    f = fopen(a->password_file, "rbe");
    if (f == NULL) {
        snprintf(problem, size, "the file %.150s: %s", a->password_file, strerror(errno));
        return false;
    }
    setvbuf(f, NULL, _IONBF, 0); /* no second copy of a secret */
    length = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    good =
        redis_address_set_password(a, bytes, length, "the file", a->password_file, problem, size);
    explicit_bzero(bytes, sizeof(bytes));
    return good;
}

bool redis_address_load(struct redis_address *a, char *problem, size_t size)
{
    return redis_address_load_account(&a->account, problem, size) &&
           redis_address_load_account(&a->sentinel_account, problem, size);
}

void redis_address_forget(struct redis_address *a)
{
    explicit_bzero(a->account.password, sizeof(a->account.password));
    explicit_bzero(a->sentinel_account.password, sizeof(a->sentinel_account.password));
}

/* ---- shown ---- */

void redis_address_shown(const struct redis_address *a, char *out, size_t size)
{
    char endpoint[REDIS_ENDPOINT_BYTES];
    size_t scheme = 0, length = 0;
    const char *mark = "?";

#define SHOW(...)                                                                                  \
    (length += length < size ? (size_t)snprintf(out + length, size - length, __VA_ARGS__) : 0)
    while (redis_address_schemes[scheme].deployment != a->deployment ||
           redis_address_schemes[scheme].tls != a->tls) {
        scheme++;
    }
    SHOW("%s", redis_address_schemes[scheme].scheme.bytes);
    if (a->account.user[0] != '\0' || a->account.password[0] != '\0') {
        SHOW("%s%s@", a->account.user, a->account.password[0] != '\0' ? ":***" : "");
    }
    for (uint32_t i = 0; i < a->seed_count; i++) {
        redis_endpoint_shown(&a->seeds[i], endpoint);
        SHOW("%s%s", i > 0 ? "," : "", endpoint);
    }
    if (a->deployment == REDIS_SENTINEL) {
        SHOW("/%s", a->name);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *value = (const char *)a + redis_address_options[i].offset;

        if (value[0] != '\0') {
            SHOW("%s%s=%s", mark, redis_address_options[i].name, value);
            mark = "&";
        }
    }
#undef SHOW
}

bool redis_endpoint_parse(struct text words, bool hostless, struct redis_endpoint *out)
{
    const char *at = words.bytes;

    memset(out, 0, sizeof(*out));
    return words.length > 0 &&
           redis_address_endpoint(&at, words.bytes + words.length, hostless, out) == NULL;
}

void redis_endpoint_shown(const struct redis_endpoint *e, char out[REDIS_ENDPOINT_BYTES])
{
    bool brackets = strchr(e->host, ':') != NULL;

    snprintf(out, REDIS_ENDPOINT_BYTES, brackets ? "[%s]:%u" : "%s:%u", e->host, (unsigned)e->port);
}

bool redis_endpoint_equal(const struct redis_endpoint *a, const struct redis_endpoint *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

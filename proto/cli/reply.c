#include "proto/cli/reply.h"

#include <stdio.h>

#include "proto/cli/cli.h"
#include "proto/cli/fields.h"
#include "proto/error_table.h"

static int reply_status(const char *code)
{
    for (int i = ERROR_NONE + 1; i < ERROR_COUNT; i++) {
        if (strcmp(code, error_wire((enum error_code)i)) == 0) {
            return CLI_REFUSED + i;
        }
    }
    return CLI_REFUSED; /* a newer server's word */
}

static uint32_t reply_put(struct packer *p, const char *key, const char *value)
{
    if (value[0] == '\0') {
        return 0;
    }
    packer_text(p, text_from(key));
    packer_text(p, text_from(value));
    return 1;
}

static void reply_error(struct reply *r, const struct switchboard_error *e)
{
    size_t map = packer_map_open(&r->body);
    uint32_t pairs = reply_put(&r->body, "code", e->code);

    pairs += reply_put(&r->body, "message", e->message);
    pairs += reply_put(&r->body, "field", e->field);
    pairs += reply_put(&r->body, "state", e->state);
    pairs += reply_put(&r->body, "reason", e->reason);
    pairs += reply_put(&r->body, "address", e->address);
    if (e->retry_after_ms >= 0) {
        packer_literal(&r->body, "retry_after_ms");
        packer_int(&r->body, e->retry_after_ms);
        pairs++;
    }
    packer_map_close(&r->body, map, pairs);
}

static void reply_own(struct reply *r, const char *message)
{
    packer_reset(&r->body);
    packer_map(&r->body, 1);
    (void)reply_put(&r->body, "message", message);
}

void reply_take(struct reply *r, const struct switchboard_answer *answer)
{
    packer_reset(&r->body);
    switch (answer->status) {
    case SWITCHBOARD_OK:
        r->status = CLI_DONE;
        packer_raw(&r->body, answer->result, answer->result_size);
        return;
    case SWITCHBOARD_REFUSED:
        r->status = reply_status(answer->error->code);
        reply_error(r, answer->error);
        return;
    case SWITCHBOARD_UNKNOWN:
    case SWITCHBOARD_CLOSED:
    case SWITCHBOARD_FULL:
        r->status = CLI_UNREACHABLE;
        break;
    case SWITCHBOARD_INVALID:
    case SWITCHBOARD_TOO_LARGE:
        r->status = CLI_USAGE;
        break;
    }
    reply_own(r, switchboard_status_text(answer->status));
}

void reply_late(struct reply *r, const char *server, int64_t ms)
{
    char message[512];

    snprintf(message, sizeof(message), "no answer from %s within %lld ms", server, (long long)ms);
    r->status = CLI_UNREACHABLE;
    reply_own(r, message);
}

void reply_close(struct reply *r)
{
    packer_close(&r->body);
}

struct text reply_map(const struct reply *r)
{
    return (struct text){(const char *)r->body.bytes, (uint32_t)r->body.size};
}

void reply_words(const struct reply *r, char *out, size_t size)
{
    static const char *const more[] = {"field", "state", "reason", "address"};
    struct text code = fields_text(reply_map(r), "code");
    struct text message = fields_text(reply_map(r), "message");
    size_t length;
    int64_t after;

    snprintf(out, size, TEXT_FORMAT "%s" TEXT_FORMAT, TEXT_ARGS(code),
             text_is_none(code) || text_is_none(message) ? "" : ": ", TEXT_ARGS(message));
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        struct text value = fields_text(reply_map(r), more[i]);

        length = strlen(out);
        if (!text_is_none(value)) {
            snprintf(out + length, size - length, " (%s: " TEXT_FORMAT ")", more[i],
                     TEXT_ARGS(value));
        }
    }
    length = strlen(out);
    if (fields_int(reply_map(r), "retry_after_ms", &after)) {
        snprintf(out + length, size - length, " (again in %lld ms)", (long long)after);
    }
    for (char *at = out; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = ' ';
        }
    }
}

int reply_complain(const struct reply *r, const char *about)
{
    char words[1024];

    reply_words(r, words, sizeof(words));
    fprintf(stderr, "switchboard-cli: %s: %s\n", about, words);
    return r->status;
}

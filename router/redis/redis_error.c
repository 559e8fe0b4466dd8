#include "router/redis/redis_error.h"

#include "router/redis/redis_slot.h"

static const struct {
    const char *word;
    enum redis_remedy remedy;
    const char *meaning;
} redis_errors[REDIS_ERROR_KINDS] = {
    [REDIS_ERROR_OTHER] = {"other", REMEDY_REFUSE, "the command was refused"},
    [REDIS_ERROR_NOSCRIPT] = {"NOSCRIPT", REMEDY_LOAD_SCRIPT, "the script is not known here"},
    [REDIS_ERROR_READONLY] = {"READONLY", REMEDY_RELOCATE, "this Redis is a replica"},
    [REDIS_ERROR_LOADING] = {"LOADING", REMEDY_RETRY, "Redis is still reading its data"},
    [REDIS_ERROR_BUSY] = {"BUSY", REMEDY_RETRY, "a script of somebody runs for too long"},
    [REDIS_ERROR_OOM] = {"OOM", REMEDY_RETRY, "Redis has used all the memory that it may"},
    [REDIS_ERROR_MISCONF] = {"MISCONF", REMEDY_RETRY, "Redis cannot write to its disk"},
    [REDIS_ERROR_NOREPLICAS] = {"NOREPLICAS", REMEDY_RETRY, "too few replicas follow"},
    [REDIS_ERROR_TRYAGAIN] = {"TRYAGAIN", REMEDY_RETRY, "the slot is just being moved"},
    [REDIS_ERROR_MASTERDOWN] = {"MASTERDOWN", REMEDY_RELOCATE, "a replica without its primary"},
    [REDIS_ERROR_CLUSTERDOWN] = {"CLUSTERDOWN", REMEDY_RELOCATE, "the cluster does not serve this"},
    [REDIS_ERROR_MOVED] = {"MOVED", REMEDY_REDIRECT, "the slot is served elsewhere"},
    [REDIS_ERROR_ASK] = {"ASK", REMEDY_REDIRECT, "the key has gone ahead of its slot"},
    [REDIS_ERROR_CROSSSLOT] = {"CROSSSLOT", REMEDY_REFUSE, "keys of one command in several slots"},
    [REDIS_ERROR_NOAUTH] = {"NOAUTH", REMEDY_REFUSE, "a password is needed"},
    [REDIS_ERROR_WRONGPASS] = {"WRONGPASS", REMEDY_REFUSE, "wrong user or password"},
    [REDIS_ERROR_NOPERM] = {"NOPERM", REMEDY_REFUSE, "this user may not do that"},
    [REDIS_ERROR_UNBLOCKED] = {"UNBLOCKED", REMEDY_RELOCATE, "the primary became a replica"},
};

static struct text redis_error_next_word(struct text *rest)
{
    const char *space = memchr(rest->bytes, ' ', rest->length);
    struct text word = {rest->bytes,
                        space == NULL ? rest->length : (uint32_t)(space - rest->bytes)};
    uint32_t taken = space == NULL ? rest->length : word.length + 1;

    rest->bytes += taken;
    rest->length -= taken;
    return word;
}

/* "MOVED 3999 127.0.0.1:6381" */
static bool redis_error_read_redirection(struct text rest, struct redis_error *out)
{
    struct text slot = redis_error_next_word(&rest);
    struct text to = redis_error_next_word(&rest);
    uint32_t number = 0;

    if (slot.length == 0 || slot.length > 5) {
        return false;
    }
    for (uint32_t i = 0; i < slot.length; i++) {
        if (slot.bytes[i] < '0' || slot.bytes[i] > '9') {
            return false;
        }
        number = number * 10 + (uint32_t)(slot.bytes[i] - '0');
    }
    out->slot = (uint16_t)number;
    return number < REDIS_SLOTS && redis_endpoint_parse(to, true, &out->to);
}

void redis_error_read(struct text words, struct redis_error *out)
{
    struct text rest = words;
    struct text word;

    memset(out, 0, sizeof(*out));
    if (words.length > 0) {
        word = redis_error_next_word(&rest);
        for (enum redis_error_kind k = REDIS_ERROR_OTHER + 1; k < REDIS_ERROR_KINDS; k++) {
            if (text_equal(word, text_from(redis_errors[k].word))) {
                out->kind = k;
            }
        }
    }
    if ((out->kind == REDIS_ERROR_MOVED || out->kind == REDIS_ERROR_ASK) &&
        !redis_error_read_redirection(rest, out)) {
        out->kind = REDIS_ERROR_OTHER;
    }
    out->remedy = redis_errors[out->kind].remedy;
    out->words = words;
}

const char *redis_error_word(enum redis_error_kind kind)
{
    return redis_errors[kind].word;
}

const char *redis_error_meaning(enum redis_error_kind kind)
{
    return redis_errors[kind].meaning;
}

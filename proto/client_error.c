#include "proto/client_error.h"

#include <stdio.h>

#include "proto/client_frame.h"

static void client_error_text(char *to, size_t size, struct text map, struct text key)
{
    struct cursor c;
    struct text value = TEXT_NONE;

    if (client_frame_find(map, key, &c)) {
        (void)cursor_text(&c, &value);
    }
    snprintf(to, size, TEXT_FORMAT, TEXT_ARGS(value));
}

static void client_error_point(struct client_error *e, int64_t retry_after_ms)
{
    e->said = (struct switchboard_error){e->code,   e->message, e->field,      e->state,
                                         e->reason, e->address, retry_after_ms};
}

void client_error_read(struct client_error *e, struct text map)
{
    struct cursor found;
    int64_t after = -1;

    client_error_text(e->code, sizeof(e->code), map, TEXT("code"));
    client_error_text(e->message, sizeof(e->message), map, TEXT("message"));
    client_error_text(e->field, sizeof(e->field), map, TEXT("field"));
    client_error_text(e->state, sizeof(e->state), map, TEXT("state"));
    client_error_text(e->reason, sizeof(e->reason), map, TEXT("reason"));
    client_error_text(e->address, sizeof(e->address), map, TEXT("address"));
    if (client_frame_find(map, TEXT("retry_after_ms"), &found) &&
        (!cursor_int(&found, &after) || after < 0)) {
        after = -1;
    }
    client_error_point(e, after);
}

void client_error_make(struct client_error *e, const char *code, const char *message)
{
    *e = (struct client_error){0};
    snprintf(e->code, sizeof(e->code), "%s", code);
    snprintf(e->message, sizeof(e->message), "%s", message);
    client_error_point(e, -1);
}

enum error_code client_error_code(const struct client_error *e)
{
    for (int i = ERROR_NONE + 1; i < ERROR_COUNT; i++) {
        if (strcmp(e->code, error_wire((enum error_code)i)) == 0) {
            return (enum error_code)i;
        }
    }
    return ERROR_NONE; /* a code of a later version */
}

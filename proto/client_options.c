#include "proto/client_options.h"

#include <string.h>

#include "queue/base/memory.h"

static const char *client_options_copy(const char *string, const char *otherwise)
{
    string = string == NULL ? otherwise : string;
    return string == NULL ? NULL : memory_copy(string, strlen(string) + 1);
}

void client_options_take(struct switchboard_options *o, const struct switchboard_options *given)
{
    *o = *given;
    o->address = client_options_copy(given->address, NULL);
    o->role = client_options_copy(given->role, NULL);
    o->workspace = client_options_copy(given->workspace, "default");
    o->name = client_options_copy(given->name, NULL);
    o->notify = client_options_copy(given->notify, NULL);
    o->client = client_options_copy(given->client, NULL);
    o->unanswered_max = o->unanswered_max == 0 ? 65536 : o->unanswered_max;
    o->unanswered_bytes_max = o->unanswered_bytes_max == 0 ? 64u << 20 : o->unanswered_bytes_max;
    o->frame_max = o->frame_max == 0 ? 16u << 20 : o->frame_max;
    o->reconnect_min_ms = o->reconnect_min_ms == 0 ? 1000 : o->reconnect_min_ms;
    o->reconnect_max_ms = o->reconnect_max_ms == 0 ? 10000 : o->reconnect_max_ms;
}

/* The strings are const for everybody but their owner. */
static void client_options_give(const char *string)
{
    memory_give((void *)(uintptr_t)string);
}

void client_options_close(struct switchboard_options *o)
{
    client_options_give(o->address);
    client_options_give(o->role);
    client_options_give(o->workspace);
    client_options_give(o->name);
    client_options_give(o->notify);
    client_options_give(o->client);
}

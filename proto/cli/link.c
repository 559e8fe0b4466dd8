#include "proto/cli/link.h"

#include <stdio.h>

#include "proto/cli/fields.h"
#include "queue/base/memory.h"

static void link_state_changed(void *context, enum switchboard_state state,
                               const struct switchboard_answer *detail)
{
    struct link *l = context;

    switch (state) {
    case SWITCHBOARD_READY:
        if (l->listener.ready != NULL) {
            l->listener.ready(l->listener.context);
        }
        break;
    case SWITCHBOARD_LOST:
        if (l->listener.lost != NULL) {
            l->listener.lost(l->listener.context);
        }
        break;
    case SWITCHBOARD_REJECTED:
        reply_take(&l->rejection, detail);
        if (l->listener.rejected != NULL) {
            l->listener.rejected(l->listener.context, detail);
        }
        if (l->awaited != NULL) {
            uv_stop(&l->loop);
        }
        break;
    case SWITCHBOARD_CONNECTING:
        break;
    }
}

static void link_notified(void *context, const char *name, const void *params, size_t size)
{
    struct link *l = context;

    if (l->listener.notified != NULL) {
        l->listener.notified(l->listener.context, name, (struct text){params, (uint32_t)size});
    }
}

static void link_signed_in_again(void *context, const struct switchboard_answer *answer)
{
    struct link *l = context;

    if (l->listener.signed_in_again != NULL) {
        l->listener.signed_in_again(l->listener.context, answer);
    }
}

int link_open(struct link *l, const struct cli *cli, const struct link_session *session,
              const struct link_listener *listener)
{
    struct switchboard_options options = {
        .address = cli->server,
        .role = session->role,
        .workspace = cli->workspace,
        .name = session->name,
        .notify = session->notify,
        .client = "switchboard-cli/" SWITCHBOARD_VERSION,
        .reconnect_min_ms = 300, /* somebody is watching */
        .reconnect_max_ms = 2000,
        .without_standby = !session->lasting,
        .only_there = session->only_there,
        .context = l,
        .state_changed = link_state_changed,
        .notified = link_notified,
        .signed_in_again = link_signed_in_again,
    };

    *l = (struct link){.cli = cli};
    if (listener != NULL) {
        l->listener = *listener;
    }
    uv_loop_init(&l->loop);
    if (switchboard_client_create(&l->loop, &options, &l->client) != SWITCHBOARD_OK) {
        uv_loop_close(&l->loop);
        fprintf(stderr,
                "switchboard-cli: \"%s\" is no address of a server (tcp://HOST:PORT or "
                "unix://PATH, or several with commas between)\n",
                cli->server);
        return CLI_USAGE;
    }
    uv_timer_init(&l->loop, &l->patience);
    l->patience.data = l;
    return CLI_DONE;
}

static void link_answered(void *context, const struct switchboard_answer *answer)
{
    struct link *l = context;

    if (l->awaited != NULL) { /* else it comes after its time */
        reply_take(l->awaited, answer);
        l->answered = true;
        uv_stop(&l->loop);
    }
}

static void link_on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

int link_call(struct link *l, const char *method, const void *params, size_t size,
              struct reply *reply)
{
    struct switchboard_answer refused = {.status = SWITCHBOARD_OK};

    if (l->rejection.status != CLI_DONE) {
        packer_reset(&reply->body);
        packer_raw(&reply->body, l->rejection.body.bytes, l->rejection.body.size);
        return reply->status = l->rejection.status;
    }
    refused.status =
        switchboard_call(l->client, method, params, size, SWITCHBOARD_RETRY, link_answered, l);
    if (refused.status != SWITCHBOARD_OK) {
        reply_take(reply, &refused);
        return reply->status;
    }
    l->awaited = reply;
    l->answered = false;
    uv_timer_start(&l->patience, link_on_patience, (uint64_t)l->cli->patience, 0);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&l->patience);
    l->awaited = NULL;
    if (!l->answered) {
        reply_late(reply, l->cli->server, l->cli->patience);
    }
    return reply->status;
}

void link_wait(struct link *l, duration_ms span)
{
    uv_timer_start(&l->patience, link_on_patience, (uint64_t)span, 0);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&l->patience);
}

void link_run(struct link *l)
{
    uv_run(&l->loop, UV_RUN_DEFAULT);
}

void link_close(struct link *l)
{
    l->awaited = NULL;
    l->listener = (struct link_listener){0};
    switchboard_client_close(l->client, NULL, NULL);
    uv_close((uv_handle_t *)&l->patience, NULL);
    uv_run(&l->loop, UV_RUN_DEFAULT);
    uv_loop_close(&l->loop);
    reply_close(&l->rejection);
}

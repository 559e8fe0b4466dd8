#include "proto/client_resume.h"

#include "proto/client_frame.h"
#include "proto/client_inside.h"

#define CLIENT_RESUME_ROWS   1000
#define CLIENT_RESUME_MARGIN 60000 /* how far two nodes' clocks may be apart */

static void client_resume_answered(void *context, const struct switchboard_answer *answer);

/* `next`: the place behind the page before, MessagePack; none for the first page. */
static struct client_request *client_resume_page(struct client *c, struct text next)
{
    static const struct text method = TEXT("contact.mine");
    struct client_resume *m = &c->resume;
    struct packer params = {0};
    uint32_t pairs = 1;
    size_t map = packer_map_open(&params);

    packer_literal(&params, "limit");
    packer_int(&params, CLIENT_RESUME_ROWS);
    if (m->asked_since_at > CLIENT_RESUME_MARGIN) {
        packer_literal(&params, "ended_since_at");
        packer_int(&params, m->asked_since_at - CLIENT_RESUME_MARGIN);
        pairs++;
    }
    if (!text_is_none(next)) {
        packer_literal(&params, "after");
        packer_raw(&params, next.bytes, next.length);
        pairs++;
    }
    packer_map_close(&params, map, pairs);
    m->call = client_request_take(&c->requests, method,
                                  (struct text){(const char *)params.bytes, (uint32_t)params.size},
                                  &c->random);
    m->call->flags = SWITCHBOARD_RETRY;
    m->call->answered = client_resume_answered;
    m->call->context = c;
    packer_close(&params);
    return m->call;
}

static void client_resume_rows(struct client *c, struct text page)
{
    struct cursor rows;
    struct text row;
    uint32_t count;

    if (!client_frame_find(page, TEXT("contacts"), &rows) || !cursor_array(&rows, &count)) {
        return;
    }
    while (count-- > 0 && !c->closed && cursor_raw(&rows, &row)) {
        c->options.resumed(c->options.context, row.bytes, row.length);
    }
}

static void client_resume_answered(void *context, const struct switchboard_answer *answer)
{
    struct client *c = context;
    struct text page = {answer->result, (uint32_t)answer->result_size};
    struct cursor found;
    struct text next;

    c->resume.call = NULL;
    if (answer->status == SWITCHBOARD_OK) {
        client_resume_rows(c, page);
        if (c->closed) {
            return;
        }
        if (client_frame_find(page, TEXT("next"), &found) && cursor_raw(&found, &next)) {
            list_append(&c->waiting, &client_resume_page(c, next)->node);
            return; /* sent with what waits, after this answer */
        }
        c->resume.whole = true;
    }
    if (answer->status != SWITCHBOARD_CLOSED && c->options.resume_ended != NULL) {
        c->options.resume_ended(c->options.context, answer);
    }
}

void client_resume_begin(struct client *c, struct text hello, int64_t now)
{
    struct client_resume *m = &c->resume;
    int64_t server_at = client_frame_find_int(hello, TEXT("now_at"), 0, 0, INT64_MAX);
    struct list first;

    if (c->options.resumed == NULL || strcmp(c->options.role, "connector") != 0) {
        return;
    }
    if (m->call != NULL) { /* of the session before, and the reading begins again */
        list_remove(&m->call->node);
        client_request_give(&c->requests, m->call);
    }
    m->asked_since_at = m->since_at;
    list_init(&first);
    list_append(&first, &client_resume_page(c, TEXT_NONE)->node);
    client_request_put_before(&first, &c->waiting);
    m->ahead_ms = server_at - now;
    m->whole = false;
    if (!m->known) {
        m->known = true;
        m->since_at = server_at; /* in case this session ends before all is read */
    }
}

void client_resume_lost(struct client *c, int64_t heard_at)
{
    struct client_resume *m = &c->resume;

    if (m->whole) {
        m->since_at = heard_at + m->ahead_ms;
        m->whole = false;
    }
}

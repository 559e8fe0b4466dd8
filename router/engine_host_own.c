/* Where several nodes share the journal: this node comes to own a workspace, and owns it no longer.
 */
#include <stdio.h>

#include "queue/base/memory.h"
#include "router/engine_host_inside.h"
#include "router/log.h"

void engine_host_set_service(struct engine_host *h, struct workspace *w, enum door_service service,
                             struct text address)
{
    door_set_service(h->place.directory, w->door, service, address, host_now(h));
    mailbox_ring_all(h->post->box);
}

bool engine_host_take(struct engine_host *h, struct workspace *w,
                      const struct engine_host_taken *taken, char *problem, size_t size)
{
    (void)engine_host_tell(h, UINT32_MAX); /* who is left is a guest of the engine before */
    workspace_set_engine(w, taken->engine);
    engine_write_version(w->engine, h->write_version);
    w->keep_from = taken->keep_from;
    h->checkpointer.last_bytes += taken->checkpoint_bytes;
    if (taken->now != 0) {
        workspace_resume_clock(w, h->clock, taken->now);
    } else {
        workspace_start_clock(w, h->clock);
    }
    if (!host_begin_workspace(h, w, taken->epoch, taken->compiled, problem, size)) {
        return false;
    }
    engine_host_set_service(h, w, DOOR_SERVED, TEXT_NONE);
    log_event(LOG_LEVEL_INFO, "owned", LOG_TEXT("workspace", w->name),
              LOG_NUMBER("epoch", engine_epoch(w->engine)),
              LOG_NUMBER("seq", engine_seq(w->engine)));
    return true;
}

void engine_host_write_version(struct engine_host *h, uint32_t version)
{
    h->write_version = version;
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        if (h->workspaces[i]->engine != NULL) {
            engine_write_version(h->workspaces[i]->engine, version);
        }
    }
}

/* Nothing of this workspace is stepped or written any more. */
static void host_set_aside(struct engine_host *h, struct workspace *w)
{
    if (list_linked(&w->in_dirty)) {
        list_remove(&w->in_dirty);
    }
    if (ranked_node_linked(&w->deadline)) {
        ranked_tree_remove(&h->deadlines, &w->deadline);
    }
    checkpointer_forget(&h->checkpointer, w);
}

void engine_host_lose(struct engine_host *h, struct workspace *w)
{
    engine_host_set_service(h, w, DOOR_WAITS, TEXT_NONE);
    host_cut_guests_of(h, w, SESSION_END_OUTCOME_UNKNOWN);
    host_set_aside(h, w);
    workspace_set_engine(w, NULL);
}

void engine_host_continue(struct engine_host *h, struct workspace *w, uint64_t epoch)
{
    w->continues = epoch;
    h->continuing = true;
}

void host_go_on(struct engine_host *h)
{
    h->continuing = false;
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        struct workspace *w = h->workspaces[i];
        struct command c = {.kind = COMMAND_OWNER_CONTINUED, .epoch = w->continues};

        w->continues = 0;
        if (c.epoch != 0 && workspace_is_served(w)) {
            host_step(h, w, NULL, &c);
            atomic_store(&w->door->epoch, c.epoch);
        }
    }
}

void engine_host_flush(struct engine_host *h, struct workspace *w)
{
    workspace_flush_facts(w, h->journal);
}

/* ---- handing over ---- */

void engine_host_give(struct engine_host *h, struct workspace *w)
{
    engine_host_set_service(h, w, DOOR_WAITS, TEXT_NONE);
    workspace_flush_facts(w, h->journal);
    host_set_aside(h, w);
    w->giving = true;
}

/* To give back a large one takes a while, for which nobody who was told to go should wait; nor, on
 * the same machine, those who are just coming to the new owner. */
static void host_retire_engine(struct engine_host *h, struct workspace *w)
{
    h->retired = memory_resize(h->retired, (h->retired_count + 1) * sizeof(struct engine *));
    h->retired[h->retired_count++] = w->engine;
    h->retired_at = host_now(h);
    w->engine = NULL;
    workspace_set_engine(w, NULL);
}

void host_destroy_retired(struct engine_host *h)
{
    while (h->retired_count > 0) {
        engine_destroy(h->retired[--h->retired_count]);
    }
}

static void guest_say_moved(struct engine_host *h, const struct guest *g)
{
    const struct workspace_given *given = &g->workspace->given;
    struct outlet o;

    if (!host_open(h, &o, g->session, MAIL_FINISH, SESSION_END_MOVED)) {
        return;
    }
    notice_begin(o.packer, NOTIFICATION_MOVED);
    packer_map(o.packer, 3);
    VIEW_TEXT(o.packer, "address", text_from(given->to));
    VIEW_INT(o.packer, "epoch", (int64_t)given->epoch);
    VIEW_INT(o.packer, "seq", (int64_t)given->seq);
    host_close(&o);
}

void engine_host_tell_guest(struct engine_host *h, struct guest *g)
{
    if (g->untold) {
        g->untold = false;
        list_remove(&g->in_guests);
        list_append(&h->guests, &g->in_guests);
        guest_say_moved(h, g);
    }
}

bool engine_host_tell(struct engine_host *h, uint32_t most)
{
    struct list_node *n;

    while (most-- > 0 && (n = list_first(&h->untold)) != NULL) {
        engine_host_tell_guest(h, record_of(n, struct guest, in_guests));
    }
    return !list_empty(&h->untold);
}

void engine_host_gave(struct engine_host *h, struct workspace *w, uint64_t epoch,
                      struct text address)
{
    struct list_node *next;

    w->given.epoch = epoch;
    w->given.seq = engine_seq(w->engine);
    snprintf(w->given.to, sizeof(w->given.to), TEXT_FORMAT, TEXT_ARGS(address));
    for (struct list_node *n = list_first(&h->guests); n != NULL; n = next) {
        struct guest *g = record_of(n, struct guest, in_guests);

        next = list_next(&h->guests, n);
        if (g->workspace == w) {
            g->untold = true;
            list_remove(n);
            list_append(&h->untold, n);
        }
    }
    engine_host_set_service(h, w, DOOR_ELSEWHERE, address);
    host_retire_engine(h, w);
}

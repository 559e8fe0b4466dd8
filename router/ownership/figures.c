#include "router/ownership/figures.h"

/* Counting a queue looks at every agent: of so many a page, or one queue where they are more. */
#define FIGURES_LOOKS_MOST 4096
/* Places of the walk: queues by their index, and from here on agents by their number. */
#define FIGURES_AGENTS (UINT64_C(1) << 32)

static bool figures_put_queue(const struct figures *f, struct presence_page *page, queue_index i)
{
    const struct engine *e = f->workspace->engine;
    struct queue_row row;
    struct presence_queue q;

    engine_get_queue_row(e, i, workspace_now(f->workspace, f->clock), &row);
    q = (struct presence_queue){.waiting = row.waiting,
                                .offered = row.offered,
                                .active = row.active,
                                .oldest_wait_ms =
                                    row.oldest_wait == DURATION_NONE ? 0 : row.oldest_wait,
                                .agents_available = row.agents_available};
    return presence_put_queue(page, engine_settings(e)->queues[i].name, &q);
}

static bool figures_put_agent(struct presence_page *page, const struct agent *a)
{
    const struct presence_agent row = {.state = agent_state_word(a->state),
                                       .reason = a->reason,
                                       .used = (uint32_t)a->used,
                                       .units = (uint32_t)a->units};

    return presence_put_agent(page, a->id, &row);
}

static uint64_t figures_fill(void *context, struct presence_page *page, uint64_t from)
{
    struct figures *f = context;
    const struct engine *e = f->workspace->engine;
    const struct settings *s = e == NULL ? NULL : engine_settings(e);
    uint64_t most = from + 1 + FIGURES_LOOKS_MOST / (f->agents + 1);
    const struct agent *a;

    if (s == NULL || !workspace_is_served(f->workspace)) {
        return PRESENCE_END; /* it has gone in this moment */
    }
    for (; from < s->queue_count; from++) {
        if (from == most || !figures_put_queue(f, page, (queue_index)from)) {
            return from;
        }
    }
    if (from < FIGURES_AGENTS) {
        from = FIGURES_AGENTS;
        f->counted = 0;
    }
    while ((a = engine_next_agent(e, from - FIGURES_AGENTS)) != NULL) {
        if (!figures_put_agent(page, a)) {
            return from;
        }
        from = FIGURES_AGENTS + a->number;
        f->counted++;
    }
    f->agents = f->counted;
    return PRESENCE_END;
}

void figures_look(struct figures *f, struct presence *p, struct workspace *w, struct clock *c,
                  bool ours)
{
    if (ours && f->presence == NULL) {
        f->presence = p;
        f->workspace = w;
        f->clock = c;
        presence_publish(p, &f->board, w->name, figures_fill, f);
    } else if (!ours) {
        figures_hide(f);
    }
}

void figures_hide(struct figures *f)
{
    if (f->presence != NULL) {
        presence_withdraw(f->presence, &f->board);
        f->presence = NULL;
    }
}

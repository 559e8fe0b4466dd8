#include "router/workspace.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/memory.h"
#include "router/engine_host.h"
#include "router/fact_codec.h"

static struct text workspace_connector_name(const void *item)
{
    return ((const struct connector *)item)->name;
}

struct workspace *workspace_create(struct engine_host *host, struct door *door, uint32_t number)
{
    static const uint64_t seed[2] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f)};
    struct workspace *w = memory_take(sizeof(*w));

    w->host = host;
    w->door = door;
    w->name = door->name;
    w->number = number;
    id_map_init(&w->connectors, workspace_connector_name, seed);
    door->workspace = w;
    return w;
}

void workspace_destroy(struct workspace *w)
{
    assert(id_map_count(&w->connectors) == 0);
    workspace_set_engine(w, NULL);
    workspace_config_release(w->config);
    id_map_close(&w->connectors);
    packer_close(&w->facts);
    w->door->workspace = NULL;
    memory_give(w);
}

void workspace_set_engine(struct workspace *w, struct engine *e)
{
    if (w->engine != NULL) {
        engine_destroy(w->engine);
    }
    w->engine = e;
    w->generation += e != NULL;
    w->giving = false;
    w->continues = 0;
    packer_reset(&w->facts);
    w->fact_count = 0;
}

void workspace_set_config(struct workspace *w, struct workspace_config *config)
{
    workspace_config_retain(config);
    workspace_config_release(w->config);
    w->config = config;
    door_publish(w->door, w->host->visitor, config, engine_config_version(w->engine));
}

void workspace_start_clock(struct workspace *w, struct clock *c)
{
    workspace_clock_start(&w->clock, c, clock_wall(), engine_now(w->engine));
    atomic_store(&w->door->clock_base, w->clock.base);
}

void workspace_resume_clock(struct workspace *w, struct clock *c, engine_time now)
{
    workspace_clock_start(&w->clock, c, now, engine_now(w->engine));
    atomic_store(&w->door->clock_base, w->clock.base);
}

/* The array's head is written when it is known how many facts there are. */
static void workspace_open_entry(struct workspace *w, uint64_t seq)
{
    packer_reset(&w->facts);
    packer_array_open(&w->facts);
    w->fact_count = 0;
    w->first_seq = seq;
}

static void workspace_append(struct workspace *w, struct journal *j, size_t size)
{
    struct journal_entry entry = {.workspace = w->name,
                                  .kind = ENTRY_FACTS,
                                  .seq = w->first_seq,
                                  .bytes = w->facts.bytes,
                                  .size = size};

    packer_array_close(&w->facts, 0, w->fact_count);
    journal_append(j, &entry);
    w->facts_written += w->fact_count;
}

/* The fact added last begins another entry. */
static void workspace_split_entry(struct workspace *w, struct journal *j)
{
    uint64_t seq = w->first_seq + w->fact_count - 1;
    size_t size = w->facts.size - w->last_at;
    uint8_t *last = memory_copy(w->facts.bytes + w->last_at, size);

    assert(w->fact_count > 1);
    w->fact_count--;
    workspace_append(w, j, w->last_at);
    workspace_open_entry(w, seq);
    w->last_at = w->facts.size;
    packer_raw(&w->facts, last, size);
    w->fact_count = 1;
    memory_give(last);
}

void workspace_add_fact(struct workspace *w, struct journal *j, const struct fact *fact)
{
    if (w->fact_count == 0) {
        workspace_open_entry(w, fact->seq);
    }
    w->last_at = w->facts.size;
    fact_encode(&w->facts, fact, engine_settings(w->engine));
    w->fact_count++;
    if (w->facts.size > JOURNAL_ENTRY_BYTES_MAX) {
        /* What may become a fact was bounded before it was stepped: one alone fits. */
        workspace_split_entry(w, j);
        assert(w->facts.size <= JOURNAL_ENTRY_BYTES_MAX);
    }
}

/* Whoever appends to a stream in Redis looks at its last entry first: a large one that ends in a
 * small one is not copied for that. */
#define WORKSPACE_LARGE_ENTRY 4096u

void workspace_flush_facts(struct workspace *w, struct journal *j)
{
    if (w->host->options.shared && w->fact_count > 1 && w->facts.size > WORKSPACE_LARGE_ENTRY) {
        workspace_split_entry(w, j);
    }
    if (w->fact_count > 0) {
        workspace_append(w, j, w->facts.size);
        packer_reset(&w->facts);
        w->fact_count = 0;
    }
}

struct connector *workspace_connector(struct workspace *w, struct text name)
{
    struct connector *c = id_map_find(&w->connectors, name);

    if (c == NULL) {
        c = memory_take(sizeof(*c));
        c->name = (struct text){memory_copy(name.bytes, name.length), name.length};
        list_init(&c->guests);
        id_map_insert(&w->connectors, c);
    }
    return c;
}

void workspace_forget_connector(struct workspace *w, struct connector *c)
{
    assert(list_empty(&c->guests));
    id_map_remove(&w->connectors, c);
    memory_give((void *)(uintptr_t)c->name.bytes);
    memory_give(c);
}

struct text workspace_make_id(struct workspace *w, char buffer[WORKSPACE_ID_BYTES])
{
    struct text id;

    /* The epoch makes it unlike those of other starts and nodes; a connector that chose just this
     * id itself is stepped aside for. */
    do {
        int length =
            snprintf(buffer, WORKSPACE_ID_BYTES, "c%llx-%llx",
                     (unsigned long long)engine_epoch(w->engine), (unsigned long long)++w->next_id);

        id = (struct text){buffer, (uint32_t)length};
    } while (engine_find_contact(w->engine, id) != NULL ||
             engine_find_tombstone(w->engine, id) != NULL);
    return id;
}

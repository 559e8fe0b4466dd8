#include "router/nodes.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/memory.h"
#include "queue/fact.h"
#include "router/log.h"

#define NODES_WORDS 512

/* All that an answer is made of. */
struct nodes {
    struct packer *p;
    const struct engine_host *host;
    struct keeper *keeper; /* NULL: the journal is ours alone */
    boot_ms now;
    const struct request *r;
    struct door **doors; /* in the order of adding */
    struct report *reports;
    uint32_t count;
};

/* ---- what all reactors say ---- */

/* Without a shared journal there is nothing to say but that it is ours. */
static void nodes_report_own(const struct nodes *n, struct door *door, struct report *out)
{
    *out = (struct report){
        .epoch = atomic_load(&door->epoch), .since = n->host->state_since, .ours = true};
    snprintf(out->state, sizeof(out->state), "%s", ownership_state_word(OWNERSHIP_OWNING));
    snprintf(out->owner, sizeof(out->owner), "%s", n->host->place.node);
    out->owner_epoch = out->epoch;
}

static void nodes_open(struct nodes *n)
{
    struct door *first = atomic_load(&n->host->place.directory->first);
    uint32_t at;

    for (struct door *d = first; d != NULL; d = d->next) {
        n->count++;
    }
    n->doors = memory_take((n->count + 1) * sizeof(struct door *));
    n->reports = memory_take((n->count + 1) * sizeof(*n->reports));
    at = n->count;
    for (struct door *d = first; d != NULL; d = d->next) {
        n->doors[--at] = d;
        if (n->keeper == NULL) {
            nodes_report_own(n, d, &n->reports[at]);
        } else {
            report_read(&d->report, &n->reports[at]);
        }
    }
}

static void nodes_close(struct nodes *n)
{
    memory_give(n->doors);
    memory_give(n->reports);
}

static struct text nodes_name(const struct nodes *n)
{
    return text_from(n->host->place.node);
}

static unsigned nodes_draining(const struct nodes *n)
{
    return n->keeper == NULL ? n->host->state == HOST_DRAINING
                             : atomic_load(&n->keeper->node->draining);
}

/* ---- node.list ---- */

/* Empty ones are left out. */
static uint32_t nodes_words(struct packer *p, const char *key, const char *words)
{
    if (words[0] == '\0') {
        return 0;
    }
    packer_text(p, text_from(key));
    packer_text(p, text_from(words));
    return 1;
}

static void nodes_pack_workspace(struct nodes *n, uint32_t i)
{
    const struct report *r = &n->reports[i];
    struct packer *p = n->p;
    size_t map = packer_map_open(p);
    uint32_t pairs = VIEW_TEXT(p, "workspace", n->doors[i]->name);

    pairs += nodes_words(p, "state", r->state);
    pairs += VIEW_INT(p, "epoch", (int64_t)r->epoch);
    if (n->keeper != NULL) { /* the engine of our own journal is its reactor's to read */
        pairs += VIEW_INT(p, "seq", (int64_t)r->seq);
    }
    pairs += VIEW_INT(p, "since_ms", n->now - r->since);
    pairs += nodes_words(p, "owner", r->owner);
    pairs += nodes_words(p, "address", r->address);
    if (r->ours && n->keeper != NULL) {
        pairs += VIEW_INT(p, "lease_in_force_ms",
                          r->in_force_until > n->now ? r->in_force_until - n->now : 0);
        pairs += VIEW_FLAG(p, "pinned", r->pinned);
    }
    pairs += nodes_words(p, "problem", r->problem);
    packer_map_close(p, map, pairs);
}

/* What another node owns, as our watchers of leases have read it. */
static void nodes_pack_leases(struct nodes *n, struct text owner)
{
    struct packer *p = n->p;
    size_t array = packer_array_open(p);
    uint32_t rows = 0;

    for (uint32_t i = 0; i < n->count; i++) {
        if (text_equal(text_from(n->reports[i].owner), owner)) {
            packer_map(p, 2);
            VIEW_TEXT(p, "workspace", n->doors[i]->name);
            VIEW_INT(p, "epoch", (int64_t)n->reports[i].owner_epoch);
            rows++;
        }
    }
    packer_array_close(p, array, rows);
}

static void nodes_pack_ours(struct nodes *n)
{
    packer_array(n->p, n->count);
    for (uint32_t i = 0; i < n->count; i++) {
        nodes_pack_workspace(n, i);
    }
}

static struct text nodes_address(const struct nodes *n)
{
    return *n->host->place.address_count > 0 ? n->host->place.addresses[0] : TEXT("");
}

/* Does this node read what was written so far, and take nothing until it has? */
static bool nodes_read(const struct nodes *n)
{
    return n->keeper != NULL && atomic_load(&n->keeper->node->ready) < n->keeper->node->keepers;
}

/* `m` NULL: this node, which is in nobody's book yet, or shares its journal with nobody. */
static void nodes_pack_node(struct nodes *n, const struct member *m)
{
    bool us = m == NULL || text_equal(m->name, nodes_name(n));
    struct packer *p = n->p;
    size_t map = packer_map_open(p);
    uint32_t pairs = VIEW_TEXT(p, "node", us ? nodes_name(n) : m->name);

    pairs += VIEW_TEXT(p, "address", us ? nodes_address(n) : text_from(m->row.address));
    pairs += VIEW_INT(p, "number",
                      m != NULL           ? (int64_t)m->row.number
                      : n->keeper != NULL ? (int64_t)n->keeper->node->number
                                          : (int64_t)n->host->options.node);
    pairs += VIEW_FLAG(p, "live", us || m->live);
    pairs +=
        VIEW_FLAG(p, "draining", us ? nodes_draining(n) != 0 : m->row.draining && !m->row.reading);
    pairs += VIEW_FLAG(p, "reading", us ? nodes_read(n) : m->row.reading);
    pairs += VIEW_INT(p, "version", m != NULL ? (int64_t)m->row.version : FACT_VERSION);
    pairs += VIEW_FLAG(p, "answers", us);
    if (!us && m->seen_at != 0) {
        pairs += VIEW_INT(p, "seen_ms_ago", n->now - m->seen_at);
    }
    packer_literal(p, "workspaces");
    pairs++;
    if (us) {
        nodes_pack_ours(n);
    } else {
        nodes_pack_leases(n, m->name);
    }
    packer_map_close(p, map, pairs);
}

static void nodes_pack_nodes(struct nodes *n)
{
    size_t array = packer_array_open(n->p);
    const struct member_book *members = n->keeper == NULL ? NULL : n->keeper->members;
    uint32_t rows = 0;

    if (members == NULL || member_find(members, nodes_name(n)) == NULL) {
        nodes_pack_node(n, NULL);
        rows++;
    }
    for (uint32_t i = 0; members != NULL && i < member_count(members); i++, rows++) {
        nodes_pack_node(n, member_at(members, i));
    }
    packer_array_close(n->p, array, rows);
}

/* What this reactor misses, or any of those that have workspaces: whoever has missed it longest. */
static struct outage nodes_outage(const struct nodes *n)
{
    struct outage worst = {.away = n->host->journal == NULL, .changed_at = n->host->state_since};

    if (n->keeper != NULL) {
        worst = *keeper_outage(n->keeper);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const struct report *r = &n->reports[i];

        if (r->away_since != 0 && (!worst.away || r->away_since < worst.changed_at)) {
            worst.away = true;
            worst.changed_at = r->away_since;
            snprintf(worst.problem, sizeof(worst.problem), "%s", r->problem);
        }
    }
    return worst;
}

static void nodes_pack_journal(struct nodes *n)
{
    const struct outage o = nodes_outage(n);
    struct packer *p = n->p;
    size_t map = packer_map_open(p);
    uint32_t pairs = VIEW_TEXT(p, "state", o.away ? TEXT("away") : TEXT("up"));

    pairs += VIEW_INT(p, "age_ms", n->now - o.changed_at);
    pairs += nodes_words(p, "problem", o.problem);
    pairs += VIEW_FLAG(p, "shared", n->keeper != NULL);
    pairs += VIEW_INT(p, "replicas", n->keeper == NULL ? 0 : (int64_t)n->keeper->node->replicas);
    packer_map_close(p, map, pairs);
}

static void nodes_list(struct nodes *n)
{
    response_begin(n->p, n->r->msgid);
    packer_map(n->p, 2);
    packer_literal(n->p, "nodes");
    nodes_pack_nodes(n);
    packer_literal(n->p, "journal");
    nodes_pack_journal(n);
}

/* ---- node.drain, node.takeover ---- */

static void nodes_refuse(struct nodes *n, enum error_code code, struct text field,
                         const char *words)
{
    struct response_error e = response_error_of(code);

    e.field = field;
    e.message = text_from(words);
    response_error(n->p, n->r->msgid, &e);
}

static void nodes_done(struct nodes *n)
{
    uint32_t owning = 0;

    for (uint32_t i = 0; i < n->count; i++) {
        owning += n->reports[i].ours;
    }
    response_begin(n->p, n->r->msgid);
    packer_map(n->p, 3);
    VIEW_TEXT(n->p, "node", nodes_name(n));
    VIEW_FLAG(n->p, "draining", nodes_draining(n) != 0);
    VIEW_INT(n->p, "owning", owning);
}

/* True: it is refused already. */
static bool nodes_is_another(struct nodes *n, struct text name)
{
    const struct member *m;
    char words[NODES_WORDS];

    if (text_is_none(name) || text_equal(name, nodes_name(n))) {
        return false;
    }
    m = n->keeper == NULL ? NULL : member_find(n->keeper->members, name);
    if (m == NULL) {
        nodes_refuse(n, ERROR_NOT_FOUND, TEXT("node"), "there is no such node");
    } else {
        snprintf(words, sizeof(words), "that is to be asked of the node itself, at %s",
                 m->row.address);
        nodes_refuse(n, ERROR_CONFLICT, TEXT("node"), words);
    }
    return true;
}

static bool nodes_shares_nothing(struct nodes *n)
{
    if (n->keeper == NULL) {
        nodes_refuse(n, ERROR_CONFLICT, TEXT_NONE, "this node shares its journal with nobody");
    }
    return n->keeper == NULL;
}

/* Its place among the doors; `count`, and refused, when there is none of that name. */
static uint32_t nodes_workspace(struct nodes *n, struct text name)
{
    uint32_t i = 0;

    while (i < n->count && !text_equal(n->doors[i]->name, name)) {
        i++;
    }
    if (i == n->count) {
        nodes_refuse(n, ERROR_NOT_FOUND, TEXT("workspace"), "no such workspace");
    }
    return i;
}

static void nodes_wish(struct nodes *n, uint32_t i, enum door_wish wish, const char *words)
{
    log_event(LOG_LEVEL_INFO, "admin", LOG_WORDS("wish", words),
              LOG_TEXT("workspace", n->doors[i]->name));
    atomic_store(&n->doors[i]->wish, (int)wish);
    nodes_done(n);
}

static void nodes_drain_workspace(struct nodes *n, struct text name, bool undo)
{
    uint32_t i = nodes_workspace(n, name);

    if (i == n->count) {
        return;
    }
    if (!n->reports[i].ours) {
        nodes_refuse(n, ERROR_CONFLICT, TEXT("workspace"), "this node does not own it");
    } else if (undo) {
        nodes_wish(n, i, DOOR_WISH_LOOSEN, "loosen");
    } else if (keeper_heir(n->keeper, name) == NULL) {
        nodes_refuse(n, ERROR_CONFLICT, TEXT("workspace"), "there is no other node to take it");
    } else {
        nodes_wish(n, i, DOOR_WISH_GIVE, "give");
    }
}

static void nodes_drain_all(struct nodes *n, bool undo)
{
    struct keeper_node *node = n->keeper->node;

    if (undo && (nodes_draining(n) & KEEPER_DRAIN_STOP) != 0) {
        nodes_refuse(n, ERROR_DRAINING, TEXT_NONE, "this node is about to stop");
        return;
    }
    log_event(LOG_LEVEL_INFO, "admin", LOG_WORDS("wish", undo ? "undrain" : "drain"));
    if (undo) {
        atomic_fetch_and(&node->draining, ~(unsigned)KEEPER_DRAIN_ASKED);
    } else {
        atomic_fetch_or(&node->draining, KEEPER_DRAIN_ASKED);
    }
    nodes_done(n);
}

static void nodes_drain(struct nodes *n)
{
    struct text workspace = request_text(n->r, FIELD_WORKSPACE);
    bool undo = request_flag(n->r, FIELD_UNDO, false);

    if (nodes_is_another(n, request_text(n->r, FIELD_NODE)) || nodes_shares_nothing(n)) {
        return;
    }
    if (text_is_none(workspace)) {
        nodes_drain_all(n, undo);
    } else {
        nodes_drain_workspace(n, workspace, undo);
    }
}

static void nodes_takeover(struct nodes *n)
{
    uint32_t i;

    if (nodes_shares_nothing(n) ||
        (i = nodes_workspace(n, request_text(n->r, FIELD_WORKSPACE))) == n->count) {
        return;
    }
    if (nodes_draining(n) != 0) {
        nodes_refuse(n, ERROR_CONFLICT, TEXT_NONE, "this node drains: it takes nothing");
    } else if (strcmp(n->reports[i].state, ownership_state_word(OWNERSHIP_STUCK)) == 0) {
        nodes_refuse(n, ERROR_CONFLICT, TEXT("workspace"), n->reports[i].problem);
    } else {
        nodes_wish(n, i, DOOR_WISH_TAKE, "take");
    }
}

void nodes_answer(struct packer *p, const struct engine_host *host, struct keeper *keeper,
                  const struct request *r)
{
    struct nodes n = {
        .p = p, .host = host, .keeper = keeper, .now = clock_now(host->clock), .r = r};

    nodes_open(&n);
    switch ((int)r->method) {
    case METHOD_NODE_LIST:
        nodes_list(&n);
        break;
    case METHOD_NODE_DRAIN:
        nodes_drain(&n);
        break;
    case METHOD_NODE_TAKEOVER:
        nodes_takeover(&n);
        break;
    default:
        assert(false && "a request that is not about nodes");
    }
    nodes_close(&n);
}

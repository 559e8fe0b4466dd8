/* The durable state to one number. */
#include "queue/visit.h"

uint64_t engine_digest(const struct engine *engine)
{
    struct engine *e = (struct engine *)(uintptr_t)engine; /* the walk only reads in this mode */
    struct visitor v = {.mode = VISIT_DIGEST, .engine = e};
    const struct near_list *const lists[2] = {&e->arrival, &e->lingering};
    uint64_t series_sum = 0;
    uint64_t lingering_sum = 0;

    visit_head(&v);
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        visit_text(&v, &a->id);
        visit_agent(&v, a);
    }
    for (int i = 0; i < 2; i++) {
        for (struct near_node *n = near_list_first(lists[i]); n != NULL; n = near_list_next(n)) {
            struct contact *c = record_of(n, struct contact, in_arrival);
            struct visitor one = {.mode = VISIT_DIGEST, .engine = e};
            visit_contact(&one, c);
            if (i == 0) {
                visit_u64(&v, &one.hash);
            } else {
                lingering_sum += one.hash; /* their order says nothing */
            }
        }
    }
    for (struct tombstone *t = tombstone_first(&e->ended); t != NULL;
         t = tombstone_next(&e->ended, t)) {
        if (t->owner != NULL) {
            visit_tombstone(&v, t);
        }
    }
    for (uint8_t by = 0; by < BY_COUNT; by++) {
        for (size_t i = 0; e->series[by].id_of != NULL && i < id_map_places(&e->series[by]); i++) {
            struct series *s = id_map_at(&e->series[by], i);
            struct visitor one = {.mode = VISIT_DIGEST, .engine = e};
            if (s != NULL && s->count > 0) {
                visit_series(&one, &by, s);
                series_sum += one.hash; /* the map's order says nothing */
            }
        }
    }
    visit_u64(&v, &lingering_sum);
    visit_u64(&v, &series_sum);
    return v.hash;
}

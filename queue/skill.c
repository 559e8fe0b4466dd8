#include "queue/skill.h"

#include <assert.h>
#include <stdlib.h>

#include "queue/base/memory.h"

static struct text skill_name(const void *item)
{
    return ((const struct skill *)item)->name;
}

static struct text requirement_key(const void *item)
{
    return ((const struct requirement *)item)->key;
}

void skill_table_init(struct skill_table *t, const uint64_t seed[2])
{
    memset(t, 0, sizeof(*t));
    id_map_init(&t->skills, skill_name, seed);
    id_map_init(&t->requirements, requirement_key, seed);
}

/* Whoever held requirements has released them; so both maps are empty. */
void skill_table_close(struct skill_table *t)
{
    assert(id_map_count(&t->requirements) == 0);
    assert(id_map_count(&t->skills) == 0);
    id_map_close(&t->skills);
    id_map_close(&t->requirements);
    memory_give(t->free_numbers);
    memory_give(t->free_skills);
}

static uint32_t number_take(uint32_t *free_numbers, uint32_t *free_count, uint32_t *next)
{
    return *free_count > 0 ? free_numbers[--*free_count] : (*next)++;
}

static void number_give(uint32_t **free_numbers, uint32_t *count, uint32_t *capacity, uint32_t n)
{
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        *free_numbers = memory_resize(*free_numbers, *capacity * sizeof(uint32_t));
    }
    (*free_numbers)[(*count)++] = n;
}

static struct skill *skill_take(struct skill_table *t, struct text name)
{
    struct skill *s = id_map_find(&t->skills, name);

    if (s == NULL) {
        char *copy = memory_take(name.length + 1u);
        memcpy(copy, name.bytes, name.length);
        s = memory_take(sizeof(*s));
        s->name = (struct text){copy, name.length};
        s->index = (skill_index)number_take(t->free_skills, &t->free_skill_count, &t->next_skill);
        id_map_insert(&t->skills, s);
    }
    s->references++;
    return s;
}

static void skill_release(struct skill_table *t, struct skill *s)
{
    if (--s->references > 0) {
        return;
    }
    id_map_remove(&t->skills, s);
    number_give(&t->free_skills, &t->free_skill_count, &t->free_skill_capacity, s->index);
    memory_give((void *)(uintptr_t)s->name.bytes);
    memory_give(s);
}

static int skill_level_order(const void *a, const void *b)
{
    return text_compare(((const struct skill_level *)a)->skill,
                        ((const struct skill_level *)b)->skill);
}

/* The key spells the set: a length, the name and the level of each skill in order of names. */
static uint32_t key_write(char *key, const struct skill_level *items, uint32_t count)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        key[at++] = (char)items[i].skill.length;
        memcpy(key + at, items[i].skill.bytes, items[i].skill.length);
        at += items[i].skill.length;
        key[at++] = (char)items[i].level;
    }
    return at;
}

static const struct requirement *take_sorted(struct skill_table *t, const struct skill_level *items,
                                             uint32_t count)
{
    char key[2 * SKILLS_PER_SET * (NAME_BYTES_MAX + 2)];
    struct text spelled;
    struct requirement *r;
    char *stored;

    if (count == 0) {
        return NULL;
    }
    spelled = (struct text){key, key_write(key, items, count)};
    r = id_map_find(&t->requirements, spelled);
    if (r != NULL) {
        r->references++;
        return r;
    }
    r = memory_take(sizeof(*r) + count * sizeof(r->needs[0]) + spelled.length);
    r->references = 1;
    r->count = count;
    r->number = number_take(t->free_numbers, &t->free_count, &t->next_number);
    for (uint32_t i = 0; i < count; i++) {
        r->needs[i] = (struct skill_need){skill_take(t, items[i].skill), items[i].level};
    }
    stored = (char *)&r->needs[count];
    memcpy(stored, key, spelled.length);
    r->key = (struct text){stored, spelled.length};
    id_map_insert(&t->requirements, r);
    return r;
}

const struct requirement *requirement_make(struct skill_table *t, struct skill_list list)
{
    struct skill_level items[2 * SKILLS_PER_SET];
    uint32_t count = 0;

    assert(list.count <= 2 * SKILLS_PER_SET);
    memcpy(items, list.items, list.count * sizeof(items[0]));
    qsort(items, list.count, sizeof(items[0]), skill_level_order);
    for (uint32_t i = 0; i < list.count; i++) {
        if (count > 0 && text_equal(items[count - 1].skill, items[i].skill)) {
            if (items[i].level > items[count - 1].level) {
                items[count - 1].level = items[i].level;
            }
        } else {
            items[count++] = items[i];
        }
    }
    return take_sorted(t, items, count);
}

static uint32_t append_needs(struct skill_level *items, uint32_t count, const struct requirement *r)
{
    for (uint32_t i = 0; r != NULL && i < r->count; i++) {
        items[count++] = (struct skill_level){r->needs[i].skill->name, r->needs[i].level};
    }
    return count;
}

const struct requirement *requirement_union(struct skill_table *t, const struct requirement *a,
                                            const struct requirement *b)
{
    struct skill_level items[2 * SKILLS_PER_SET];
    uint32_t count;

    if (a == NULL || b == NULL || a == b) {
        const struct requirement *only = a != NULL ? a : b;
        requirement_retain(only);
        return only;
    }
    count = append_needs(items, 0, a);
    count = append_needs(items, count, b);
    return requirement_take(t, (struct skill_list){items, count});
}

void requirement_retain(const struct requirement *r)
{
    if (r != NULL) {
        ((struct requirement *)(uintptr_t)r)->references++;
    }
}

void requirement_forget(struct skill_table *t, const struct requirement *r)
{
    struct requirement *mine = (struct requirement *)(uintptr_t)r;

    id_map_remove(&t->requirements, mine);
    number_give(&t->free_numbers, &t->free_count, &t->free_capacity, mine->number);
    for (uint32_t i = 0; i < mine->count; i++) {
        skill_release(t, mine->needs[i].skill);
    }
    memory_give(mine);
}

bool requirement_met(const struct requirement *needed, const struct requirement *has)
{
    uint32_t at = 0;

    if (needed == NULL || needed == has) {
        return true;
    }
    if (has == NULL) {
        return false;
    }
    /* Both are in order of names, so one pass is enough. */
    for (uint32_t i = 0; i < needed->count; i++) {
        const struct skill_need *need = &needed->needs[i];
        while (at < has->count && has->needs[at].skill != need->skill) {
            at++;
        }
        if (at == has->count || has->needs[at].level < need->level) {
            return false;
        }
    }
    return true;
}

uint32_t requirement_level_sum(const struct requirement *needed, const struct requirement *has)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; needed != NULL && has != NULL && i < needed->count; i++) {
        for (uint32_t k = 0; k < has->count; k++) {
            if (has->needs[k].skill == needed->needs[i].skill) {
                sum += has->needs[k].level;
                break;
            }
        }
    }
    return sum;
}

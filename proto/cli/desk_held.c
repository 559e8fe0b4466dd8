#include "proto/cli/desk_held.h"

#include <stdio.h>

#include "proto/cli/convert.h"
#include "proto/cli/fields.h"
#include "proto/cli/screen.h"
#include "queue/base/memory.h"

static const char *const desk_held_words[DESK_STATES] = {"offered", "active", "wrapping"};

void desk_held_init(struct desk_held *h)
{
    list_init(&h->items);
    h->next_number = 1;
}

static struct desk_item *desk_held_item(struct list_node *node)
{
    return record_of(node, struct desk_item, node);
}

void desk_held_clear(struct desk_held *h)
{
    while (!list_empty(&h->items)) {
        desk_held_drop(h, desk_held_item(list_first(&h->items)));
    }
}

struct text desk_held_map(const struct desk_item *item)
{
    return (struct text){(const char *)item->map.bytes, (uint32_t)item->map.size};
}

struct desk_item *desk_held_find(struct desk_held *h, struct text contact)
{
    for (struct list_node *n = list_first(&h->items); n != NULL; n = list_next(&h->items, n)) {
        if (text_equal(fields_text(desk_held_map(desk_held_item(n)), "contact"), contact)) {
            return desk_held_item(n);
        }
    }
    return NULL;
}

struct desk_item *desk_held_numbered(struct desk_held *h, unsigned number)
{
    for (struct list_node *n = list_first(&h->items); n != NULL; n = list_next(&h->items, n)) {
        if (desk_held_item(n)->number == number) {
            return desk_held_item(n);
        }
    }
    return NULL;
}

struct desk_item *desk_held_oldest(struct desk_held *h, enum desk_state state, unsigned *count)
{
    struct desk_item *oldest = NULL;

    *count = 0;
    for (struct list_node *n = list_first(&h->items); n != NULL; n = list_next(&h->items, n)) {
        if (desk_held_item(n)->state == state) {
            oldest = oldest == NULL ? desk_held_item(n) : oldest;
            ++*count;
        }
    }
    return oldest;
}

struct desk_item *desk_held_put(struct desk_held *h, struct text offer, enum desk_state state)
{
    struct desk_item *item = desk_held_find(h, fields_text(offer, "contact"));

    if (item == NULL) {
        item = memory_take(sizeof(*item));
        item->number = h->next_number++;
        list_append(&h->items, &item->node);
    }
    item->state = state;
    packer_reset(&item->map);
    packer_raw(&item->map, offer.bytes, offer.length);
    return item;
}

void desk_held_drop(struct desk_held *h, struct desk_item *item)
{
    (void)h;
    list_remove(&item->node);
    packer_close(&item->map);
    memory_give(item);
}

enum desk_state desk_held_state(struct text word)
{
    for (int i = 0; i < DESK_STATES; i++) {
        if (text_equal(word, text_from(desk_held_words[i]))) {
            return (enum desk_state)i;
        }
    }
    return DESK_ACTIVE;
}

void desk_held_print_line(const struct desk_item *item)
{
    static const char *const facts[] = {"channel", "queue", "tier", "issue"};
    struct text map = desk_held_map(item), subject = fields_text(map, "subject");
    int used;

    used = printf("%s%3u%s  %-8s  ", screen_bold(), item->number, screen_plain(),
                  desk_held_words[item->state]);
    used = used < 0 ? 0 : 15;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        struct text fact = fields_text(map, facts[i]);

        if (!text_is_none(fact)) {
            used += screen_text(stdout, fact, -1) + 2;
            fputs("  ", stdout);
        }
    }
    screen_text(stdout, text_is_none(subject) ? fields_text(map, "text") : subject,
                screen_width() - used < 10 ? 10 : screen_width() - used);
    putchar('\n');
}

static void desk_held_row(const char *title, struct text value)
{
    if (!text_is_none(value) && value.length > 0) {
        printf("  %s%-9s%s ", screen_dim(), title, screen_plain());
        screen_text(stdout, value, -1);
        putchar('\n');
    }
}

static void desk_held_json(const char *title, struct text map)
{
    if (!text_is_none(map) && fields_pairs(map).left > 0) {
        printf("  %s%-9s%s ", screen_dim(), title, screen_plain());
        convert_print(stdout, map, false);
        putchar('\n');
    }
}

static void desk_held_times(struct text map)
{
    char words[SCREEN_WORDS];
    int64_t at, now = screen_now();

    if (fields_int(map, "waited_ms", &at)) {
        printf("  %s%-9s%s %s\n", screen_dim(), "waited", screen_plain(),
               screen_duration(words, at));
    }
    if (fields_int(map, "deadline_at", &at)) {
        printf("  %s%-9s%s ", screen_dim(), "promised", screen_plain());
        fputs(screen_time(words, at), stdout);
        printf("%s\n", at < now ? ", which is over" : "");
    }
}

void desk_held_print_card(const struct desk_item *item)
{
    struct text map = desk_held_map(item), from = fields_inside(map, "from");
    struct text customer = fields_inside(map, "customer");

    desk_held_print_line(item);
    desk_held_row("contact", fields_text(map, "contact"));
    desk_held_row("customer", fields_text(customer, "id"));
    desk_held_json("", fields_inside(customer, "attributes"));
    desk_held_row("language", fields_text(map, "language"));
    desk_held_times(map);
    desk_held_row("from", fields_text(from, "agent"));
    desk_held_row("because", fields_text(from, "reason"));
    desk_held_row("note", fields_text(map, "note"));
    desk_held_json("data", fields_inside(map, "attributes"));
    desk_held_row("subject", fields_text(map, "subject"));
    if (!text_is_none(fields_text(map, "text"))) {
        screen_wrapped(stdout, fields_text(map, "text"), 4,
                       screen_width() < 100 ? screen_width() : 100);
    }
}

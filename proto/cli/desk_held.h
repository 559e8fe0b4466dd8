/* What an agent has at its desk: offers, assignments, wrap-ups, each with a short number that a
 * person can type. A number stays with its contact, and is not given again while the desk is open.
 */
#ifndef PROTO_CLI_DESK_HELD_H
#define PROTO_CLI_DESK_HELD_H

#include "proto/packer.h"
#include "queue/base/list.h"
#include "queue/types.h"

enum desk_state { DESK_OFFERED, DESK_ACTIVE, DESK_WRAPPING, DESK_STATES };

struct desk_item {
    struct list_node node;
    unsigned number;
    enum desk_state state;
    struct packer map; /* the offer, as the server told it */
};

struct desk_held {
    struct list items; /* the oldest first */
    unsigned next_number;
};

void desk_held_init(struct desk_held *h);
void desk_held_clear(struct desk_held *h);

/* An offer map. A contact that is there already keeps its number. */
struct desk_item *desk_held_put(struct desk_held *h, struct text offer, enum desk_state state);
void desk_held_drop(struct desk_held *h, struct desk_item *item);

struct text desk_held_map(const struct desk_item *item);
struct desk_item *desk_held_find(struct desk_held *h, struct text contact);
struct desk_item *desk_held_numbered(struct desk_held *h, unsigned number);

/* The oldest in that state, and how many there are. */
struct desk_item *desk_held_oldest(struct desk_held *h, enum desk_state state, unsigned *count);

/* "offered", "active", "wrapping"; unknown words are active: they are held. */
enum desk_state desk_held_state(struct text word);

/* One line; or the whole card, with everything the customer said. */
void desk_held_print_line(const struct desk_item *item);
void desk_held_print_card(const struct desk_item *item);

#endif

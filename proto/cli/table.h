/* Rows and columns that line up, in any script.
 *
 *     table_init(&t, columns, count);
 *     for each row: table_text, table_int, ... once for each column, from left to right
 *     table_print(&t, stdout, screen_width(), rows that fit); table_close(&t);
 *
 * Cells are copied. A column nobody wrote into is left out. When the whole is wider than allowed,
 * the column that `shrinks` is cut. */
#ifndef PROTO_CLI_TABLE_H
#define PROTO_CLI_TABLE_H

#include <stdio.h>

#include "proto/packer.h"
#include "queue/types.h"

#define TABLE_COLUMNS_MAX 16

struct table_column {
    const char *title;
    bool right; /* numbers stand at the right */
    bool shrinks;
};

struct table {
    const struct table_column *columns;
    uint32_t column_count;
    struct packer cells; /* texts one behind the other */
    uint32_t *ends;
    uint32_t cell_count;
    uint32_t room;
};

void table_init(struct table *t, const struct table_column *columns, uint32_t count);
void table_close(struct table *t);

void table_text(struct table *t, struct text cell); /* absent: empty */
void table_int(struct table *t, int64_t number);
void table_duration(struct table *t, duration_ms span);

/* The field of a map, or an empty cell when it has none. */
void table_text_of(struct table *t, struct text map, const char *key);
void table_int_of(struct table *t, struct text map, const char *key);
void table_duration_of(struct table *t, struct text map, const char *key);
void table_share_of(struct table *t, struct text map, const char *key); /* 0 to 1 as per cent */

/* With `rows_most` of 0 all rows, else so many, and how many more there are. */
void table_print(const struct table *t, FILE *out, int width, uint32_t rows_most);

#endif

#include "proto/cli/table.h"

#include <assert.h>

#include "proto/cli/fields.h"
#include "proto/cli/screen.h"
#include "queue/base/memory.h"

#define TABLE_GAP    2
#define TABLE_SHRUNK 8 /* no column is cut below so many columns of the terminal */

void table_init(struct table *t, const struct table_column *columns, uint32_t count)
{
    assert(count <= TABLE_COLUMNS_MAX);
    *t = (struct table){.columns = columns, .column_count = count};
}

void table_close(struct table *t)
{
    packer_close(&t->cells);
    memory_give(t->ends);
    *t = (struct table){0};
}

void table_text(struct table *t, struct text cell)
{
    if (t->cell_count == t->room) {
        t->room = t->room * 2 + 64;
        t->ends = memory_resize(t->ends, t->room * sizeof(*t->ends));
    }
    packer_raw(&t->cells, cell.bytes, cell.length);
    t->ends[t->cell_count++] = (uint32_t)t->cells.size;
}

void table_int(struct table *t, int64_t number)
{
    char words[24];

    snprintf(words, sizeof(words), "%lld", (long long)number);
    table_text(t, text_from(words));
}

void table_duration(struct table *t, duration_ms span)
{
    char words[SCREEN_WORDS];

    table_text(t, text_from(screen_duration(words, span)));
}

void table_text_of(struct table *t, struct text map, const char *key)
{
    table_text(t, fields_text(map, key));
}

void table_int_of(struct table *t, struct text map, const char *key)
{
    int64_t number;

    if (fields_int(map, key, &number)) {
        table_int(t, number);
    } else {
        table_text(t, TEXT_NONE);
    }
}

void table_duration_of(struct table *t, struct text map, const char *key)
{
    int64_t span;

    if (fields_int(map, key, &span)) {
        table_duration(t, span);
    } else {
        table_text(t, TEXT_NONE);
    }
}

void table_share_of(struct table *t, struct text map, const char *key)
{
    char words[16];
    double share;

    if (fields_double(map, key, &share)) {
        snprintf(words, sizeof(words), "%.1f %%", share * 100);
        table_text(t, text_from(words));
    } else {
        table_text(t, TEXT_NONE);
    }
}

static struct text table_cell(const struct table *t, uint32_t row, uint32_t column)
{
    uint32_t place = row * t->column_count + column;
    uint32_t begin = place == 0 ? 0 : t->ends[place - 1];

    return (struct text){(const char *)t->cells.bytes + begin, t->ends[place] - begin};
}

static void table_widths(const struct table *t, uint32_t rows, int width, int widths[])
{
    int all = 0;

    for (uint32_t c = 0; c < t->column_count; c++) {
        int widest = 0;

        for (uint32_t r = 0; r < rows; r++) {
            int columns = screen_columns(table_cell(t, r, c));
            widest = columns > widest ? columns : widest;
        }
        if (widest > 0) {
            int title = (int)strlen(t->columns[c].title);
            widest = title > widest ? title : widest;
        }
        widths[c] = widest;
        all += widest == 0 ? 0 : widest + TABLE_GAP;
    }
    for (uint32_t c = 0; c < t->column_count; c++) {
        if (t->columns[c].shrinks && all - TABLE_GAP > width) {
            int less = widths[c] - (all - TABLE_GAP - width);
            int kept = less < TABLE_SHRUNK ? TABLE_SHRUNK : less;

            kept = kept < widths[c] ? kept : widths[c];
            all -= widths[c] - kept;
            widths[c] = kept;
        }
    }
}

static void table_line(FILE *out, const struct table_column *column, struct text cell, int width,
                       bool last)
{
    int columns = screen_columns(cell);
    int pad = columns < width ? width - columns : 0;

    fprintf(out, "%*s", column->right ? pad : 0, "");
    screen_text(out, cell, width);
    fprintf(out, "%*s", last ? 0 : (column->right ? 0 : pad) + TABLE_GAP, "");
}

void table_print(const struct table *t, FILE *out, int width, uint32_t rows_most)
{
    uint32_t all = t->cell_count / t->column_count;
    uint32_t rows = rows_most != 0 && rows_most < all ? rows_most : all;
    int widths[TABLE_COLUMNS_MAX];
    uint32_t last = 0;

    table_widths(t, rows, width, widths);
    for (uint32_t c = 0; c < t->column_count; c++) {
        last = widths[c] > 0 ? c : last;
    }
    fputs(screen_dim(), out);
    for (uint32_t c = 0; c < t->column_count; c++) {
        if (widths[c] > 0) {
            table_line(out, &t->columns[c], text_from(t->columns[c].title), widths[c], c == last);
        }
    }
    fprintf(out, "%s\n", screen_plain());
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < t->column_count; c++) {
            if (widths[c] > 0) {
                table_line(out, &t->columns[c], table_cell(t, r, c), widths[c], c == last);
            }
        }
        fputc('\n', out);
    }
    if (rows < all) {
        fprintf(out, "%sand %u more%s\n", screen_dim(), all - rows, screen_plain());
    }
}

#include "csv.h"

#include <stdio.h>

#include "queue/base/memory.h"

bool csv_open(struct csv *c, const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;

    *c = (struct csv){0};
    if (file == NULL) {
        return false;
    }
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    c->bytes = memory_take((size_t)size + 1);
    c->at = c->bytes;
    c->end = c->bytes + fread(c->bytes, 1, (size_t)size, file);
    fclose(file);
    return true;
}

void csv_close(struct csv *c)
{
    memory_give(c->bytes);
    *c = (struct csv){0};
}

/* One field; what is unquoted is moved to its front. Leaves `at` behind the comma or line break.
 * True when the record goes on. */
static bool next_field(struct csv *c, struct text *out)
{
    char *to = c->at;
    bool quoted = c->at < c->end && *c->at == '"';

    out->bytes = to;
    if (quoted) {
        c->at++;
    }
    while (c->at < c->end) {
        char byte = *c->at;
        if (quoted && byte == '"') {
            quoted = c->at + 1 < c->end && c->at[1] == '"';
            c->at++;
            if (!quoted) {
                continue;
            }
        } else if (!quoted && (byte == ',' || byte == '\n')) {
            break;
        } else if (!quoted && byte == '\r') {
            c->at++;
            continue;
        }
        *to++ = byte;
        c->at++;
    }
    out->length = (uint32_t)(to - out->bytes);
    return c->at < c->end && *c->at++ == ',';
}

bool csv_next(struct csv *c)
{
    bool more = true;

    if (c->at >= c->end) {
        return false;
    }
    for (c->field_count = 0; more && c->field_count < CSV_FIELDS_MAX; c->field_count++) {
        more = next_field(c, &c->fields[c->field_count]);
    }
    return true;
}

int csv_column(const struct csv *c, const char *name)
{
    for (uint32_t i = 0; i < c->field_count; i++) {
        if (text_equal(c->fields[i], text_from(name))) {
            return (int)i;
        }
    }
    return -1;
}

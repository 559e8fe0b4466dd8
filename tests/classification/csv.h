/* Reads comma-separated values (RFC 4180): quoted fields may hold commas, doubled quotation marks
 * and line breaks. */
#ifndef TESTS_CLASSIFICATION_CSV_H
#define TESTS_CLASSIFICATION_CSV_H

#include "queue/base/text.h"

#define CSV_FIELDS_MAX 16

struct csv {
    char *bytes; /* the whole file; fields are unquoted in place */
    char *at;
    char *end;
    struct text fields[CSV_FIELDS_MAX];
    uint32_t field_count;
};

bool csv_open(struct csv *c, const char *path);
bool csv_next(struct csv *c); /* the next record's fields; false at the end */
int csv_column(const struct csv *c,
               const char *name); /* in the present record, which is the heading */
void csv_close(struct csv *c);

#endif

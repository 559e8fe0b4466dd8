/* contact.submit from the command line: one contact from options, or many from lines of JSON. */
#ifndef PROTO_CLI_SUBMIT_H
#define PROTO_CLI_SUBMIT_H

#include "proto/cli/options.h"
#include "proto/include/switchboard/client.h"

#define SUBMIT_FIELD_OPTIONS 19

/* A contact as options say it. Zeroed is none. */
struct submit_fields {
    const char *texts[10]; /* by the rows of submit_fields.c */
    const char *customer;
    const char *customer_tier;
    struct option_values customer_attributes;
    struct option_values attributes;
    struct option_values skills;
    duration_ms boost;
    duration_ms expires;
    duration_ms later; /* not before so long from now */
    bool keeps_place;
};

/* Their rows for options_read. */
void submit_fields_options(struct submit_fields *f, struct option rows[SUBMIT_FIELD_OPTIONS]);

bool submit_fields_given(const struct submit_fields *f);

/* Write the parameters. False when one makes no sense, which is said on standard error. */
bool submit_fields_write(const struct submit_fields *f, struct switchboard_map *map);

void submit_fields_close(struct submit_fields *f);

#endif

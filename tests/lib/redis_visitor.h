/* A path with somebody who walks it: counts what it reports, and asks one command at a time. */
#ifndef TESTS_LIB_REDIS_VISITOR_H
#define TESTS_LIB_REDIS_VISITOR_H

#include "router/redis/redis_path.h"
#include "tests/lib/test_loop.h"

struct redis_visitor {
    struct test_loop t;
    struct redis_address address;
    struct redis_locator_options locator_options;
    struct redis_path_options path_options;
    struct redis_locator *locator;
    struct redis_path *path;
    uint32_t ups, downs;
    char why[REDIS_PROBLEM_BYTES];
    struct redis_greeting greeting; /* of the last up */
    /* The last answer. */
    bool answered;
    enum redis_outcome outcome;
    enum redis_error_kind error;
    struct redis_endpoint to;
    char reply[512]; /* its text, or its number in digits */
};

void redis_visitor_init(struct redis_visitor *v);
/* Set out for an address. */
void redis_visitor_go(struct redis_visitor *v, const char *url, const char *tag);
void redis_visitor_close(struct redis_visitor *v);

/* Send words (ended by NULL) and wait for the answer; false when the path would not take it. */
bool redis_visitor_ask(struct redis_visitor *v, const char *const *words);
#define VISITOR_ASK(v, ...) redis_visitor_ask((v), (const char *const[]){__VA_ARGS__, NULL})

/* Ask again and again until it is answered well; connections may come and go meanwhile. */
void redis_visitor_insist(struct redis_visitor *v, const char *const *words);
#define VISITOR_INSIST(v, ...) redis_visitor_insist((v), (const char *const[]){__VA_ARGS__, NULL})

/* As `answered` of a command with the visitor as its context. */
void redis_visitor_hear(void *context, const struct redis_answer *a);

#endif

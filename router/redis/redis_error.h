/* What Redis says when it refuses, and what to do about it.
 *
 * An error reply begins with a word in capitals; redis_error.c has the one table of those words.
 * Whatever is not in it is REDIS_ERROR_OTHER: wrong arguments, a script's own refusal; asking again
 * would give the same answer.
 *
 * Pure functions; any thread. */
#ifndef ROUTER_REDIS_REDIS_ERROR_H
#define ROUTER_REDIS_REDIS_ERROR_H

#include "router/redis/redis_address.h"

enum redis_error_kind {
    REDIS_ERROR_OTHER,
    REDIS_ERROR_NOSCRIPT,
    REDIS_ERROR_READONLY,
    REDIS_ERROR_LOADING,
    REDIS_ERROR_BUSY,
    REDIS_ERROR_OOM,
    REDIS_ERROR_MISCONF,
    REDIS_ERROR_NOREPLICAS,
    REDIS_ERROR_TRYAGAIN,
    REDIS_ERROR_MASTERDOWN,
    REDIS_ERROR_CLUSTERDOWN,
    REDIS_ERROR_MOVED,
    REDIS_ERROR_ASK,
    REDIS_ERROR_CROSSSLOT,
    REDIS_ERROR_NOAUTH,
    REDIS_ERROR_WRONGPASS,
    REDIS_ERROR_NOPERM,
    REDIS_ERROR_UNBLOCKED,
    REDIS_ERROR_KINDS,
};

enum redis_remedy {
    REMEDY_REFUSE,      /* the same again gives the same: tell whoever asked */
    REMEDY_RETRY,       /* here, a little later: this Redis will be able to again, or be helped */
    REMEDY_RELOCATE,    /* this is not the primary, or not now: look for it anew */
    REMEDY_REDIRECT,    /* at the address that the reply names; from now on (MOVED) or once (ASK) */
    REMEDY_LOAD_SCRIPT, /* SCRIPT LOAD, then the same again */
};

struct redis_error {
    enum redis_error_kind kind;
    enum redis_remedy remedy;
    uint16_t slot;            /* of MOVED and ASK */
    struct redis_endpoint to; /* of MOVED and ASK; an empty host is the one that answered */
    struct text words;        /* all of the reply, as long as the reply lives */
};

/* A MOVED or ASK without an address that can be read is REDIS_ERROR_OTHER. */
void redis_error_read(struct text words, struct redis_error *out);

/* The word it begins with; "other" for what is not in the table. */
const char *redis_error_word(enum redis_error_kind kind);
/* What it means, for a person. */
const char *redis_error_meaning(enum redis_error_kind kind);

#endif

/* An agent at a terminal, or a script that plays one: signs in, shows what comes, does what the
 * lines of standard input say, one after the other.
 *
 * desk.c has the session and what the server tells, desk_commands.c what the agent says,
 * desk_held.c what it has. */
#ifndef PROTO_CLI_DESK_H
#define PROTO_CLI_DESK_H

#include "proto/cli/desk_held.h"
#include "proto/cli/input.h"
#include "proto/cli/link.h"
#include "proto/cli/prompt.h"

struct desk;

/* What to do with the answer to a command; the desk is at rest again before it is called. */
typedef void (*desk_done)(struct desk *d, struct text result);

struct desk {
    struct link link;
    struct input input;
    struct prompt prompt;
    struct desk_held held;
    const char *agent;
    bool away; /* sign in so */
    bool auto_accept;
    bool interactive; /* a person at a terminal */

    /* The command under way: lines wait until it is answered. */
    const char *method; /* NULL: at rest */
    desk_done done;
    struct packer about; /* the contact it is about; it may be gone by then */
    struct reply reply;

    bool signed_in;
    bool waits_for_work; /* the command `wait`: lines wait for an offer */
    bool leaving;        /* sign-out is under way, or the desk is closed */
    bool stopped;
    int status; /* of the first that failed, when nobody is watching */
};

/* Between these, things may be printed without disturbing what is being typed. */
void desk_begin(struct desk *d);
void desk_end(struct desk *d);

/* Call a method with this map, which is destroyed. No more lines until it is answered; a refusal is
 * told. `contact` may be TEXT_NONE. */
void desk_call(struct desk *d, const char *method, struct switchboard_map *map, struct text contact,
               desk_done done);

/* One failed: said, and remembered for the exit status. */
void desk_fail(struct desk *d, int status);

/* Out of here: sign out first when it is signed in. */
void desk_leave(struct desk *d);

/* The work list as sign-in answers it, in place of what was there. */
void desk_take_held(struct desk *d, struct text session);

/* Do what a line says. */
void desk_commands_line(struct desk *d, struct text line);

/* What can be said, for a person. */
void desk_commands_help(void);

#endif

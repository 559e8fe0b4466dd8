/* A client that talks with servers of which the test says every word, in a time that the test sets.
 *
 * One client at a time. What the client sends on line 0 and 1 is read off as `method#number
 * {params}`, that of line 1 behind "1: "; what its callbacks were told is collected in words. The
 * test speaks as the server of the line that talk_on chose, 0 at first. */
#ifndef TEST_PROTO_TALK_H
#define TEST_PROTO_TALK_H

#include "proto/client.h"

#define TALK_MAX 16384

#define A "tcp://10.0.0.1:7700"
#define B "tcp://10.0.0.2:7700"
#define C "tcp://10.0.0.3:7700"

#define HELLO_A "{node: a, nodes: ['" A "', '" B "', '" C "'], epoch: 1, seq: 5, now_at: 1000000}"

struct talk {
    struct client client;
    struct packer answer;
    int64_t now;
    uint32_t line;        /* on which the server speaks */
    uint32_t number[64];  /* the full number that a call with these low bits was last sent with */
    char said[TALK_MAX];  /* what the client sent */
    char heard[TALK_MAX]; /* what the callbacks were told */
};

extern struct talk talk;

/* A client with the bounds of the tests; `change` may be NULL. */
void talk_start(const char *role, const char *name,
                void (*change)(struct switchboard_options *options));
void talk_stop(void);

/* For talk_start: three servers are known, with and without a standby session at one of them; and a
 * connector's contacts are read after hello. */
void talk_three(struct switchboard_options *options);
void talk_three_without(struct switchboard_options *options);
void talk_resumes(struct switchboard_options *options);

/* As talk_start, and hello has been answered at A. */
void talk_start_at_a(const char *role, void (*change)(struct switchboard_options *options));

/* The server of that line speaks from now on, and the functions below are about it. */
void talk_on(uint32_t line);

/* Exactly this was sent, or heard, since it was last asked or forgotten. */
void talk_said(const char *expected);
void talk_heard(const char *expected);
void talk_listen(void); /* read off what was sent, to answer it; done by the others as needed */
void talk_forget(void);
void talk_forget_said(void);

/* What the server says; numbers are the low bits, as talk_said shows them. */
void talk_bytes(const void *from, size_t size);
void talk_note(const char *note);
void talk_answer(uint32_t number, const char *result);
void talk_refuse(uint32_t number, const char *error);

enum switchboard_status talk_call_with(const char *method, const char *params, unsigned flags);
void talk_call(const char *method, const char *params);

void talk_tick(int64_t more);

/* The connection stands, as is wanted now; it ends; it stands as soon as that is wanted. */
void talk_connect(void);
void talk_lose(void);
void talk_come_back(void);

/* An attempt, at the time at which it is wanted, that leads nowhere. */
void talk_attempt_fails(void);

/* Where a line goes; after how long, at least and at most, the connection is wanted. */
void talk_address(uint32_t line, const char *address);
void talk_wanted(int64_t least, int64_t most);

/* After how long a connection is wanted; fails when none ever is. */
int64_t talk_wanted_in(void);

#endif

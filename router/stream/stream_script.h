/* What runs inside Redis: the scripts that append to a workspace's stream. They check everything
 * before they write, and write with one kind of command only, so that a script that was refused has
 * done nothing.
 *
 * Constant; any thread. */
#ifndef ROUTER_STREAM_SCRIPT_H
#define ROUTER_STREAM_SCRIPT_H

#include "router/redis/redis_script.h"

/* Append behind an id.
 *
 *   key   the stream
 *   args  the id at which it must end, the epoch of whoever appends, then ID FIELD VALUE for each
 *         entry, all of one epoch: his, or, when he repairs a lost end, one before it
 *
 * Answers [word, id at which it ends now]: `appended`; `there`, when these very entries stand there
 * already (a lost answer), and then it has written, too, so that a WAIT behind it speaks of them;
 * `elsewhere` when the stream ends anywhere else or in a higher epoch than his, and nothing was
 * done. */
extern struct redis_script stream_script_append;

/* Compute the digests; once, before any thread uses them. */
void stream_scripts_init(void);

#endif

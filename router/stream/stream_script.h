/* What runs inside Redis: whatever appends to a workspace's stream. It checks everything before it
 * writes, and writes with one kind of command only, so that a script that was refused has done
 * nothing.
 *
 * There are two ways. The script takes the entries as arguments, compares them with what is there,
 * and knows what was sent before; but Lua makes a string of each argument, which takes half of all
 * that Redis does for a large one. The guard looks only whether the stream ends where it must; the
 * entries stand behind it in the same transaction, as commands of their own, and when it does not
 * end there the guard makes them fail.
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

/* The text of a script that lets the XADDs behind it, in its transaction, append behind an id.
 *
 *   key   the stream
 *   args  the id at which it must end, and that of the last entry
 *
 * Answers [word, id at which it ends]: `appended` when they will be; `elsewhere` when the stream
 * ends anywhere else. Then its last id is set to that of the entries, or is beyond it already, and
 * Redis takes no entry that is not above. The stream ends where it did, all the same, and
 * stream_script_append sets its last id right. It is sent as a text (EVAL): one that Redis had
 * forgotten would let the entries pass. */
extern struct text stream_guard;

/* Choose them and compute the digests; once, before any thread uses them. */
void stream_scripts_init(void);

#endif

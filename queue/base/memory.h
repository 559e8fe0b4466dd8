/* Memory that is there or the process ends: a router that cannot get a few bytes has no good answer
 * left, and what it acknowledged is in the journal. Bounds on what clients can make it hold stand
 * where it is held, not here. */
#ifndef QUEUE_BASE_MEMORY_H
#define QUEUE_BASE_MEMORY_H

#include <stddef.h>

/* Who is told why, in plain words, before the process ends: the engine itself writes to no file.
 * Once, before there are threads; NULL: nobody. */
void memory_tell_end(void (*tell)(const char *why));

/* Tell why, and end the process. */
_Noreturn void memory_end(const char *why);

void *memory_take(size_t size);              /* zeroed */
void *memory_resize(void *old, size_t size); /* new bytes are not zeroed */
void *memory_resize_zeroed(void *old, size_t old_size, size_t size);
void *memory_copy(const void *from, size_t size); /* NULL for size 0 */
void memory_give(void *memory);

/* Zeroed memory that is looked into all over, a little each time: from two MiB on it comes in pages
 * as large as that, where the system has those, so that a look does not also have to find out where
 * its page is. Given back with its size, which from there on is one of whole pages. */
void *memory_take_wide(size_t size);
void memory_give_wide(void *memory, size_t size); /* NULL is fine */

#endif

/* RARE, before a function: what hardly ever happens is kept out of the way of what happens always.
 *
 * It is called and never inlined, stands far from the code that is run, and a way that leads to it
 * is the unlikely one. So a hot function is short, saves few registers, and shares its cache lines
 * with nothing that is not run. */
#ifndef QUEUE_BASE_RARE_H
#define QUEUE_BASE_RARE_H

#define RARE __attribute__((cold, noinline))

#endif

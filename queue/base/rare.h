/* Where the code of a function stands.
 *
 * RARE, before a function: what hardly ever happens is kept out of the way of what happens always.
 *
 * It is called and never inlined, stands far from the code that is run, and a way that leads to it
 * is the unlikely one. So a hot function is short, saves few registers, and shares its cache lines
 * with nothing that is not run.
 *
 * CALLED, before a function: it is called and never inlined, for the sake of those cache lines.
 * What is done at many places of one way is the same few of them again instead of as many others;
 * what some do and others do not is out of the way of these. */
#ifndef QUEUE_BASE_RARE_H
#define QUEUE_BASE_RARE_H

#define RARE   __attribute__((cold, noinline))
#define CALLED __attribute__((noinline))

#endif

/* What the version after this one may bring, for the proof that two versions get on with each
 * other.
 *
 * The product has none of it: the list is empty, and nothing is written. switchboard-server-next,
 * which only tests build, is compiled with SWITCHBOARD_NEXT_VERSION: it knows one more kind of
 * fact, and writes one behind each new contact as soon as everybody can read it. */
#ifndef QUEUE_NEXT_VERSION_H
#define QUEUE_NEXT_VERSION_H

#define FACT_VERSION_FIRST 1

#ifdef SWITCHBOARD_NEXT_VERSION

struct engine;

#define FACT_VERSION 2
#define FACT_TABLE_2(FACT)                                                                         \
    FACT(CONTACT_COUNTED, contact_counted, WORKSPACE, NONE, "one contact more was taken")

void next_version_write(struct engine *e);

#define NEXT_VERSION_WRITE(e) next_version_write(e)
#else
#define FACT_VERSION FACT_VERSION_FIRST
#define FACT_TABLE_2(FACT)
#define NEXT_VERSION_WRITE(e) ((void)0)
#endif

#endif

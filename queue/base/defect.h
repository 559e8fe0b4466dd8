/* Deliberate defects, for the proof that the checker of tests/checker finds them.
 *
 * The product has none: there DEFECT is false wherever it stands, and nothing behind it is
 * compiled. switchboard-server-defects, which only tests build, is compiled with
 * SWITCHBOARD_DEFECTS, and has the one defect that the environment's SWITCHBOARD_DEFECT names. Any
 * thread. */
#ifndef QUEUE_BASE_DEFECT_H
#define QUEUE_BASE_DEFECT_H

#include <stdbool.h>

/* Each as DEFECT names it, and as the environment does. */
#define DEFECTS(X)                                                                                 \
    X(ANSWERS_BEFORE_JOURNAL, "answers_before_journal")                                            \
    X(NO_WAIT, "no_wait")                                                                          \
    X(NO_EPOCH_CHECK, "no_epoch_check")                                                            \
    X(READS_UNCONFIRMED, "reads_unconfirmed")                                                      \
    X(FORGETS_IDS, "forgets_ids")                                                                  \
    X(LOSES_OFFER_CLOCK, "loses_offer_clock")

#ifdef SWITCHBOARD_DEFECTS

#define DEFECT_ENUM(name, word) DEFECT_##name,
enum defect { DEFECTS(DEFECT_ENUM) DEFECT_COUNT };
#undef DEFECT_ENUM

bool defect_is(enum defect d);

#define DEFECT(name) defect_is(DEFECT_##name)
#else
#define DEFECT(name) false
#endif

#endif

/* Words that the engine itself gives as reasons. They stand in most histories; so they are kept
 * once for all, have numbers, and are told from other texts by where their letters lie.
 *
 * The numbers are those of one build: they are in no fact and in no checkpoint. */
#ifndef QUEUE_WORDS_H
#define QUEUE_WORDS_H

#include "queue/base/text.h"

/* The shorter first: a word that comes from elsewhere is found by its length. */
#define KNOWN_WORDS(WORD)                                                                          \
    WORD(away)                                                                                     \
    WORD(moved)                                                                                    \
    WORD(answer)                                                                                   \
    WORD(expired)                                                                                  \
    WORD(updated)                                                                                  \
    WORD(resolve)                                                                                  \
    WORD(declined)                                                                                 \
    WORD(requeued)                                                                                 \
    WORD(transfer)                                                                                 \
    WORD(assigned)                                                                                 \
    WORD(attempts)                                                                                 \
    WORD(overflow)                                                                                 \
    WORD(progress)                                                                                 \
    WORD(completed)                                                                                \
    WORD(cancelled)                                                                                \
    WORD(timed_out)                                                                                \
    WORD(preferred)                                                                                \
    WORD(signed_out)                                                                               \
    WORD(agent_lost)                                                                               \
    WORD(wrapped_up)                                                                               \
    WORD(grace_over)                                                                               \
    WORD(taken_over)                                                                               \
    WORD(undelivered)                                                                              \
    WORD(transferred)                                                                              \
    WORD(round_robin)                                                                              \
    WORD(longest_idle)                                                                             \
    WORD(best_skilled)                                                                             \
    WORD(missed_offer)                                                                             \
    WORD(agent_removed)                                                                            \
    WORD(customer_left)                                                                            \
    WORD(queue_removed)                                                                            \
    WORD(least_occupied)                                                                           \
    WORD(connector_lost)                                                                           \
    WORD(fewest_contacts)

#define WORD_NUMBER(word) WORD_##word,
enum word { WORD_NONE, KNOWN_WORDS(WORD_NUMBER) WORD_COUNT };
#undef WORD_NUMBER

#define WORD_ROOM 16 /* letters of the longest, and a zero */

extern const char word_letters[WORD_COUNT][WORD_ROOM];

/* A known word, as a text that is kept. */
#define WORD(word) ((struct text){word_letters[WORD_##word], sizeof(#word) - 1})

uint8_t word_spelled(struct text word); /* word_number, by its letters alone */

/* WORD_NONE for any other text. A known word is known by where it stands: no letter is looked at.
 */
static inline uint8_t word_number(struct text word)
{
    size_t among = (uintptr_t)word.bytes - (uintptr_t)word_letters;

    return among < sizeof(word_letters) ? (uint8_t)(among / WORD_ROOM)
           : word.length == 0           ? (uint8_t)WORD_NONE
                                        : word_spelled(word);
}

/* The same for a known word that stands where all do, and for none; WORD_COUNT for any other text.
 */
static inline uint8_t word_at_hand(struct text word)
{
    size_t among = (uintptr_t)word.bytes - (uintptr_t)word_letters;

    return word.bytes == NULL             ? (uint8_t)WORD_NONE
           : among < sizeof(word_letters) ? (uint8_t)(among / WORD_ROOM)
                                          : (uint8_t)WORD_COUNT;
}

struct text word_text(uint8_t number);   /* TEXT_NONE for WORD_NONE */
struct text word_keep(struct text word); /* the constant of a known word, else TEXT_NONE */

/* Copies of texts that outlive a call: known words are not copied, NULL stays NULL, and an empty
 * text stays different from none. */
struct text text_duplicate(struct text t);
void text_discard(struct text t); /* of text_duplicate */

#endif

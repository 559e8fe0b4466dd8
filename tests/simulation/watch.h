/* Watching an engine from outside: checkers that see commands, facts and answers, and nothing else.
 *
 * The watch turns names into small numbers once and hands each fact to every checker, in the order
 * in which the engine told them. A checker keeps structures of its own and never reads an engine's
 * record: of a fact it uses the values and texts, and the numbers given here, not its pointers. The
 * first thing found wrong is kept; the run ends with it. */
#ifndef TESTS_SIMULATION_WATCH_H
#define TESTS_SIMULATION_WATCH_H

#include "queue/command.h"
#include "queue/contact.h"
#include "queue/delivery.h"
#include "queue/engine.h"
#include "tests/simulation/name_map.h"

#include <stdio.h>

/* A fact, with names as numbers. Each contact_queued or contact_scheduled gives a contact a number
 * of its own, also when an id comes again after its time; so a number is one contact. */
struct sighting {
    const struct fact *fact;
    uint32_t contact;          /* the subject; NOBODY when no contact of this id was ever seen */
    uint32_t agent;            /* the subject, or the agent of a contact's fact */
    uint32_t preferred;        /* of new and given back contacts */
    uint32_t to;               /* of given back contacts */
    struct settings *settings; /* in force, a config_applied included */
};

/* An answer, at the moment at which it was given. */
struct answer_seen {
    enum delivery_kind kind;
    bool duplicate;
    bool ended; /* about a contact that has ended */
    enum contact_state state;
    struct text contact; /* that it is about; may be absent */
    struct text reason;  /* of a refusal, or of an end */
    struct text refused_state;
    enum refusal_kind refused;
    size_t position;
    duration_ms estimate;
};

/* A command, with its caller as a number. */
struct request_seen {
    const struct command *command;
    engine_time now;
    uint32_t contact; /* that it names; NOBODY */
    uint32_t agent;   /* signed in on the caller's connection; NOBODY */
};

struct watch;

struct checker {
    const char *name;
    void *(*create)(struct watch *w);
    void (*destroy)(void *self);
    void (*fact)(void *self, const struct sighting *s);
    void (*answer)(void *self, const struct request_seen *r, const struct answer_seen *a);
    void (*step_over)(void *self, engine_time now); /* facts of the step have all been seen */
    void (*report)(void *self, FILE *out);
    void (*figures)(void *self, queue_index queue, const struct queue_row *row);
};

extern const struct checker checker_life; /* 1, 7: life cycles, nothing lost, nothing re-opened */
extern const struct checker checker_one_agent; /* 2 */
extern const struct checker checker_capacity;  /* 3 */
extern const struct checker checker_identity;  /* 5 */
extern const struct checker checker_order;     /* 6, positions, nobody idle while somebody waits */
extern const struct checker checker_ends;      /* 7, 8: offers end, and precisely how */
extern const struct checker checker_clocks;    /* 1: nothing that was to happen is forgotten */
extern const struct checker checker_counts;    /* figures of queues are what the facts add up to */
extern const struct checker checker_estimate;  /* estimated waits lean to no side */

/* With all checkers, or one of them alone. */
struct watch *watch_create(const struct checker *only);
void watch_destroy(struct watch *w);

void watch_fact(struct watch *w, const struct fact *fact);
void watch_request(struct watch *w, const struct command *command, engine_time now);
void watch_answer(struct watch *w, const struct answer_seen *answer);
void watch_step_over(struct watch *w, engine_time now);

/* What the engine says of one of its queues, between steps. */
void watch_figures(struct watch *w, queue_index queue, const struct queue_row *row);
void watch_report(struct watch *w, FILE *out);

/* What was found wrong, and by whom; NULL: nothing. */
const char *watch_finding(const struct watch *w);
const char *watch_finder(const struct watch *w);

/* For checkers: something is wrong. Only the first counts. */
void watch_found(struct watch *w, const struct checker *by, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Names for words in findings. */
struct text watch_contact_name(const struct watch *w, uint32_t contact);
struct text watch_agent_name(const struct watch *w, uint32_t agent);
uint32_t watch_agent_number(struct watch *w, struct text name);

/* Rows of life cycles that no run took, and the table of how often each was; see checker_life.c. */
size_t checker_life_untaken(void *self);
void *watch_self(struct watch *w, const struct checker *checker);

/* Where each queue of the old settings stands in the new ones, by name; the default queue for those
 * that are gone. Owned by the caller. */
queue_index *watch_queue_map(const struct settings *old, const struct settings *settings);

#endif

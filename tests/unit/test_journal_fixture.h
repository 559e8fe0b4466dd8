/* What the journal's tests share: a directory of their own, entries that can be told from their
 * number alone, and a loop that is run until what was asked for has happened. One journal at a
 * time; one thread. */
#ifndef TESTS_UNIT_TEST_JOURNAL_FIXTURE_H
#define TESTS_UNIT_TEST_JOURNAL_FIXTURE_H

#include <uv.h>

#include "router/journal.h"
#include "router/journal_file_faults.h"

#define FIXTURE_PATH_BYTES 256

struct journal_fixture {
    uv_loop_t loop;
    char root[FIXTURE_PATH_BYTES]; /* removed at the end, with all in it */
    char path[FIXTURE_PATH_BYTES]; /* the journal's directory, inside it */
    struct journal *journal;
    struct journal_options options;
    struct journal_file_faults faults;
    char problem[512];
    uint64_t appended;            /* entries so far: the number of the next one */
    uint64_t size_max;            /* of an entry's bytes; 0: a few */
    uint64_t committed, answered; /* batches */
    uint64_t answered_well;
    enum journal_status last_status;
    bool closed;
};

/* What reading gave. */
struct journal_fixture_reading {
    enum journal_status status;
    uint64_t entries; /* numbered from `first` on, each as it was appended */
    uint64_t first;
    uint64_t torn_bytes;
    journal_position last_at;
};

/* The bytes of a file. */
struct journal_fixture_file {
    uint8_t *bytes;
    size_t size;
};

void fixture_set_up(struct journal_fixture *f);
void fixture_tear_down(struct journal_fixture *f);

/* cmocka's setup and teardown of the same: *state is a struct journal_fixture. */
int fixture_create(void **state);
int fixture_free(void **state);

/* Open "file:PATH"; what comes of it. With JOURNAL_OK the fixture has the journal. */
enum journal_status fixture_open(struct journal_fixture *f);

/* Destroy the journal and wait until it is closed. */
void fixture_close(struct journal_fixture *f);

/* Append the next `count` entries. */
void fixture_append(struct journal_fixture *f, uint64_t count);

/* Commit, and count the answer when it comes. Answers must come in order. */
void fixture_commit(struct journal_fixture *f);

/* Run the loop until all batches are answered. */
void fixture_wait(struct journal_fixture *f);

/* Read from `from`; every entry must be as it was appended and follow the one before. */
struct journal_fixture_reading fixture_read(struct journal_fixture *f, journal_position from);

/* An entry read back must be as the one of this number was appended. */
void fixture_check_entry(const struct journal_fixture *f, uint64_t number,
                         const struct journal_entry *entry);

/* Open, read from the beginning, close. */
struct journal_fixture_reading fixture_look(struct journal_fixture *f);

/* The name of a segment of set 0, for the functions below. */
const char *fixture_segment(unsigned number);

struct journal_fixture_file fixture_load(const struct journal_fixture *f, const char *name);
void fixture_store(const struct journal_fixture *f, const char *name, const void *bytes,
                   size_t size);
void fixture_remove(const struct journal_fixture *f, const char *name);
bool fixture_exists(const struct journal_fixture *f, const char *name);

/* Remove the journal's directory with all in it, and make it again, empty. */
void fixture_empty(struct journal_fixture *f);

#endif

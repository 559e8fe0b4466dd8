/* The journal: the ordered facts of workspaces, kept so that nothing acknowledged is undone by a
 * crash.
 *
 * One interface, several stores: memory and file here, and streams in Redis that several nodes
 * share (stream/journal_stream.h), which no address opens: they come and go with ownership.
 *
 * Appending is asynchronous: a batch is handed over, and a callback on the loop's thread says when
 * it is durable. Callbacks come in the
 * order of the commits, each exactly once, and never from inside journal_append. The memory journal
 * calls back from inside journal_commit; the others later.
 *
 * An open journal has a *port* for each loop that uses it: journal_open makes the first, and
 * journal_join others. All ports append to the same store, so that one sync serves them all. What
 * one port commits becomes durable in its order; between ports there is no order, so a workspace
 * belongs to one port for as long as the journal is open.
 *
 * What an entry holds (MessagePack, PROTOCOL.md "Facts") the journal does not look at.
 *
 * After a failed write or sync a journal takes nothing more, at any port: every batch not yet
 * durable is answered with the error, and so is every later one. Only journal_destroy of all ports,
 * journal_open and a replay bring it back: a sync that failed once may have dropped the pages, and
 * a second one would lie.
 *
 * Thread: a port belongs to its loop's thread: everything is called there, and callbacks come
 * there. Different ports need nothing from one another. */
#ifndef ROUTER_JOURNAL_H
#define ROUTER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "queue/base/text.h"

enum journal_status {
    JOURNAL_OK = 0,
    JOURNAL_FULL,    /* no room on the disk; nothing of the batch is durable */
    JOURNAL_FAILED,  /* a write or sync failed; what is durable only a replay can tell */
    JOURNAL_CORRUPT, /* the store holds what no crash of ours can leave: damage in the middle */
    JOURNAL_LOCKED,  /* another process has it open */
    JOURNAL_INVALID, /* the address makes no sense */
    JOURNAL_VERSION, /* written by a version that we cannot read */
};

/* Words for a person, one for each status. */
const char *journal_status_text(enum journal_status status);

enum journal_entry_kind {
    ENTRY_FACTS = 1,      /* a batch of facts of one workspace */
    ENTRY_CHECKPOINT = 2, /* a slice of a checkpoint */
};

enum journal_entry_flags {
    ENTRY_FIRST = 1, /* the first slice of a checkpoint */
    ENTRY_LAST = 2,  /* its last: with this one the checkpoint is complete */
};

#define JOURNAL_ENTRY_BYTES_MAX     (1u << 20)
#define JOURNAL_WORKSPACE_BYTES_MAX 255u

/* One entry as appended and as read back. Texts and bytes are the caller's during the call. */
struct journal_entry {
    struct text workspace;
    enum journal_entry_kind kind;
    uint32_t flags;
    uint64_t seq; /* of the first fact; of a slice: the seq its checkpoint is exact as of */
    const uint8_t *bytes;
    size_t size; /* at most JOURNAL_ENTRY_BYTES_MAX */
};

/* Where an entry stands: grows along the journal; comparable within one journal. */
typedef uint64_t journal_position;

typedef void (*journal_done)(void *context, enum journal_status status);

/* Return false to stop the reading. `entry` lives during the call. */
typedef bool (*journal_visit)(void *context, const struct journal_entry *entry,
                              journal_position at);

struct journal_stats {
    /* Of the port. */
    uint64_t batches, entries, bytes; /* appended and durable since the start */
    uint64_t in_flight;               /* batches handed over and not yet answered */
    /* Of the journal, the same at every port. */
    uint64_t syncs;
    uint64_t bytes_kept;      /* what the store takes now */
    uint64_t torn_bytes;      /* cut off at the end when it was opened */
    uint64_t crash_points[4]; /* how often the process came by the file journal's points, in the
                                 order of crash_point.h */
};

struct journal;
struct journal_file_faults;

/* All zero is what a server wants. */
struct journal_options {
    uint64_t segment_bytes; /* 0: the default */
    struct journal_file_faults
        *faults; /* for tests, see journal_file_faults.h; NULL: none. Outlives the journal */
};

/* Open by address: "memory", "file:DIRECTORY". Reading is possible at once; appending after
 * journal_read has come to the end. On an error *out is NULL and `problem` (of `problem_size`
 * bytes) says what and where, in words for a person. */
enum journal_status journal_open(uv_loop_t *loop, const char *address,
                                 const struct journal_options *options, struct journal **out,
                                 char *problem, size_t problem_size);

/* Another port of the journal of which `opened` is a port, for another loop. Called on that loop's
 * thread, or while it does not run; `opened` is not being destroyed. Errors as with journal_open,
 * and then the journal is as it was. */
enum journal_status journal_join(struct journal *opened, uv_loop_t *loop, struct journal **out,
                                 char *problem, size_t problem_size);

/* Can what is appended ever be read again? If not (memory), whoever makes entries may spare
 * himself the trouble. */
bool journal_keeps(const struct journal *j);

/* The store frees what is not needed in pieces of about so many bytes: until it has grown by one, a
 * checkpoint would free nothing. 0: it keeps nothing. */
uint64_t journal_piece_bytes(const struct journal *j);

/* Read every entry from `from` (0: the beginning of what is kept) to the end, in order. A torn tail
 * (the last batch cut short by a crash) is not an error: it was never acknowledged and is cut off.
 * What is read here is durable, also when the process that wrote it died before its sync. Before
 * any port has committed or trimmed anything, not after. When it answers with an error, the journal
 * takes nothing. */
enum journal_status journal_read(struct journal *j, journal_position from, journal_visit visit,
                                 void *context, char *problem, size_t problem_size);

/* Put an entry into the batch that is being filled; the bytes are copied. Entries of one batch
 * become durable together or, after a crash, some first ones of them. */
void journal_append(struct journal *j, const struct journal_entry *entry);

/* Bytes in the batch that is being filled. */
size_t journal_filled(const struct journal *j);

/* Hand over the batch being filled; `done` is called when all its entries are durable. An empty
 * batch is durable when all before it are. */
void journal_commit(struct journal *j, journal_done done, void *context);

/* The next entry appended here will not stand before this position; for a checkpoint's first slice,
 * to trim by. With one port it is exactly there. */
journal_position journal_next_position(const struct journal *j);

/* This port needs nothing before `keep_from` any more, because a checkpoint that begins there has
 * been answered as durable; UINT64_MAX: it needs nothing at all. The store frees, when it is
 * convenient, what no port needs. A port that never said anything needs everything, and one that is
 * destroyed needs what it needed. It may need more again: then it says so, with a position from
 * journal_next_position, before it commits what it needs. After a failure nothing is freed. */
void journal_trim(struct journal *j, journal_position keep_from);

void journal_get_stats(const struct journal *j, struct journal_stats *out);

/* What failed and where, in words for a person, once a batch was answered with an error; "" until
 * then. */
const char *journal_problem(const struct journal *j);

/* All batches of this port answered, then `closed` called, from the loop. The batch that is being
 * filled is dropped. Nothing else may be called from here on; `closed` may be NULL.
 *
 * The port that is destroyed last closes the journal, when the others are closed: its `closed` is
 * the last one, and when it is called the journal may be opened again. Until then it is locked.
 * (Ports of a journal that keeps nothing share nothing, and so close by themselves.) */
void journal_destroy(struct journal *j, void (*closed)(void *context), void *context);

#endif

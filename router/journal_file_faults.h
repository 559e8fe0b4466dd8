/* Faults of the disk, as a test orders them. A fault is a countdown: the n-th call from now fails,
 * and so do the `repeat` calls after it. In a server nobody hands these out and nothing is asked.
 *
 * The test sets countdowns before the commits that shall meet them; the writer's thread counts them
 * down. */
#ifndef ROUTER_JOURNAL_FILE_FAULTS_H
#define ROUTER_JOURNAL_FILE_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct journal_file_fault {
    _Atomic uint32_t countdown; /* 0: never fails; 1: the next call does */
    _Atomic uint32_t repeat;    /* and so many more after it */
    _Atomic int error;          /* an errno */
};

struct journal_file_faults {
    struct journal_file_fault allocate, write, sync, truncate;
    _Atomic uint64_t written_before; /* bytes that a failing write first puts on the disk */
    uv_sem_t *before_sync; /* when not NULL, the writer takes one of it before each sync */
};

/* Is this call to fail? Then *error says how. */
static inline bool journal_file_fault_strikes(struct journal_file_fault *f, int *error)
{
    uint32_t countdown = atomic_load(&f->countdown);

    if (countdown == 0) {
        return false;
    }
    if (countdown > 1) {
        atomic_store(&f->countdown, countdown - 1);
        return false;
    }
    if (atomic_load(&f->repeat) == 0) {
        atomic_store(&f->countdown, 0);
    } else {
        atomic_fetch_sub(&f->repeat, 1);
    }
    *error = atomic_load(&f->error);
    return true;
}

#endif

#include "router/journal_file_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_ENDING    ".segment"
#define UNFINISHED_ENDING ".segment.new"

void journal_file_directory_name(char out[JOURNAL_FILE_NAME_BYTES], uint32_t set, uint64_t number)
{
    snprintf(out, JOURNAL_FILE_NAME_BYTES, "%03" PRIu32 "-%010" PRIu64 SEGMENT_ENDING, set, number);
}

/* A name as journal_file_directory_name makes it, and no other way of writing the same numbers. */
static bool directory_parse_name(const char *name, uint32_t *set, uint64_t *number)
{
    char again[JOURNAL_FILE_NAME_BYTES];

    if (sscanf(name, "%" SCNu32 "-%" SCNu64, set, number) != 2) {
        return false;
    }
    journal_file_directory_name(again, *set, *number);
    return strcmp(again, name) == 0;
}

static bool directory_ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), ending_length = strlen(ending);

    return length >= ending_length && strcmp(name + length - ending_length, ending) == 0;
}

bool journal_file_directory_is_full(int error)
{
    /* EFBIG: the limit on a file's size is a full disk, too. */
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

int journal_file_directory_read_all(int fd, void *bytes, size_t size, uint64_t offset)
{
    uint8_t *p = bytes;

    while (size > 0) {
        ssize_t n = pread(fd, p, size, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? EIO : errno;
        }
        p += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int journal_file_directory_write_all(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const uint8_t *p = bytes;

    while (size > 0) {
        ssize_t n = pwrite(fd, p, size, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? EIO : errno;
        }
        p += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static enum journal_status directory_fail(const struct journal_file_directory *d, const char *what,
                                          int error, char *problem, size_t problem_size)
{
    snprintf(problem, problem_size, "%s: cannot %s: %s", d->path, what, strerror(error));
    return journal_file_directory_is_full(error) ? JOURNAL_FULL : JOURNAL_FAILED;
}

/* A new directory is durable when its parent is. */
static int directory_make(const char *path)
{
    char *parent, *slash;
    size_t length = strlen(path);
    int fd, error = 0;

    if (mkdir(path, 0750) != 0) {
        return errno == EEXIST ? 0 : errno;
    }
    parent = strdup(path);
    if (parent == NULL) {
        return ENOMEM;
    }
    while (length > 1 && parent[length - 1] == '/') {
        parent[--length] = '\0';
    }
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        strcpy(parent, ".");
    } else {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        error = errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(parent);
    return error;
}

/* The lock ends with the process, however it ends. The number inside is only for people. */
static enum journal_status directory_lock(struct journal_file_directory *d, char *problem,
                                          size_t problem_size)
{
    char owner[32] = "";
    int length;
    ssize_t n;

    d->lock = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (d->lock < 0) {
        return directory_fail(d, "open its lock", errno, problem, problem_size);
    }
    if (flock(d->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return directory_fail(d, "lock it", errno, problem, problem_size);
        }
        n = pread(d->lock, owner, sizeof(owner) - 1, 0);
        owner[n > 0 ? strspn(owner, "0123456789") : 0] = '\0';
        snprintf(problem, problem_size, "%s: the journal is open in another process%s%s", d->path,
                 owner[0] != '\0' ? ", " : "", owner);
        return JOURNAL_LOCKED;
    }
    length = snprintf(owner, sizeof(owner), "%ld\n", (long)getpid());
    if (ftruncate(d->lock, 0) == 0) {
        n = pwrite(d->lock, owner, (size_t)length, 0);
        (void)n; /* on a full disk the lock holds all the same, without a number */
    }
    return JOURNAL_OK;
}

struct journal_file_set *journal_file_directory_find(struct journal_file_directory *d, uint32_t set)
{
    for (size_t i = 0; i < d->set_count; i++) {
        if (d->sets[i].number == set) {
            return &d->sets[i];
        }
    }
    return NULL;
}

bool journal_file_directory_add_set(struct journal_file_directory *d, uint32_t set)
{
    struct journal_file_set *sets = realloc(d->sets, (d->set_count + 1) * sizeof(*sets));
    size_t at = d->set_count;

    if (sets == NULL) {
        return false;
    }
    d->sets = sets;
    while (at > 0 && sets[at - 1].number > set) {
        sets[at] = sets[at - 1];
        at--;
    }
    sets[at] = (struct journal_file_set){.number = set};
    d->set_count++;
    return true;
}

bool journal_file_set_reserve(struct journal_file_set *set)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        struct journal_file_segment *segments =
            realloc(set->segments, capacity * sizeof(*segments));

        if (segments == NULL) {
            return false;
        }
        set->segments = segments;
        set->capacity = capacity;
    }
    return true;
}

void journal_file_set_push(struct journal_file_set *set, const struct journal_segment_head *head,
                           uint64_t file_bytes)
{
    set->segments[set->count].head = *head;
    set->segments[set->count].file_bytes = file_bytes;
    set->count++;
}

int journal_file_directory_open_segment(const struct journal_file_directory *d, uint32_t set,
                                        uint64_t number, bool for_writing)
{
    char name[JOURNAL_FILE_NAME_BYTES];

    journal_file_directory_name(name, set, number);
    return openat(d->fd, name, (for_writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
}

/* Read the header of a segment whose name promises this set and number. */
static enum journal_status directory_read_head(const struct journal_file_directory *d, uint32_t set,
                                               uint64_t number, struct journal_file_segment *out,
                                               char *problem, size_t problem_size)
{
    uint8_t bytes[JOURNAL_FORMAT_SEGMENT_HEAD];
    char name[JOURNAL_FILE_NAME_BYTES];
    enum journal_status status = JOURNAL_CORRUPT;
    struct stat about;
    int fd = journal_file_directory_open_segment(d, set, number, false);
    int error = 0;

    journal_file_directory_name(name, set, number);
    if (fd < 0 || fstat(fd, &about) != 0) {
        error = errno;
    } else if (about.st_size >= (off_t)sizeof(bytes)) {
        error = journal_file_directory_read_all(fd, bytes, sizeof(bytes), 0);
        status = error != 0 ? JOURNAL_FAILED : journal_file_format_get_segment(bytes, &out->head);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (error != 0) {
        snprintf(problem, problem_size, "%s/%s: cannot read it: %s", d->path, name,
                 strerror(error));
        return JOURNAL_FAILED;
    }
    out->file_bytes = (uint64_t)about.st_size;
    if (status == JOURNAL_VERSION) {
        snprintf(problem, problem_size, "%s/%s: written in version %u of the journal; this is %u",
                 d->path, name, out->head.version, JOURNAL_FORMAT_VERSION);
    } else if (status == JOURNAL_OK && (out->head.set != set || out->head.number != number)) {
        snprintf(problem, problem_size, "%s/%s: this is segment %" PRIu64 " of set %u, renamed",
                 d->path, name, out->head.number, out->head.set);
        status = JOURNAL_CORRUPT;
    } else if (status == JOURNAL_CORRUPT) {
        snprintf(problem, problem_size, "%s/%s: damaged at byte 0: no segment begins here", d->path,
                 name);
    }
    return status;
}

/* Collect the segments, in whatever order the directory gives them, and clear away what a crash
 * left half made. */
static enum journal_status directory_list(struct journal_file_directory *d, char *problem,
                                          size_t problem_size)
{
    enum journal_status status = JOURNAL_OK;
    struct dirent *entry;
    int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);

    if (listing == NULL) {
        int error = errno;

        if (fd >= 0) {
            close(fd);
        }
        return directory_fail(d, "list it", error, problem, problem_size);
    }
    while (status == JOURNAL_OK && (errno = 0, entry = readdir(listing)) != NULL) {
        struct journal_file_segment segment;
        struct journal_file_set *set;
        uint32_t set_number;
        uint64_t number;

        if (directory_ends_with(entry->d_name, UNFINISHED_ENDING)) {
            unlinkat(d->fd, entry->d_name, 0);
            continue;
        }
        if (!directory_parse_name(entry->d_name, &set_number, &number)) {
            continue;
        }
        status = directory_read_head(d, set_number, number, &segment, problem, problem_size);
        if (status != JOURNAL_OK) {
            break;
        }
        set = journal_file_directory_find(d, set_number);
        if (set == NULL && journal_file_directory_add_set(d, set_number)) {
            set = journal_file_directory_find(d, set_number);
        }
        if (set == NULL || !journal_file_set_reserve(set)) {
            status = directory_fail(d, "list it", ENOMEM, problem, problem_size);
            break;
        }
        journal_file_set_push(set, &segment.head, segment.file_bytes);
    }
    if (status == JOURNAL_OK && errno != 0) {
        status = directory_fail(d, "list it", errno, problem, problem_size);
    }
    closedir(listing);
    return status;
}

static int directory_compare_segments(const void *left, const void *right)
{
    const struct journal_file_segment *a = left, *b = right;

    return (a->head.number > b->head.number) - (a->head.number < b->head.number);
}

/* Each segment must begin where the one before ends, and all must belong to the same journal. */
static enum journal_status directory_check(struct journal_file_directory *d, char *problem,
                                           size_t problem_size)
{
    const struct journal_segment_head *any = &d->sets[0].segments[0].head;
    char name[JOURNAL_FILE_NAME_BYTES];

    memcpy(d->identity, any->identity, sizeof(d->identity));
    for (size_t s = 0; s < d->set_count; s++) {
        struct journal_file_set *set = &d->sets[s];

        qsort(set->segments, set->count, sizeof(*set->segments), directory_compare_segments);
        for (size_t i = 0; i < set->count; i++) {
            const struct journal_file_segment *it = &set->segments[i];
            const struct journal_file_segment *before = i == 0 ? NULL : &it[-1];

            journal_file_directory_name(name, set->number, it->head.number);
            if (memcmp(it->head.identity, d->identity, sizeof(d->identity)) != 0) {
                snprintf(problem, problem_size, "%s/%s: this segment belongs to another journal",
                         d->path, name);
                return JOURNAL_CORRUPT;
            }
            if (before != NULL && (it->head.number != before->head.number + 1 ||
                                   it->head.opening < before->head.opening)) {
                snprintf(problem, problem_size, "%s/%s: the segment before it is missing", d->path,
                         name);
                return JOURNAL_CORRUPT;
            }
            if (before != NULL && it->head.base - before->head.base !=
                                      before->file_bytes - JOURNAL_FORMAT_SEGMENT_HEAD) {
                journal_file_directory_name(name, set->number, before->head.number);
                snprintf(problem, problem_size,
                         "%s/%s: damaged at byte %" PRIu64 ": it should be %" PRIu64 " bytes long",
                         d->path, name, before->file_bytes,
                         it->head.base - before->head.base + JOURNAL_FORMAT_SEGMENT_HEAD);
                return JOURNAL_CORRUPT;
            }
            d->opening = it->head.opening > d->opening ? it->head.opening : d->opening;
        }
    }
    return JOURNAL_OK;
}

enum journal_status journal_file_directory_open(struct journal_file_directory *d, const char *path,
                                                char *problem, size_t problem_size)
{
    enum journal_status status;
    int error;

    *d = (struct journal_file_directory){.fd = -1, .lock = -1};
    if (path[0] == '\0') {
        snprintf(problem, problem_size, "file: needs a directory");
        return JOURNAL_INVALID;
    }
    d->path = strdup(path);
    if (d->path == NULL) {
        snprintf(problem, problem_size, "no memory for a journal");
        return JOURNAL_FAILED;
    }
    error = directory_make(path);
    if (error == 0) {
        d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = d->fd < 0 ? errno : 0;
    }
    if (error != 0) {
        status = directory_fail(d, "use it as a directory", error, problem, problem_size);
        if (error == ENOENT || error == ENOTDIR) {
            status = JOURNAL_INVALID;
        }
        goto err;
    }
    status = directory_lock(d, problem, problem_size);
    if (status != JOURNAL_OK) {
        goto err;
    }
    status = directory_list(d, problem, problem_size);
    if (status != JOURNAL_OK) {
        goto err;
    }
    /* Names that an earlier process gave or took may not have reached the disk. They must, before
     * anything is built on what is seen here. */
    if (fsync(d->fd) != 0) {
        status = directory_fail(d, "sync it", errno, problem, problem_size);
        goto err;
    }
    if (d->set_count > 0) {
        status = directory_check(d, problem, problem_size);
    } else if (getrandom(d->identity, sizeof(d->identity), 0) != sizeof(d->identity)) {
        status = directory_fail(d, "find an identity", errno, problem, problem_size);
    }
    if (status != JOURNAL_OK) {
        goto err;
    }
    return JOURNAL_OK;

err:
    journal_file_directory_close(d);
    return status;
}

void journal_file_directory_close(struct journal_file_directory *d)
{
    for (size_t i = 0; i < d->set_count; i++) {
        free(d->sets[i].segments);
    }
    free(d->sets);
    if (d->fd >= 0) {
        close(d->fd);
    }
    if (d->lock >= 0) {
        close(d->lock);
    }
    free(d->path);
    *d = (struct journal_file_directory){.fd = -1, .lock = -1};
}

int journal_file_directory_create(const struct journal_file_directory *d,
                                  struct journal_segment_head *head, int *fd)
{
    uint8_t bytes[JOURNAL_FORMAT_SEGMENT_HEAD];
    char name[JOURNAL_FILE_NAME_BYTES], unfinished[JOURNAL_FILE_NAME_BYTES + 8];
    bool named = false;
    int error;

    journal_file_format_put_segment(bytes, head);
    journal_file_directory_name(name, head->set, head->number);
    snprintf(unfinished, sizeof(unfinished), "%s.new", name);
    *fd = openat(d->fd, unfinished, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (*fd < 0) {
        return errno;
    }
    error = journal_file_directory_write_all(*fd, bytes, sizeof(bytes), 0);
    if (error == 0 && fsync(*fd) != 0) {
        error = errno;
    }
    if (error == 0) {
        named = renameat(d->fd, unfinished, d->fd, name) == 0;
        error = named && fsync(d->fd) == 0 ? 0 : errno;
    }
    if (error != 0) {
        unlinkat(d->fd, named ? name : unfinished, 0);
        close(*fd);
        *fd = -1;
    }
    return error;
}

int journal_file_directory_remove(const struct journal_file_directory *d, uint32_t set,
                                  uint64_t number)
{
    char name[JOURNAL_FILE_NAME_BYTES];

    journal_file_directory_name(name, set, number);
    return unlinkat(d->fd, name, 0) == 0 && fsync(d->fd) == 0 ? 0 : errno;
}

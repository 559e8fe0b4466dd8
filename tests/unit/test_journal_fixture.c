#include "test_journal_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void fixture_remove_files(const char *path)
{
    char name[FIXTURE_PATH_BYTES * 3];
    DIR *listing = opendir(path);
    struct dirent *entry;

    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        unlink(name);
    }
    if (listing != NULL) {
        closedir(listing);
    }
    rmdir(path);
}

void fixture_set_up(struct journal_fixture *f)
{
    /* Some tests sync thousands of times: memory is as good as a disk to them. */
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;

    memset(f, 0, sizeof(*f));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    snprintf(f->root, sizeof(f->root), "%s/test_journal_XXXXXX", base);
    assert_non_null(mkdtemp(f->root));
    snprintf(f->path, sizeof(f->path), "%.200s/journal", f->root);
    f->options.faults = &f->faults;
}

void fixture_tear_down(struct journal_fixture *f)
{
    if (f->journal != NULL) {
        fixture_close(f);
    }
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    fixture_remove_files(f->path);
    fixture_remove_files(f->root);
}

int fixture_create(void **state)
{
    *state = malloc(sizeof(struct journal_fixture));
    assert_non_null(*state);
    fixture_set_up(*state);
    return 0;
}

int fixture_free(void **state)
{
    fixture_tear_down(*state);
    free(*state);
    return 0;
}

enum journal_status fixture_open(struct journal_fixture *f)
{
    char address[FIXTURE_PATH_BYTES + 8];
    enum journal_status status;

    snprintf(address, sizeof(address), "file:%s", f->path);
    status =
        journal_open(&f->loop, address, &f->options, &f->journal, f->problem, sizeof(f->problem));
    assert_int_equal(status == JOURNAL_OK, f->journal != NULL);
    assert_int_equal(status == JOURNAL_OK, f->problem[0] == '\0');
    return status;
}

static void fixture_closed(void *context)
{
    struct journal_fixture *f = context;

    f->closed = true;
}

void fixture_close(struct journal_fixture *f)
{
    f->closed = false;
    journal_destroy(f->journal, fixture_closed, f);
    f->journal = NULL;
    while (!f->closed) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_int_equal(f->answered, f->committed);
}

/* Sizes and bytes that follow from the number, and look like nothing regular. */
static uint64_t fixture_scramble(uint64_t number)
{
    number = (number + 1) * 0x9e3779b97f4a7c15u;
    number ^= number >> 29;
    number *= 0xbf58476d1ce4e5b9u;
    return number ^ (number >> 32);
}

struct fixture_content {
    char workspace[16];
    uint8_t bytes[1 << 20];
};

static void fixture_make_entry(const struct journal_fixture *f, uint64_t number,
                               struct fixture_content *content, struct journal_entry *entry)
{
    uint64_t scrambled = fixture_scramble(number);
    uint64_t size_max = f->size_max == 0 ? 12 : f->size_max;

    snprintf(content->workspace, sizeof(content->workspace), "shop%d", (int)(scrambled % 5));
    *entry = (struct journal_entry){
        .workspace = text_from(content->workspace),
        .kind = scrambled % 7 == 0 ? ENTRY_CHECKPOINT : ENTRY_FACTS,
        .flags = (uint32_t)(scrambled >> 60),
        .seq = number,
        .bytes = content->bytes,
        .size = (size_t)(scrambled % (size_max + 1)),
    };
    for (size_t i = 0; i < entry->size; i++) {
        content->bytes[i] = (uint8_t)(scrambled >> (i % 57));
    }
}

void fixture_append(struct journal_fixture *f, uint64_t count)
{
    static struct fixture_content content;
    struct journal_entry entry;

    for (; count > 0; count--) {
        fixture_make_entry(f, f->appended++, &content, &entry);
        journal_append(f->journal, &entry);
    }
}

struct fixture_batch {
    struct journal_fixture *fixture;
    uint64_t number;
};

static void fixture_answer(void *context, enum journal_status status)
{
    struct fixture_batch *batch = context;
    struct journal_fixture *f = batch->fixture;

    assert_int_equal(batch->number, f->answered);
    f->answered++;
    f->answered_well += status == JOURNAL_OK ? 1 : 0;
    f->last_status = status;
    free(batch);
}

void fixture_commit(struct journal_fixture *f)
{
    struct fixture_batch *batch = malloc(sizeof(*batch));
    uint64_t answered = f->answered;

    assert_non_null(batch);
    *batch = (struct fixture_batch){f, f->committed++};
    journal_commit(f->journal, fixture_answer, batch);
    assert_int_equal(f->answered, answered);
    assert_int_equal(journal_filled(f->journal), 0);
}

void fixture_wait(struct journal_fixture *f)
{
    struct journal_stats stats;

    while (f->answered < f->committed) {
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    journal_get_stats(f->journal, &stats);
    assert_int_equal(stats.in_flight, 0);
}

void fixture_check_entry(const struct journal_fixture *f, uint64_t number,
                         const struct journal_entry *entry)
{
    static struct fixture_content content;
    struct journal_entry expected;

    fixture_make_entry(f, number, &content, &expected);
    assert_int_equal(entry->seq, expected.seq);
    assert_int_equal(entry->kind, expected.kind);
    assert_int_equal(entry->flags, expected.flags);
    assert_true(text_equal(entry->workspace, expected.workspace));
    assert_int_equal(entry->size, expected.size);
    assert_memory_equal(entry->bytes, expected.bytes, expected.size);
}

struct fixture_visiting {
    const struct journal_fixture *fixture;
    struct journal_fixture_reading *reading;
};

static bool fixture_visit(void *context, const struct journal_entry *entry, journal_position at)
{
    struct fixture_visiting *visiting = context;
    struct journal_fixture_reading *reading = visiting->reading;

    if (reading->entries == 0) {
        reading->first = entry->seq;
    } else {
        assert_true(at > reading->last_at);
    }
    fixture_check_entry(visiting->fixture, reading->first + reading->entries, entry);
    reading->entries++;
    reading->last_at = at;
    return true;
}

struct journal_fixture_reading fixture_read(struct journal_fixture *f, journal_position from)
{
    struct journal_fixture_reading reading = {0};
    struct fixture_visiting visiting = {f, &reading};
    struct journal_stats stats;

    reading.status =
        journal_read(f->journal, from, fixture_visit, &visiting, f->problem, sizeof(f->problem));
    assert_int_equal(reading.status == JOURNAL_OK, f->problem[0] == '\0');
    journal_get_stats(f->journal, &stats);
    reading.torn_bytes = stats.torn_bytes;
    return reading;
}

struct journal_fixture_reading fixture_look(struct journal_fixture *f)
{
    struct journal_fixture_reading reading = {.status = fixture_open(f)};

    if (reading.status == JOURNAL_OK) {
        reading = fixture_read(f, 0);
        fixture_close(f);
    }
    return reading;
}

const char *fixture_segment(unsigned number)
{
    static char names[4][64];
    static unsigned next;
    char *name = names[next++ % 4];

    snprintf(name, sizeof(names[0]), "000-%010u.segment", number);
    return name;
}

static void fixture_name(const struct journal_fixture *f, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", f->path, name);
}

struct journal_fixture_file fixture_load(const struct journal_fixture *f, const char *name)
{
    struct journal_fixture_file file;
    struct stat about;
    char path[FIXTURE_PATH_BYTES * 2];
    FILE *stream;

    fixture_name(f, name, path, sizeof(path));
    stream = fopen(path, "rb");
    assert_non_null(stream);
    assert_int_equal(fstat(fileno(stream), &about), 0);
    file.size = (size_t)about.st_size;
    file.bytes = malloc(file.size + 1);
    assert_non_null(file.bytes);
    assert_int_equal(fread(file.bytes, 1, file.size, stream), file.size);
    fclose(stream);
    return file;
}

void fixture_store(const struct journal_fixture *f, const char *name, const void *bytes,
                   size_t size)
{
    char path[FIXTURE_PATH_BYTES * 2];
    FILE *stream;

    fixture_name(f, name, path, sizeof(path));
    stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

void fixture_remove(const struct journal_fixture *f, const char *name)
{
    char path[FIXTURE_PATH_BYTES * 2];

    fixture_name(f, name, path, sizeof(path));
    assert_int_equal(unlink(path), 0);
}

bool fixture_exists(const struct journal_fixture *f, const char *name)
{
    char path[FIXTURE_PATH_BYTES * 2];

    fixture_name(f, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

void fixture_empty(struct journal_fixture *f)
{
    fixture_remove_files(f->path);
    assert_int_equal(mkdir(f->path, 0700), 0);
}

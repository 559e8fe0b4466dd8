#include "tests/lib/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct story *first;
static struct story **last = &first;
static size_t count;

void story_register(struct story *story)
{
    *last = story;
    last = &story->next;
    count++;
}

static void compare(struct transcript *said, const char *expected, const char *file, int line)
{
    if (strcmp(transcript_text(said), expected) != 0) {
        print_error("expected:\n%s\nhappened:\n%s\n", expected, transcript_text(said));
        _fail(file, line);
    }
    transcript_clear(said);
}

void story_expect_facts(struct center *f, const char *expected, const char *file, int line)
{
    compare(&f->said, expected, file, line);
}

void story_expect_notices(struct center *f, const char *expected, const char *file, int line)
{
    compare(&f->noticed, expected, file, line);
}

void story_expect_answer(struct center *f, const char *expected, const char *file, int line)
{
    compare(&f->answer, expected, file, line);
}

void story_expect(bool holds, const char *condition, const char *file, int line)
{
    if (!holds) {
        print_error("%s\n", condition);
        _fail(file, line);
    }
}

void story_forget(struct center *f)
{
    transcript_clear(&f->said);
    transcript_clear(&f->noticed);
    transcript_clear(&f->answer);
}

static void tell(void **state)
{
    const struct story *story = *state;
    struct center *f = center_create();
    const char *wrong;

    story->tell(f);
    wrong = center_check(f);
    if (wrong != NULL) {
        print_error("at the end: %s\n", wrong);
        _fail(story->name, 0);
    }
    center_destroy(f);
}

int main(int argc, char **argv)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    size_t n = 0;
    int failed;

    for (struct story *s = first; s != NULL; s = s->next, n++) {
        tests[n] = (struct CMUnitTest){s->name, tell, NULL, NULL, s};
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    failed = _cmocka_run_group_tests("stories", tests, n, NULL, NULL);
    free(tests);
    return failed;
}

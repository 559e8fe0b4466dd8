/* The log: JSON whatever comes, never waiting, and honest about what it left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "router/log.h"

static char got[1 << 20];

/* All that stands in the pipe by now. */
static size_t drain(int fd)
{
    size_t size = 0;

    for (;;) {
        ssize_t more;

        log_flush();
        more = read(fd, got + size, sizeof(got) - 1 - size);
        if (more <= 0) {
            break;
        }
        size += (size_t)more;
    }
    got[size] = '\0';
    return size;
}

static json_t *next_line(char **at)
{
    char *end = strchr(*at, '\n');
    json_error_t error;
    json_t *line;

    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    line = json_loads(*at, 0, &error);
    if (line == NULL) {
        fail_msg("%s: %s", error.text, *at);
    }
    *at = end + 1;
    return line;
}

static const char *string_of(json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static int setup(void **state)
{
    static int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    log_open(ends[1], LOG_LEVEL_INFO);
    *state = ends;
    return 0;
}

static int teardown(void **state)
{
    int *ends = *state;

    log_open(STDERR_FILENO, LOG_LEVEL_INFO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void test_every_byte_can_stand_in_it(void **state)
{
    int *ends = *state;
    char bytes[127];
    char *at = got;
    json_t *line;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i + 1);
    }
    log_event(LOG_LEVEL_INFO, "bytes", LOG_TEXT("all", ((struct text){bytes, sizeof(bytes)})),
              LOG_NUMBER("number", -7), LOG_TEXT("absent", TEXT_NONE));
    drain(ends[0]);
    line = next_line(&at);
    assert_string_equal(string_of(line, "event"), "bytes");
    assert_string_equal(string_of(line, "level"), "info");
    assert_memory_equal(string_of(line, "all"), bytes, sizeof(bytes));
    assert_int_equal(json_integer_value(json_object_get(line, "number")), -7);
    assert_null(json_object_get(line, "absent"));
    json_decref(line);
}

static void test_a_long_value_is_cut_and_the_line_stays_whole(void **state)
{
    static char value[3 * LOG_LINE_MAX];
    int *ends = *state;
    char *at = got;
    json_t *line;

    memset(value, '"', sizeof(value) - 1);
    log_event(LOG_LEVEL_INFO, "long", LOG_WORDS("value", value), LOG_WORDS("after", value));
    assert_true(drain(ends[0]) <= LOG_LINE_MAX);
    line = next_line(&at);
    assert_string_equal(string_of(line, "event"), "long");
    json_decref(line);
}

static void test_levels(void **state)
{
    int *ends = *state;
    enum log_level level;

    log_event(LOG_LEVEL_DEBUG, "quiet", LOG_NUMBER("n", 1));
    assert_int_equal(drain(ends[0]), 0);
    assert_true(log_level_from_word("debug", &level));
    log_set_level(level);
    log_event(LOG_LEVEL_DEBUG, "loud", LOG_NUMBER("n", 1));
    assert_true(drain(ends[0]) > 0);
    assert_false(log_level_from_word("deafening", &level));
}

/* Nobody reads: lines are kept, then dropped; and when somebody reads again, how many is said. */
static void test_it_never_waits_and_counts_what_it_dropped(void **state)
{
    int *ends = *state;
    char *at = got;
    json_t *line;
    int64_t last = -1;
    int64_t lines = 0;
    int64_t dropped = 0;

    for (int i = 0; i < 20000; i++) {
        log_event(LOG_LEVEL_INFO, "many", LOG_NUMBER("n", i));
    }
    drain(ends[0]);
    while ((line = next_line(&at)) != NULL) {
        last = json_integer_value(json_object_get(line, "n"));
        lines++;
        json_decref(line);
    }
    assert_int_equal(last, lines - 1);
    assert_true(lines < 20000);
    log_event(LOG_LEVEL_INFO, "again", LOG_NUMBER("n", 0));
    drain(ends[0]);
    at = got;
    line = next_line(&at);
    dropped = json_integer_value(json_object_get(line, "lines_dropped_before"));
    assert_int_equal(dropped, 20000 - lines);
    json_decref(line);
}

static void test_a_frequent_event_is_limited(void **state)
{
    struct log_limit limit = {.most = 3};
    int *ends = *state;
    char *at = got;
    json_t *line;
    int lines = 0;

    for (int i = 0; i < 10; i++) {
        log_event_limited(&limit, LOG_LEVEL_INFO, "often", LOG_NUMBER("n", i));
    }
    limit.since -= 20000; /* as if time had passed */
    log_event_limited(&limit, LOG_LEVEL_INFO, "often", LOG_NUMBER("n", 10));
    drain(ends[0]);
    while ((line = next_line(&at)) != NULL) {
        if (strcmp(string_of(line, "event"), "lines_left_out") == 0) {
            assert_string_equal(string_of(line, "of"), "often");
            assert_int_equal(json_integer_value(json_object_get(line, "count")), 7);
        }
        lines++;
        json_decref(line);
    }
    assert_int_equal(lines, 3 + 1 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_byte_can_stand_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_value_is_cut_and_the_line_stays_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_never_waits_and_counts_what_it_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_frequent_event_is_limited, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

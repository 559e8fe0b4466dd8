#include "tests/lib/redis_visitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

static void on_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct redis_visitor *v = context;

    assert_int_equal(redis_path_state(p), REDIS_PATH_UP);
    v->ups++;
    v->greeting = *g;
    assert_int_equal(v->ups, v->downs + 1);
}

static void on_down(void *context, struct redis_path *p, const char *why)
{
    struct redis_visitor *v = context;

    assert_int_not_equal(redis_path_state(p), REDIS_PATH_UP);
    v->downs++;
    assert_int_equal(v->ups, v->downs);
    snprintf(v->why, sizeof(v->why), "%s", why);
}

void redis_visitor_init(struct redis_visitor *v)
{
    memset(v, 0, sizeof(*v));
    test_loop_init(&v->t);
    v->locator_options.link.connect_ms = 500;
    v->path_options.link.reply_ms = 1000;
    v->path_options.link.ping_ms = 300;
}

void redis_visitor_go(struct redis_visitor *v, const char *url, const char *tag)
{
    static const struct redis_path_events events = {on_up, on_down, NULL};
    char problem[REDIS_PROBLEM_BYTES] = "";

    if (!redis_address_parse(text_from(url), &v->address, problem, sizeof(problem)) ||
        !redis_address_load(&v->address, problem, sizeof(problem))) {
        fail_msg("%s", problem);
    }
    v->path_options.tag = text_from(tag);
    v->locator = redis_locator_create(&v->t.loop, &v->address, &v->locator_options);
    v->path = redis_path_create(v->locator, &v->path_options, &events, v);
}

void redis_visitor_close(struct redis_visitor *v)
{
    if (v->path != NULL) {
        redis_path_destroy(v->path);
        redis_locator_destroy(v->locator);
    }
    test_loop_close(&v->t);
}

void redis_visitor_hear(void *context, const struct redis_answer *a)
{
    struct redis_visitor *v = context;
    int64_t number;
    struct text words;

    v->answered = true;
    v->outcome = a->outcome;
    v->error = REDIS_ERROR_OTHER;
    v->reply[0] = '\0';
    if (a->outcome == REDIS_DENIED) {
        v->error = a->error->kind;
        v->to = a->error->to;
        snprintf(v->reply, sizeof(v->reply), TEXT_FORMAT, TEXT_ARGS(a->error->words));
    } else if (a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &number)) {
        snprintf(v->reply, sizeof(v->reply), "%lld", (long long)number);
    } else if (a->outcome == REDIS_ANSWER) {
        words = redis_reply_text(a->reply);
        snprintf(v->reply, sizeof(v->reply), TEXT_FORMAT, TEXT_ARGS(words));
    }
}

bool redis_visitor_ask(struct redis_visitor *v, const char *const *words)
{
    struct text texts[16];
    uint32_t count = 0;
    struct redis_command c;

    for (; words[count] != NULL; count++) {
        texts[count] = text_from(words[count]);
    }
    c = (struct redis_command){count, texts, redis_visitor_hear, v, 0};
    v->answered = false;
    if (redis_path_send(v->path, &c) != REDIS_SENT) {
        return false;
    }
    WAIT_FOR(&v->t, v->answered);
    return true;
}

void redis_visitor_insist(struct redis_visitor *v, const char *const *words)
{
    WAIT_FOR(&v->t, redis_visitor_ask(v, words) && v->outcome == REDIS_ANSWER);
}

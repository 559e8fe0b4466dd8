#include "test_proto_talk.h"
#include "test_proto_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct talk talk;

static void talk_hear(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void talk_hear(const char *format, ...)
{
    size_t length = strlen(talk.heard);
    va_list args;

    va_start(args, format);
    vsnprintf(talk.heard + length, sizeof(talk.heard) - length, format, args);
    va_end(args);
}

static void talk_hear_answer(const char *what, const struct switchboard_answer *answer)
{
    talk_hear("%s", what);
    if (answer->status == SWITCHBOARD_OK) {
        struct cursor c = cursor_over(answer->result, answer->result_size);
        talk_hear(" ok ");
        maker_print(&c, talk.heard, sizeof(talk.heard));
        talk_hear("\n");
    } else if (answer->status == SWITCHBOARD_REFUSED) {
        talk_hear(" refused %s\n", answer->error->code);
    } else {
        talk_hear(" %s\n", switchboard_status_text(answer->status));
    }
}

static void talk_answered(void *context, const struct switchboard_answer *answer)
{
    talk_hear_answer(context, answer);
}

static void talk_state_changed(void *context, enum switchboard_state state,
                               const struct switchboard_answer *detail)
{
    static const char *const words[] = {"connecting", "ready", "lost", "rejected"};

    (void)context;
    if (detail != NULL && detail->status == SWITCHBOARD_REFUSED) {
        talk_hear("%s: %s\n", words[state], detail->error->code);
    } else {
        talk_hear("%s\n", words[state]);
    }
}

static void talk_notified(void *context, const char *name, const void *params, size_t size)
{
    struct cursor c = cursor_over(params, size);

    (void)context;
    talk_hear("%s ", name);
    maker_print(&c, talk.heard, sizeof(talk.heard));
    talk_hear("\n");
}

static void talk_signed_in_again(void *context, const struct switchboard_answer *answer)
{
    (void)context;
    talk_hear_answer("signed in again:", answer);
}

static void talk_missed(void *context)
{
    (void)context;
    talk_hear("missed\n");
}

static void talk_resumed(void *context, const void *contact, size_t size)
{
    struct cursor c = cursor_over(contact, size);

    (void)context;
    talk_hear("has ");
    maker_print(&c, talk.heard, sizeof(talk.heard));
    talk_hear("\n");
}

static void talk_resume_ended(void *context, const struct switchboard_answer *answer)
{
    (void)context;
    if (answer->status == SWITCHBOARD_OK) {
        talk_hear("has no more\n");
    } else {
        talk_hear_answer("has more:", answer);
    }
}

void talk_resumes(struct switchboard_options *options)
{
    options->resumed = talk_resumed;
    options->resume_ended = talk_resume_ended;
}

void talk_three(struct switchboard_options *options)
{
    options->address = A "," B "," C;
}

void talk_three_without(struct switchboard_options *options)
{
    talk_three(options);
    options->without_standby = true;
}

void talk_start(const char *role, const char *name,
                void (*change)(struct switchboard_options *options))
{
    const uint64_t seed[4] = {1, 2, 3, 4};
    struct switchboard_options options = {.address = "tcp://127.0.0.1:1",
                                          .role = role,
                                          .name = name,
                                          .unanswered_max = 100,
                                          .unanswered_bytes_max = 10000,
                                          .frame_max = 5000,
                                          .state_changed = talk_state_changed,
                                          .notified = talk_notified,
                                          .signed_in_again = talk_signed_in_again,
                                          .missed = talk_missed};

    if (change != NULL) {
        change(&options);
    }
    talk = (struct talk){.now = 1000};
    assert_true(client_init(&talk.client, &options, seed, talk.now));
}

void talk_start_at_a(const char *role, void (*change)(struct switchboard_options *options))
{
    talk_start(role, strcmp(role, "connector") == 0 ? "shop" : NULL, change);
    talk_connect();
    talk_answer(1, HELLO_A);
    talk_forget();
}

void talk_stop(void)
{
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
    client_close(&talk.client);
    packer_close(&talk.answer);
}

void talk_on(uint32_t line)
{
    talk.line = line;
}

static void talk_listen_to(uint32_t line)
{
    struct packer out = {0};
    struct cursor c;

    client_take_output(&talk.client, line, &out);
    c = cursor_over(out.bytes, out.size);
    while (cursor_left(&c) > 0) {
        uint32_t items = 0;
        uint64_t type = 0, msgid = 0;
        struct text method = TEXT_NONE;

        assert_true(cursor_array(&c, &items) && items == 4);
        assert_true(cursor_uint(&c, &type) && type == 0);
        assert_true(cursor_uint(&c, &msgid) && cursor_text(&c, &method));
        assert_true(cursor_array(&c, &items) && items == 1);
        assert_true((msgid & 0xfffff) < 64);
        talk.number[msgid & 0xfffff] = (uint32_t)msgid;
        snprintf(talk.said + strlen(talk.said), TALK_MAX - strlen(talk.said),
                 "%s" TEXT_FORMAT "#%u ", line == 0 ? "" : "1: ", TEXT_ARGS(method),
                 (unsigned)(msgid & 0xfffff));
        maker_print(&c, talk.said, TALK_MAX);
        strcat(talk.said, "\n");
    }
    packer_close(&out);
}

void talk_listen(void)
{
    for (uint32_t line = 0; line < CLIENT_LINES; line++) {
        talk_listen_to(line);
    }
}

void talk_said(const char *expected)
{
    talk_listen();
    assert_string_equal(talk.said, expected);
    talk_forget_said();
}

void talk_heard(const char *expected)
{
    assert_string_equal(talk.heard, expected);
    talk.heard[0] = '\0';
}

void talk_forget_said(void)
{
    talk_listen();
    talk.said[0] = '\0';
}

void talk_forget(void)
{
    talk_forget_said();
    talk.heard[0] = '\0';
}

void talk_bytes(const void *from, size_t size)
{
    while (size > 0) {
        size_t room, some;
        uint8_t *to = client_receive_room(&talk.client, talk.line, &room);

        some = size < room ? size : room;
        memcpy(to, from, some);
        client_received(&talk.client, talk.line, some, talk.now);
        from = (const uint8_t *)from + some;
        size -= some;
    }
}

void talk_note(const char *note)
{
    packer_reset(&talk.answer);
    maker_note(&talk.answer, note);
    talk_bytes(talk.answer.bytes, talk.answer.size);
}

void talk_answer(uint32_t number, const char *result)
{
    char note[2048];

    talk_listen();
    snprintf(note, sizeof(note), "[1, %u, nil, %s]", talk.number[number], result);
    talk_note(note);
}

void talk_refuse(uint32_t number, const char *error)
{
    char note[2048];

    talk_listen();
    snprintf(note, sizeof(note), "[1, %u, %s, nil]", talk.number[number], error);
    talk_note(note);
}

enum switchboard_status talk_call_with(const char *method, const char *params, unsigned flags)
{
    struct packer p = {0};
    enum switchboard_status status;

    maker_note(&p, params);
    status = client_call(&talk.client, method, p.bytes, p.size, flags, talk_answered,
                         (void *)(uintptr_t)method, talk.now);
    packer_close(&p);
    return status;
}

void talk_call(const char *method, const char *params)
{
    assert_int_equal(talk_call_with(method, params, 0), SWITCHBOARD_OK);
}

void talk_tick(int64_t more)
{
    talk.now += more;
    client_tick(&talk.client, talk.now);
}

void talk_connect(void)
{
    assert_true(client_wants_connection(&talk.client, talk.line, talk.now));
    client_connecting(&talk.client, talk.line, talk.now);
    client_connected(&talk.client, talk.line, talk.now);
}

/* What was not read off by then is lost with the connection. */
void talk_lose(void)
{
    client_disconnected(&talk.client, talk.line, talk.now);
    talk_forget_said();
}

int64_t talk_wanted_in(void)
{
    const struct client_line *l = &talk.client.lines[talk.line];

    assert_true(client_wants_connection(&talk.client, talk.line, CLIENT_NEVER - 1));
    return l->connect_at - talk.now;
}

void talk_come_back(void)
{
    int64_t in = talk_wanted_in();

    talk.now += in > 0 ? in : 0;
    talk_connect();
}

void talk_attempt_fails(void)
{
    int64_t in = talk_wanted_in();

    talk.now += in > 0 ? in : 0;
    client_connecting(&talk.client, talk.line, talk.now);
    client_disconnected(&talk.client, talk.line, talk.now);
}

void talk_address(uint32_t line, const char *address)
{
    assert_string_equal(client_address(&talk.client, line), address);
}

void talk_wanted(int64_t least, int64_t most)
{
    int64_t in = talk_wanted_in();

    if (in < least || in > most) {
        fail_msg("wanted in %lld ms, not within %lld to %lld", (long long)in, (long long)least,
                 (long long)most);
    }
}

/* In what order mail arrives: between two reactors that take turns on one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/post.h"

#define HERE    0
#define THERE   1
#define SESSION ((uint64_t)THERE << SESSION_SLOT_BITS | 7)

struct heard {
    unsigned flags[8];
    uint32_t count;
};

struct place {
    struct exchange exchange;
    uv_loop_t loop;
    struct post posts[2];
};

static int open_place(void **state)
{
    static struct place place;

    exchange_init(&place.exchange, 2);
    uv_loop_init(&place.loop);
    for (uint32_t i = 0; i < 2; i++) {
        mailbox_open(&place.exchange.boxes[i], &place.loop);
        post_init(&place.posts[i], &place.exchange.boxes[i]);
    }
    *state = &place;
    return 0;
}

static int close_place(void **state)
{
    struct place *place = *state;

    for (uint32_t i = 0; i < 2; i++) {
        post_close(&place->posts[i]);
        mailbox_close(&place->exchange.boxes[i]);
    }
    uv_run(&place->loop, UV_RUN_DEFAULT);
    exchange_close(&place->exchange, post_drop);
    return uv_loop_close(&place->loop);
}

static void write_mail(struct post *p, unsigned flags)
{
    size_t mark;
    struct packer *bytes = post_begin(p, SESSION, flags, 0, &mark);

    packer_nil(bytes);
    post_end(bytes, mark);
}

static void delivered(void *context, uint32_t from, const struct mail_head *head,
                      const uint8_t *bytes)
{
    struct heard *heard = context;

    assert_int_equal(from, HERE);
    assert_int_equal(head->session, SESSION);
    assert_int_equal(head->size, 1);
    assert_int_equal(bytes[0], 0xc0);
    heard->flags[heard->count++] = head->flags;
}

static struct heard take(struct place *place)
{
    struct heard heard = {.count = 0};
    const struct post_handler handler = {.context = &heard, .delivery = delivered};

    post_take_deliveries(&place->posts[THERE], &handler);
    return heard;
}

static void test_what_is_held_comes_when_it_is_sent(void **state)
{
    struct place *place = *state;
    struct post *p = &place->posts[HERE];
    struct mail_list held = {NULL, NULL};

    write_mail(p, MAIL_ANSWER);
    post_collect(p, &held);
    write_mail(p, MAIL_URGENT);
    post_flush(p);
    assert_int_equal(take(place).count, 1);
    post_send(p, &held);
    assert_int_equal(take(place).count, 1);
}

/* A session is cut in the turn in which what it waited for is given up. */
static void test_who_hurries_is_before_what_is_sent_in_the_same_turn(void **state)
{
    struct place *place = *state;
    struct post *p = &place->posts[HERE];
    struct mail_list held = {NULL, NULL};
    struct heard heard;

    write_mail(p, MAIL_ANSWER);
    post_collect(p, &held);
    write_mail(p, MAIL_URGENT | MAIL_CUT);
    post_hurry(p);
    post_send(p, &held);
    heard = take(place);
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.flags[0], MAIL_URGENT | MAIL_CUT);
    assert_int_equal(heard.flags[1], MAIL_ANSWER);
}

/* Also where the ring is full, and both are parked. */
static void test_the_order_is_kept_when_there_is_no_room(void **state)
{
    struct place *place = *state;
    struct post *p = &place->posts[HERE];
    struct mail_list held = {NULL, NULL};
    struct heard heard;

    write_mail(p, MAIL_ANSWER);
    post_collect(p, &held);
    while (!post_is_parked(p)) {
        write_mail(p, MAIL_URGENT);
        post_hurry(p);
    }
    write_mail(p, MAIL_URGENT | MAIL_CUT);
    post_hurry(p);
    post_send(p, &held);
    for (uint32_t i = 0; i < MAILBOX_PLACES - 1; i++) {
        struct mail *m = mailbox_take(&place->exchange.boxes[THERE], HERE, LANE_DELIVERIES);

        assert_non_null(m);
        post_drop(LANE_DELIVERIES, m);
    }
    post_flush(p);
    assert_false(post_is_parked(p));
    heard = take(place);
    assert_int_equal(heard.count, 3);
    assert_int_equal(heard.flags[0], MAIL_URGENT);
    assert_int_equal(heard.flags[1], MAIL_URGENT | MAIL_CUT);
    assert_int_equal(heard.flags[2], MAIL_ANSWER);
}

#define MUCH 400

static void delivered_in_turn(void *context, uint32_t from, const struct mail_head *head,
                              const uint8_t *bytes)
{
    uint32_t *next = context;

    assert_int_equal(from, HERE);
    assert_int_equal(head->size, 1000);
    assert_memory_equal(bytes, next, sizeof(*next));
    ++*next;
}

/* What one turn has to say need not fit into one mail, which would have to grow for it. */
static void test_much_mail_goes_in_several_and_in_order(void **state)
{
    struct place *place = *state;
    struct post *p = &place->posts[HERE];
    struct mail_list held = {NULL, NULL};
    uint8_t message[1000] = {0};
    uint32_t next = 0, mails = 0;
    const struct post_handler handler = {.context = &next, .delivery = delivered_in_turn};

    for (uint32_t i = 0; i < MUCH; i++) {
        size_t mark;
        struct packer *bytes = post_begin(p, SESSION, MAIL_ANSWER, 0, &mark);

        memcpy(message, &i, sizeof(i));
        packer_raw(bytes, message, sizeof(message));
        post_end(bytes, mark);
    }
    post_collect(p, &held);
    for (const struct mail *m = held.first; m != NULL; m = m->next) {
        assert_in_range(m->bytes.size, 1, 65536);
        mails++;
    }
    assert_in_range(mails, 2, MAILBOX_PLACES - 1);
    post_send(p, &held);
    post_take_deliveries(&place->posts[THERE], &handler);
    assert_int_equal(next, MUCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_held_comes_when_it_is_sent, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(test_who_hurries_is_before_what_is_sent_in_the_same_turn,
                                        open_place, close_place),
        cmocka_unit_test_setup_teardown(test_the_order_is_kept_when_there_is_no_room, open_place,
                                        close_place),
        cmocka_unit_test_setup_teardown(test_much_mail_goes_in_several_and_in_order, open_place,
                                        close_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

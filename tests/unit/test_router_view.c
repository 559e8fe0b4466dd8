/* What contacts of the same terms share is packed once and copied from then on: the bytes must be
 * those that are written without it, for whom the copy fits, and their own for whom it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/view_terms.h"
#include "tests/lib/center.h"

#define ASKED_OFTEN 20 /* more often than it takes until terms are packed */

static const struct contact *contact_of(const struct center *f, const char *id)
{
    const struct contact *c = engine_find_contact(f->engine, text_from(id));

    assert_non_null(c);
    return c;
}

static void write_terms(struct packer *p, const struct center *f, const struct contact *c,
                        channel_index channel)
{
    struct view v;

    packer_reset(p);
    view_init(&v, f->engine, f->now);
    assert_true(view_terms(p, &v, c, channel) > 0);
}

static bool same(const struct packer *a, const struct packer *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The first is written before the terms are packed. */
static void all_are_as_the_first(const struct center *f, const struct contact *c)
{
    const channel_index channels[] = {INDEX_NONE8, contact_terms(c)->channel};
    struct packer first[2] = {{0}, {0}}, again = {0};

    assert_null(contact_terms(c)->shown);
    for (int i = 0; i < 2; i++) {
        write_terms(&first[i], f, c, channels[i]);
    }
    assert_true(first[1].size > first[0].size);
    assert_null(contact_terms(c)->shown);
    for (int n = 0; n < ASKED_OFTEN; n++) {
        for (int i = 0; i < 2; i++) {
            write_terms(&again, f, c, channels[i]);
            assert_true(same(&again, &first[i]));
        }
    }
    assert_non_null(contact_terms(c)->shown);
    packer_close(&first[0]);
    packer_close(&first[1]);
    packer_close(&again);
}

static struct center *center_with_tiers(void)
{
    struct center *f = center_create();

    center_tier(f, "vip", "answer=20s progress=30s resolve=40s");
    center_tier(f, "plain", "answer=5m");
    center_queue(f, "es", "");
    return f;
}

static void test_a_copy_is_what_is_written_without_it(void **state)
{
    struct center *f = center_with_tiers();

    (void)state;
    center_contact(f, "waits", "es tier=vip");
    all_are_as_the_first(f, contact_of(f, "waits"));
    center_contact(f, "plain", "es tier=plain");
    all_are_as_the_first(f, contact_of(f, "plain"));
    center_destroy(f);
}

/* Its offer says why it went to that agent. */
static void test_an_offer_has_the_agent_too(void **state)
{
    struct center *f = center_with_tiers();
    const struct contact *c;

    (void)state;
    center_agent(f, "ana", "");
    center_contact(f, "k1", "es tier=vip");
    c = contact_of(f, "k1");
    assert_int_equal(c->state, CONTACT_OFFERED);
    assert_false(text_is_none(contact_why_agent(c)));
    all_are_as_the_first(f, c);
    center_destroy(f);
}

/* The instants in a copy are those of the contact for which it is made. */
static void test_instants_are_the_contacts_own(void **state)
{
    struct center *f = center_with_tiers();
    const struct contact *c;
    struct packer before = {0}, after = {0};

    (void)state;
    center_contact(f, "k1", "es tier=vip");
    center_contact(f, "k2", "es tier=vip");
    c = contact_of(f, "k1");
    all_are_as_the_first(f, c);
    write_terms(&before, f, c, INDEX_NONE8);
    center_wait(f, 7000);
    center_contact(f, "k3", "es tier=vip");
    write_terms(&after, f, contact_of(f, "k2"), INDEX_NONE8);
    assert_true(same(&before, &after)); /* submitted at the same moment */
    write_terms(&after, f, contact_of(f, "k3"), INDEX_NONE8);
    assert_int_equal(after.size, before.size);
    assert_false(same(&before, &after)); /* seven seconds later */
    packer_close(&before);
    packer_close(&after);
    center_destroy(f);
}

static bool tells(const struct packer *p, engine_time at)
{
    uint8_t number[PUT_WIDE_BYTES];

    put_wide(number, at);
    for (size_t i = 0; i + sizeof(number) <= p->size; i++) {
        if (memcmp(p->bytes + i, number, sizeof(number)) == 0) {
            return true;
        }
    }
    return false;
}

/* Given back it may wait anew: the contact has times of its own, and no copy fits. */
static void test_who_has_times_of_its_own_gets_no_copy(void **state)
{
    struct center *f = center_with_tiers();
    const struct contact *c;
    struct packer p = {0};

    (void)state;
    center_agent(f, "ana", "");
    center_contact(f, "k1", "es tier=vip expires=1h");
    c = contact_of(f, "k1");
    all_are_as_the_first(f, c);
    center_accept(f, "ana", "k1");
    center_advance(f, 5000);
    assert_int_equal(center_requeue(f, "ana", "k1", ""), REFUSED_NOT);
    assert_true(contact_extras(c)->own_times);
    write_terms(&p, f, c, INDEX_NONE8);
    for (int i = 0; i < PROMISE_COUNT; i++) {
        engine_time due = contact_due(c, (enum promise)i);

        assert_true(due == TIME_NEVER || tells(&p, due));
    }
    packer_close(&p);
    center_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_what_is_written_without_it),
        cmocka_unit_test(test_an_offer_has_the_agent_too),
        cmocka_unit_test(test_instants_are_the_contacts_own),
        cmocka_unit_test(test_who_has_times_of_its_own_gets_no_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

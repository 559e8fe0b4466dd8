#include "proto/client_request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "proto/client_frame.h"
#include "queue/base/memory.h"

/* A number is a slot and, above it, a count of how often the slot was used. */
#define CLIENT_SLOT_BITS 20
#define CLIENT_SLOT_MASK ((1u << CLIENT_SLOT_BITS) - 1)

/* Buffers that have become larger are not kept: a few large calls must not be paid for ever. */
#define CLIENT_REQUEST_KEPT 4096

void client_requests_close(struct client_requests *all)
{
    assert(all->unanswered == 0);
    for (uint32_t i = 0; i < all->slot_count; i++) {
        packer_close(&all->records[i]->frame);
        memory_give(all->records[i]);
    }
    memory_give(all->records);
    memory_give(all->free_slots);
    *all = (struct client_requests){0};
}

static struct client_request *client_request_slot(struct client_requests *all)
{
    struct client_request *r;

    if (all->free_count > 0) {
        return all->records[all->free_slots[--all->free_count]];
    }
    if (all->slot_count == all->slot_capacity) {
        all->slot_capacity = all->slot_capacity == 0 ? 64 : all->slot_capacity * 2;
        all->records = memory_resize(all->records, all->slot_capacity * sizeof(all->records[0]));
        all->free_slots =
            memory_resize(all->free_slots, all->slot_capacity * sizeof(all->free_slots[0]));
    }
    r = memory_take(sizeof(*r));
    r->msgid = all->slot_count + CLIENT_REQUEST_FIRST;
    all->records[all->slot_count++] = r;
    return r;
}

static void client_request_pack_submit(struct packer *p, struct text params, struct random *random)
{
    static const struct text without[] = {TEXT("id")};
    struct cursor given;
    char id[33];

    if (client_frame_find(params, TEXT("id"), &given)) {
        packer_raw(p, params.bytes, params.length);
        return;
    }
    snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, random_next(random), random_next(random));
    client_frame_copy(p, params, without, 1, text_from(id));
}

struct client_request *client_request_take(struct client_requests *all, struct text method,
                                           struct text params, struct random *random)
{
    struct client_request *r = client_request_slot(all);

    /* A late answer to what had this slot before must not be taken for ours. */
    r->msgid += 1u << CLIENT_SLOT_BITS;
    r->sent = false;
    r->untouched = false;
    r->retries = 0;
    r->purpose = PURPOSE_ORDINARY;
    if (text_equal(method, TEXT("agent.sign_in"))) {
        r->purpose = PURPOSE_SIGN_IN;
    } else if (text_equal(method, TEXT("agent.sign_out"))) {
        r->purpose = PURPOSE_SIGN_OUT;
    }

    packer_reset(&r->frame);
    client_frame_head(&r->frame, r->msgid, method);
    r->params_at = (uint32_t)r->frame.size;
    if (text_equal(method, TEXT("contact.submit"))) {
        client_request_pack_submit(&r->frame, params, random);
    } else {
        packer_raw(&r->frame, params.bytes, params.length);
    }
    all->unanswered++;
    all->bytes += r->frame.size;
    return r;
}

void client_request_give(struct client_requests *all, struct client_request *r)
{
    all->unanswered--;
    all->bytes -= r->frame.size;
    if (r->frame.capacity > CLIENT_REQUEST_KEPT) {
        packer_close(&r->frame);
    }
    all->free_slots[all->free_count++] = (r->msgid & CLIENT_SLOT_MASK) - CLIENT_REQUEST_FIRST;
}

struct client_request *client_request_find(const struct client_requests *all, uint64_t msgid)
{
    uint64_t slot = (msgid & CLIENT_SLOT_MASK) - CLIENT_REQUEST_FIRST;
    struct client_request *r = slot < all->slot_count ? all->records[slot] : NULL;

    return r != NULL && r->msgid == msgid && r->sent ? r : NULL;
}

void client_request_put_before(struct list *from, struct list *onto)
{
    if (list_empty(from)) {
        return;
    }
    from->head.previous->next = onto->head.next;
    onto->head.next->previous = from->head.previous;
    onto->head.next = from->head.next;
    from->head.next->previous = &onto->head;
    list_init(from);
}

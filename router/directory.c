#include "router/directory.h"

#include <assert.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/tsan.h"

struct published {
    ck_epoch_entry_t entry;
    struct dispatch_snapshot snapshot;
    struct workspace_config *config; /* retained */
    struct directory *directory;
};

CK_EPOCH_CONTAINER(struct published, entry, published_of)

void directory_init(struct directory *d, uint32_t reactors)
{
    memset(d, 0, sizeof(*d));
    ck_epoch_init(&d->epoch);
    uv_mutex_init(&d->adding);
    d->reactors = reactors;
    for (uint32_t i = 0; i < reactors; i++) {
        size_t size = (sizeof(ck_epoch_record_t) + 63) & ~(size_t)63;

        d->records[i] = aligned_alloc(64, size);
        if (d->records[i] == NULL) {
            abort();
        }
        ck_epoch_register(&d->epoch, d->records[i], NULL);
        d->visitors[i] = (struct visitor){.directory = d, .record = d->records[i]};
    }
}

static void published_give(ck_epoch_entry_t *entry)
{
    struct published *p = published_of(entry);

    tsan_acquire(p->directory);
    workspace_config_release(p->config);
    memory_give(p);
}

void directory_close(struct directory *d)
{
    struct door *door = atomic_load(&d->first);

    while (door != NULL) {
        struct door *next = door->next;
        struct published *p = atomic_load(&door->published);

        if (p != NULL) {
            published_give(&p->entry);
        }
        memory_give((void *)(uintptr_t)door->name.bytes);
        uv_mutex_destroy(&door->address_lock);
        memory_give(door);
        door = next;
    }
    for (uint32_t i = 0; i < d->reactors; i++) {
        ck_epoch_barrier(d->records[i]); /* nobody is inside: gives back what waits there */
    }
    for (uint32_t i = 0; i < d->reactors; i++) {
        free(d->records[i]);
    }
    uv_mutex_destroy(&d->adding);
}

struct door *directory_find(struct directory *d, struct text name)
{
    struct door *door = atomic_load_explicit(&d->first, memory_order_acquire);

    while (door != NULL && !text_equal(door->name, name)) {
        door = door->next;
    }
    return door;
}

struct door *directory_add(struct directory *d, struct text name)
{
    struct door *door = memory_take(sizeof(*door));

    door->name = (struct text){memory_copy(name.bytes, name.length), name.length};
    uv_mutex_init(&door->address_lock);
    uv_mutex_lock(&d->adding);
    assert(directory_find(d, name) == NULL);
    door->number = d->count++;
    door->owner = door->number % d->reactors;
    door->next = atomic_load(&d->first);
    atomic_store_explicit(&d->first, door, memory_order_release);
    uv_mutex_unlock(&d->adding);
    return door;
}

void door_set_service(struct directory *d, struct door *door, enum door_service service,
                      struct text address, boot_ms now)
{
    uint32_t length = address.length < DOOR_ADDRESS_BYTES ? address.length : 0;

    uv_mutex_lock(&door->address_lock);
    if (length > 0) {
        memcpy(door->address, address.bytes, length);
    }
    door->address[length] = '\0';
    uv_mutex_unlock(&door->address_lock);
    if (service != door_service(door)) {
        atomic_store(&door->service_since, now);
        atomic_store_explicit(&door->service, (int)service, memory_order_release);
    }
    atomic_fetch_add(&d->changes, 1);
}

struct text door_address(struct door *door, char buffer[DOOR_ADDRESS_BYTES])
{
    uv_mutex_lock(&door->address_lock);
    memcpy(buffer, door->address, DOOR_ADDRESS_BYTES);
    uv_mutex_unlock(&door->address_lock);
    return text_from(buffer);
}

void directory_enter(struct visitor *v)
{
    if (!v->inside) {
        v->inside = true;
        ck_epoch_begin(v->record, NULL);
    }
}

void directory_leave(struct visitor *v)
{
    if (v->inside) {
        v->inside = false;
        tsan_release(v->directory); /* for who gives back what was read */
        ck_epoch_end(v->record, NULL);
    }
}

struct dispatch_snapshot door_snapshot(struct door *d)
{
    struct published *p = atomic_load_explicit(&d->published, memory_order_acquire);

    if (p == NULL) {
        return (struct dispatch_snapshot){NULL, 0};
    }
    return p->snapshot;
}

void door_publish(struct door *d, struct visitor *v, struct workspace_config *config,
                  uint64_t version)
{
    struct published *now = NULL, *before;

    if (config != NULL) {
        now = memory_take(sizeof(*now));
        workspace_config_retain(config);
        now->config = config;
        now->directory = v->directory;
        now->snapshot = (struct dispatch_snapshot){config, version};
    }
    before = atomic_exchange_explicit(&d->published, now, memory_order_acq_rel);
    if (before != NULL) {
        ck_epoch_call(v->record, &before->entry, published_give);
    }
}

void directory_collect(struct visitor *v)
{
    if (v->record->n_pending > 0) {
        ck_epoch_poll(v->record);
    }
}

/* Who says hello: to its workspace's owner, to a node that is not, or to one that may become it. */
#include "queue/base/id_map.h"
#include "router/conversation_inside.h"
#include "router/log.h"

/* How long a client waits that knows of an epoch which has not come here yet. */
#define CONVERSATION_PATIENCE_MS 1000

static bool conversation_name_is_ours(struct text name)
{
    static const size_t length = sizeof(HOST_UNNAMED) - 1;

    return name.length >= length && memcmp(name.bytes, HOST_UNNAMED, length) == 0;
}

/* The owner answers. False: there is no room on the way to it. */
static bool conversation_open(struct conversation *c, struct session *s, const struct request *r,
                              struct door *door)
{
    bool far = door->owner != c->host->place.reactor;
    struct parcel *parcel = far ? post_parcel(c->post, door->owner) : NULL;
    struct text name = request_text(r, FIELD_NAME);
    uint64_t epoch = (uint64_t)request_number(r, FIELD_EPOCH, 0);
    uint64_t seq = (uint64_t)request_number(r, FIELD_SEQ, 0);

    if (far && parcel == NULL) {
        return false;
    }
    s->state = SESSION_OPEN;
    s->door = door;
    s->far = far;
    s->role = (enum role)request_number(r, FIELD_ROLE, ROLE_CONNECTOR);
    s->guest = guest_create(s->id, door, s->role,
                            (enum notify)request_number(r, FIELD_NOTIFY, NOTIFY_ALL));
    log_event(LOG_LEVEL_DEBUG, "session_opened", LOG_NUMBER("session", s->id),
              LOG_WORDS("role", words_at(WORD_LIST_ROLE, (int)s->role)),
              LOG_TEXT("workspace", door->name), LOG_TEXT("client", request_text(r, FIELD_CLIENT)));
    if (far) {
        struct letter *l = post_letter(parcel, LETTER_HELLO, s->guest, 0);

        l->msgid = r->msgid;
        l->hello.name = parcel_text(parcel, name);
        l->hello.epoch = epoch;
        l->hello.seq = seq;
        post_seal_letter(parcel, l);
    } else {
        engine_host_hello(c->host, s->guest, r->msgid, name, epoch, seq);
    }
    return true;
}

/* To tell one address from the one before. */
static uint64_t conversation_hash(struct text where)
{
    static const uint64_t seed[2] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x2545f4914f6cdd1d)};

    return id_hash(seed, where);
}

/* A second session of a client, for the day when this node becomes the owner; or an admin's, who
 * means the node itself and not the workspace. */
static void conversation_stand_by(struct conversation *c, struct session *s,
                                  const struct request *r, struct door *door)
{
    enum role role = (enum role)request_number(r, FIELD_ROLE, ROLE_CONNECTOR);
    char address[DOOR_ADDRESS_BYTES];

    if (door == NULL) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT("workspace"), TEXT("no such workspace"));
        return;
    }
    if (!c->host->options.shared && role != ROLE_ADMIN) {
        conversation_refuse(s, r, ERROR_INVALID, TEXT("standby"),
                            TEXT("this node owns all that it knows: it is nobody's standby"));
        return;
    }
    s->state = SESSION_STANDBY;
    s->role = role;
    s->door = door;
    s->told_where = conversation_hash(engine_host_where(c->host, door, address));
    /* Nothing of it is in the journal, so that it need not wait for one that is away. */
    engine_host_hello_standby(c->host, door, session_urgent_packer(s), r->msgid);
}

/* Another node serves the workspace than when it was told last. When it is this one it says hello
 * again, and is a session like any. */
static bool conversation_tell_standby(void *context, struct session *s)
{
    struct conversation *c = context;
    char address[DOOR_ADDRESS_BYTES];
    struct text where;

    if (s->state != SESSION_STANDBY) {
        return true;
    }
    where = engine_host_where(c->host, s->door, address);
    if (!text_is_none(where) && conversation_hash(where) != s->told_where) {
        s->told_where = conversation_hash(where);
        engine_host_say_moved(s->door, where, session_packer(s));
        session_wrote_notice(s);
        c->tell_left--;
    }
    return c->tell_left > 0;
}

bool conversation_tell(struct conversation *c, uint32_t most)
{
    c->tell_left = most;
    if (c->telling) {
        c->told_to =
            session_table_some(c->host->sessions, c->told_to, conversation_tell_standby, c);
        c->telling = c->told_to > 0;
    }
    return c->telling;
}

/* A client that was sent here may be faster than the entry that gives the workspace to this node:
 * it has seen an epoch that we have not. It is about to come. */
static bool conversation_knows_more(struct conversation *c, const struct session *s,
                                    const struct request *r, const struct door *door)
{
    return (uint64_t)request_number(r, FIELD_EPOCH, 0) > atomic_load(&door->epoch) &&
           clock_now(c->clock) - s->opened_at < CONVERSATION_PATIENCE_MS;
}

enum session_verdict conversation_hello(struct conversation *c, struct session *s,
                                        struct request *r)
{
    struct request_error wrong;
    struct door *door;
    enum host_gate gate;

    if (s->state == SESSION_OPEN) {
        conversation_refuse(s, r, ERROR_CONFLICT, TEXT_NONE, TEXT("hello was said already"));
        return FRAME_TAKEN;
    }
    if (!request_decode_params(r, ROLE_CONNECTOR, &c->limits, &wrong)) {
        conversation_refuse_decoded(s, r, &wrong);
        return FRAME_TAKEN;
    }
    door = directory_find(c->directory, request_text(r, FIELD_WORKSPACE));
    if (request_flag(r, FIELD_STANDBY, false)) {
        conversation_stand_by(c, s, r, door);
        return FRAME_TAKEN;
    }
    gate = door != NULL ? conversation_gate(c, door, METHOD_READ)
                        : engine_host_gate(c->host, METHOD_READ);
    if (gate == GATE_ELSEWHERE && conversation_knows_more(c, s, r, door)) {
        return FRAME_LATER;
    }
    if (gate != GATE_OPEN) {
        return conversation_turn_away(s, r, door, gate);
    }
    if (door == NULL || atomic_load(&door->epoch) == 0) {
        conversation_refuse(s, r, ERROR_UNAUTHORIZED, TEXT("workspace"), TEXT("no such workspace"));
    } else if (conversation_name_is_ours(request_text(r, FIELD_NAME))) {
        conversation_refuse(s, r, ERROR_INVALID, TEXT("name"),
                            TEXT("names that begin with \"" HOST_UNNAMED "\" are the server's"));
    } else if (!conversation_open(c, s, r, door)) {
        return FRAME_LATER;
    }
    return FRAME_TAKEN;
}

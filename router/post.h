/* What reactors send one another, and when: letters in parcels and in mail.
 *
 *   a session's reactor ──parcel: hello, work, read, config, left──▶ the workspace's owner
 *                       ◀──mail: answers and notices, as bytes──────
 *
 * A parcel gathers what one turn has for one owner; what a letter points at stands in the same
 * parcel. Mail gathers bytes for sessions, a mail behind the other when there are many; it is taken
 * out of the post at the end of the turn, waits with its batch until the journal has it, and comes
 * back to be sent.
 *
 * When the ring for commands is full, post_parcel says NULL, and sessions wait. When the ring for
 * deliveries is full, mail is parked in order, and post_is_parked says that no commands are to be
 * taken: what is parked is bounded by what one turn makes and by what clocks do meanwhile. Guests
 * that left are kept in a list and travel when there is room.
 *
 * One post belongs to one reactor and its thread. */
#ifndef ROUTER_POST_H
#define ROUTER_POST_H

#include "proto/packer.h"
#include "router/dispatch.h"
#include "router/guest.h"
#include "router/mailbox.h"
#include "router/parcel.h"

/* ---- mail ---- */

enum mail_flags {
    MAIL_NOTICE = 1,  /* may be the one too many for a slow reader */
    MAIL_LATE = 2,    /* the answer to a request that counted as in flight */
    MAIL_URGENT = 4,  /* passes what is held */
    MAIL_FINISH = 8,  /* the session ends behind it, for `reason` */
    MAIL_ANSWER = 32, /* to a request that the session counts as away */
    MAIL_LARGE = 64,  /* and counts as many, see session_weight */
    MAIL_CUT = 16,    /* no bytes: every session of a workspace ends now, for `reason`; the slot of
                         the session's id is the number of its door */
};

/* Stands in the bytes before those of the message, not aligned. */
struct mail_head {
    uint64_t session;
    uint32_t size;
    uint8_t flags;
    uint8_t reason; /* enum session_end_reason */
    uint16_t unused;
};

struct mail {
    struct mail *next;
    uint32_t to;
    struct packer bytes;
};

struct mail_list {
    struct mail *first, *last;
};

/* ---- letters ---- */

enum letter_kind {
    LETTER_HELLO,
    LETTER_WORK,
    LETTER_READ,
    LETTER_CONFIG,
    LETTER_WHERE,   /* the client asks for something that another node has now */
    LETTER_GOODBYE, /* the client asks nothing more; the session is to end behind the last answer */
    LETTER_LEFT,    /* the session is closed */
};

struct config_job;

struct letter {
    struct letter *next;
    struct guest *guest;
    struct text frame;   /* of work and reads: the request, whole */
    struct text contact; /* of work: whom it is about, or none */
    uint32_t msgid;
    enum letter_kind kind;
    bool asked; /* of a goodbye: it is a request, to be answered */
    union {
        struct {
            struct text name;    /* the connector's, or none */
            uint64_t epoch, seq; /* what the client has seen */
        } hello;
        struct config_job *job; /* of a config; becomes the receiver's */
        struct work work;       /* as much of it as was asked for */
    };
};

/* ---- the post ---- */

struct post_line {
    struct mail_list filling;
    struct mail *urgent;
    struct mail_list parked;
    struct parcel *parcel;
    struct list leaving; /* struct guest */
};

struct post {
    struct mailbox *box;
    struct post_line *lines; /* by reactor */
    uint32_t parked;         /* mails */
    struct parcel *spares;   /* read, and written in next */
    struct mail *spare_mails;
    uint32_t spare_count, spare_mail_count;
};

struct post_handler {
    void *context;
    /* One message of a mail from reactor `from`; the bytes live during the call. */
    void (*delivery)(void *context, uint32_t from, const struct mail_head *head,
                     const uint8_t *bytes);
    /* All letters of a parcel, one after the other, before the first of them is handed over. */
    void (*expect)(void *context, struct letter *l);
    /* One letter; it and its parcel live during the call. */
    void (*letter)(void *context, struct letter *l);
};

void post_init(struct post *p, struct mailbox *box);
/* All letters have been taken. */
void post_close(struct post *p);
/* What an exchange finds in its rings when it is closed. */
void post_drop(enum mailbox_lane lane, void *batch);

/* ---- the sessions' side ---- */

/* The parcel for the owner; NULL: there is no room, try again when the bell rings. */
struct parcel *post_parcel(struct post *p, uint32_t to);
/* A letter in it, with room for `size` bytes of its work; what stands in front of that is cleared.
 * It counts only when it is sealed. */
struct letter *post_letter(struct parcel *parcel, enum letter_kind kind, struct guest *g,
                           size_t size);
void post_seal_letter(struct parcel *parcel, struct letter *l);
/* The guest's session is closed; at any time. */
void post_left(struct post *p, uint32_t to, struct guest *g);

/* ---- the owner's side ---- */

/* Begin a message for a session elsewhere: put bytes into the packer, then say post_end. */
struct packer *post_begin(struct post *p, uint64_t session, unsigned flags, unsigned reason,
                          size_t *mark);
void post_end(struct packer *bytes, size_t mark);

/* What is urgent leaves now, and not at the turn's end: before whatever is sent from here on. */
void post_hurry(struct post *p);

/* All mail of this turn, in `out` (added at its end). */
void post_collect(struct post *p, struct mail_list *out);
/* Send it; what finds no room is parked. */
void post_send(struct post *p, struct mail_list *mails);
void mail_list_append(struct mail_list *list, struct mail_list *more);
void mail_list_drop(struct mail_list *list);

static inline bool post_is_parked(const struct post *p)
{
    return p->parked > 0;
}

/* ---- turns ---- */

/* Deliveries from everybody, all that is there. */
void post_take_deliveries(struct post *p, const struct post_handler *handler);
/* Commands from everybody, a bounded number of parcels; true when there was any. */
bool post_take_commands(struct post *p, const struct post_handler *handler);
/* Send what was gathered, and ring the bells. */
void post_flush(struct post *p);
/* No letter is here, neither to be sent nor to be taken. */
bool post_is_empty(const struct post *p);

#endif

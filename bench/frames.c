#include "bench/frames.h"

#include <stdlib.h>

#include "queue/base/memory.h"

#define FRAMES_MSGID_AT 3 /* behind the array's head, the 0, and the number's own head */

static void frames_put_msgid(uint8_t *to, uint32_t msgid)
{
    to[0] = (uint8_t)(msgid >> 24);
    to[1] = (uint8_t)(msgid >> 16);
    to[2] = (uint8_t)(msgid >> 8);
    to[3] = (uint8_t)msgid;
}

void frames_head(struct packer *p, uint32_t msgid, const char *method)
{
    uint8_t *to = packer_room(p, 7);

    to[0] = 0x94;
    to[1] = 0;
    to[2] = 0xce; /* always 32 bits, so that it can be replaced */
    frames_put_msgid(to + FRAMES_MSGID_AT, msgid);
    packer_text(p, text_from(method));
    packer_array(p, 1);
}

/* Ids. */

static void frames_put_hex(char *to, unsigned digits, uint32_t value)
{
    static const char hex[] = "0123456789abcdef";

    while (digits > 0) {
        to[--digits] = hex[value & 15];
        value >>= 4;
    }
}

static bool frames_get_hex(const char *from, unsigned digits, uint32_t *value)
{
    uint32_t read = 0;

    for (unsigned i = 0; i < digits; i++) {
        unsigned c = (unsigned char)from[i];
        unsigned digit = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : 16;

        if (digit > 15) {
            return false;
        }
        read = read << 4 | digit;
    }
    *value = read;
    return true;
}

void frames_id_write(char out[FRAMES_ID_BYTES], uint32_t run, uint32_t slot, uint32_t turn)
{
    out[0] = 'b';
    out[1] = '-';
    frames_put_hex(out + 2, 8, run);
    out[10] = '-';
    frames_put_hex(out + 11, 6, slot);
    out[17] = '-';
    frames_put_hex(out + 18, 8, turn);
}

bool frames_id_read(struct text id, uint32_t run, uint32_t *slot, uint32_t *turn)
{
    uint32_t of_run;

    return id.length == FRAMES_ID_BYTES && id.bytes[0] == 'b' && id.bytes[1] == '-' &&
           id.bytes[10] == '-' && id.bytes[17] == '-' && frames_get_hex(id.bytes + 2, 8, &of_run) &&
           of_run == run && frames_get_hex(id.bytes + 11, 6, slot) &&
           frames_get_hex(id.bytes + 18, 8, turn);
}

bool frames_slot_read(struct text id, uint32_t *slot)
{
    return id.length == FRAMES_ID_BYTES && id.bytes[10] == '-' && id.bytes[17] == '-' &&
           frames_get_hex(id.bytes + 11, 6, slot);
}

/* Lists. */

void word_list_init(struct word_list *l, const char *comma_separated)
{
    const char *at = comma_separated == NULL ? "" : comma_separated;

    *l = (struct word_list){0};
    while (*at != '\0') {
        size_t length = strcspn(at, ",");

        if (length > 0) {
            char *word = memory_take(length + 1);

            memcpy(word, at, length);
            l->words = memory_resize(l->words, (l->count + 1) * sizeof(l->words[0]));
            l->words[l->count++] = word;
        }
        at += length + (at[length] == ',');
    }
}

void word_list_close(struct word_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        memory_give(l->words[i]);
    }
    memory_give(l->words);
    *l = (struct word_list){0};
}

static const char *word_list_any(const struct word_list *l, struct random *random)
{
    return l->count == 0 ? NULL : l->words[random_below(random, l->count)];
}

/* Submissions. */

/* Words of letters by chance: what a customer writes as far as sizes go, and no rule's phrase. */
static void frames_pack_text(struct packer *p, uint32_t size, struct random *random)
{
    char *text = memory_take(size + 1u);

    for (uint32_t i = 0; i < size; i++) {
        text[i] = random_below(random, 6) == 0 ? ' ' : (char)('a' + random_below(random, 26));
    }
    packer_text_of(p, text, size);
    memory_give(text);
}

/* A pair of one of the words, unless there are none; answers how many pairs that is. */
static uint32_t submit_frame_any(struct packer *p, const char *key, const char *word)
{
    if (word == NULL) {
        return 0;
    }
    packer_text(p, text_from(key));
    packer_text(p, text_from(word));
    return 1;
}

/* "es:3+refund:2" as a map. What makes no sense the server refuses. */
static uint32_t submit_frame_skills(struct packer *p, const char *word)
{
    size_t map;
    uint32_t pairs = 0;

    if (word == NULL) {
        return 0;
    }
    packer_literal(p, "skills");
    map = packer_short_map_open(p);
    while (*word != '\0' && pairs < 15) {
        size_t length = strcspn(word, "+");
        size_t name = strcspn(word, ":+");

        packer_text_of(p, word, name);
        packer_int(p, name < length ? strtol(word + name + 1, NULL, 10) : 1);
        pairs++;
        word += length + (word[length] == '+');
    }
    packer_short_map_close(p, map, pairs);
    return 1;
}

static void submit_frame_init(struct submit_frame *f, const struct submit_form *form,
                              struct random *random)
{
    const char *tier = word_list_any(&form->tiers, random);
    const char *queue = word_list_any(&form->queues, random);
    uint32_t pairs = 4;
    size_t map;
    char id[FRAMES_ID_BYTES], customer[16] = "c-";
    struct packer p = {0};

    frames_head(&p, 0, "contact.submit");
    map = packer_short_map_open(&p);
    packer_literal(&p, "id");
    frames_id_write(id, 0, 0, 0);
    f->id_at = (uint32_t)p.size + 1; /* 26 bytes: their head is one byte */
    packer_text_of(&p, id, sizeof(id));
    packer_literal(&p, "channel");
    packer_text(&p, text_from(form->channel));
    packer_literal(&p, "customer");
    packer_map(&p, tier == NULL ? 1 : 2);
    packer_literal(&p, "id");
    frames_put_hex(customer + 2, 8, (uint32_t)random_next(random));
    packer_text_of(&p, customer, 10);
    (void)submit_frame_any(&p, "tier", tier);
    pairs += submit_frame_any(&p, "queue", queue);
    pairs += submit_frame_any(&p, "issue", word_list_any(&form->issues, random));
    pairs += submit_frame_any(&p, "language", word_list_any(&form->languages, random));
    pairs += submit_frame_skills(&p, word_list_any(&form->skills, random));
    packer_literal(&p, "text");
    frames_pack_text(&p, form->text_bytes, random);
    packer_short_map_close(&p, map, pairs);
    f->bytes = p.bytes;
    f->size = (uint32_t)p.size;
}

void submit_frames_init(struct submit_frames *f, const struct submit_form *form)
{
    struct random random;

    random_init(&random, form->seed);
    f->count = form->variants;
    f->frames = memory_take(f->count * sizeof(f->frames[0]));
    for (uint32_t i = 0; i < f->count; i++) {
        submit_frame_init(&f->frames[i], form, &random);
    }
}

void submit_frames_close(struct submit_frames *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        memory_give(f->frames[i].bytes);
    }
    memory_give(f->frames);
    *f = (struct submit_frames){0};
}

void submit_frames_write(const struct submit_frames *f, struct packer *p, uint32_t variant,
                         uint32_t run, uint32_t slot, uint32_t turn)
{
    const struct submit_frame *frame = &f->frames[variant % f->count];
    uint8_t *to = packer_room(p, frame->size);

    memcpy(to, frame->bytes, frame->size);
    frames_put_msgid(to + FRAMES_MSGID_AT, frames_msgid(PURPOSE_SUBMIT, slot));
    frames_id_write((char *)to + frame->id_at, run, slot, turn);
}

/* The others. */

void text_request_init(struct text_request *r, const char *method, const char *key,
                       int64_t wrap_up_ms)
{
    r->head = (struct packer){0};
    frames_head(&r->head, 0, method);
    packer_map(&r->head, wrap_up_ms < 0 ? 1 : 2);
    if (wrap_up_ms >= 0) {
        packer_literal(&r->head, "wrap_up_ms");
        packer_int(&r->head, wrap_up_ms);
    }
    packer_text(&r->head, text_from(key));
}

void text_request_close(struct text_request *r)
{
    packer_close(&r->head);
}

void text_request_write(const struct text_request *r, struct packer *p, uint32_t msgid,
                        struct text value)
{
    uint8_t *to = packer_room(p, r->head.size);

    memcpy(to, r->head.bytes, r->head.size);
    frames_put_msgid(to + FRAMES_MSGID_AT, msgid);
    packer_text(p, value);
}

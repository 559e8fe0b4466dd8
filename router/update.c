#include "router/update.h"

#include "proto/walk.h"
#include "queue/contact.h"

void updater_init(struct updater *u)
{
    u->before = classify_scratch_create();
    u->after = classify_scratch_create();
    packer_init(&u->attributes);
    packer_init(&u->customer_attributes);
}

void updater_close(struct updater *u)
{
    classify_scratch_destroy(u->before);
    classify_scratch_destroy(u->after);
    packer_close(&u->attributes);
    packer_close(&u->customer_attributes);
}

static bool update_has(struct text map, struct text name)
{
    struct walk w;
    struct walk_attribute a;

    walk_start(&w, map);
    while (walk_attribute(&w, &a)) {
        if (text_equal(a.name, name)) {
            return true;
        }
    }
    return false;
}

static void update_put(struct packer *out, const struct walk_attribute *a)
{
    packer_text(out, a->name);
    packer_raw(out, a->raw.bytes, a->raw.length);
}

/* Both have some tens of entries at most, so that looking through is good enough. */
uint32_t update_merge(struct packer *out, struct text old, struct text changes)
{
    struct walk w;
    struct walk_attribute a;
    size_t map = packer_map_open(out);
    uint32_t count = 0;

    walk_start(&w, old);
    while (walk_attribute(&w, &a)) {
        if (!update_has(changes, a.name)) {
            update_put(out, &a);
            count++;
        }
    }
    walk_start(&w, changes);
    while (walk_attribute(&w, &a)) {
        if (a.type != CURSOR_NIL) {
            update_put(out, &a);
            count++;
        }
    }
    packer_map_close(out, map, count);
    return count;
}

static struct text update_text(struct raw r)
{
    return (struct text){(const char *)r.bytes, r.length};
}

/* Merge into *given, which is what the command will replace the contact's attributes with. */
static bool update_attributes(struct packer *scratch, struct raw old, struct text changes,
                              const struct limits *limits, struct text field, struct raw *given,
                              struct response_error *error)
{
    if (changes.length == 0) {
        return true;
    }
    packer_reset(scratch);
    if (update_merge(scratch, update_text(old), changes) > limits->of[LIMIT_ATTRIBUTES]) {
        *error = response_error_of(ERROR_TOO_LARGE);
        error->field = field;
        error->message = TEXT("with these it would have more attributes than are allowed");
        return false;
    }
    *given = (struct raw){scratch->bytes, (uint32_t)scratch->size};
    return true;
}

/* Whether the connector itself said so, in the words of classify.c. */
static bool update_was_named(struct text why)
{
    static const struct text named = {"named by the connector", 22};

    return why.length >= named.length && memcmp(why.bytes, named.bytes, named.length) == 0;
}

/* The contact as it is, in classification's terms. */
static void update_input_before(const struct contact *c, const struct settings *s,
                                struct classify_input *in)
{
    const struct contact_body body = contact_body(c);
    const struct contact_body *b = &body;
    const struct terms *t = contact_terms(c);

    memset(in, 0, sizeof(*in));
    in->channel = contact_terms(c)->channel;
    in->customer_id = b->customer;
    in->subject = b->subject;
    in->text = b->text;
    in->customer_attributes = b->customer_attributes;
    in->attributes = b->attributes;
    if (update_was_named(t->why_tier)) {
        in->tier = s->tiers[contact_terms(c)->tier].name;
    }
    if (update_was_named(t->why_issue) && contact_terms(c)->issue != INDEX_NONE16) {
        in->issue = s->issues[contact_terms(c)->issue].name;
    }
    if (update_was_named(t->why_language) && contact_terms(c)->language != INDEX_NONE16) {
        in->language = s->languages[contact_terms(c)->language];
    }
    if (update_was_named(t->why_queue)) {
        in->queue = s->queues[contact_queue(c)].name;
    }
}

static void update_replace(struct text *old, struct text given)
{
    if (!text_is_none(given)) {
        *old = given;
    }
}

static void update_classify(struct updater *u, const struct contact *c,
                            const struct dispatch_snapshot *snapshot, struct work *work)
{
    const struct ruleset *rules = snapshot->config->ruleset;
    const struct update_words *words = &work->update;
    struct update_command *command = &work->command.update;
    struct classify_input in;
    struct classification before, after;
    struct classified *out = &command->classified;

    update_input_before(c, snapshot->config->settings, &in);
    classify(rules, u->before, &in, &before);
    update_replace(&in.customer_id, words->customer_id);
    update_replace(&in.tier, words->tier);
    update_replace(&in.issue, words->issue);
    update_replace(&in.language, words->language);
    update_replace(&in.subject, command->subject);
    update_replace(&in.text, command->text);
    if (command->attributes.length > 0) {
        in.attributes = update_text(command->attributes);
    }
    if (command->customer_attributes.length > 0) {
        in.customer_attributes = update_text(command->customer_attributes);
    }
    classify(rules, u->after, &in, &after);
    *out = dispatch_classified(&after, snapshot->version);
    if (after.tier == before.tier && text_is_none(words->tier)) {
        out->tier = contact_terms(c)->tier;
        out->why_tier = contact_terms(c)->why_tier;
    }
    if (after.issue == before.issue && text_is_none(words->issue)) {
        out->issue = contact_terms(c)->issue;
        out->why_issue = contact_terms(c)->why_issue;
    }
    if (after.language == before.language && text_is_none(words->language)) {
        out->language = contact_terms(c)->language;
        out->why_language = contact_terms(c)->why_language;
    }
    if (after.queue == before.queue) {
        out->queue = contact_queue(c);
        out->why_queue = contact_terms(c)->why_queue;
    }
    command->reclassified = true;
}

bool updater_complete(struct updater *u, const struct engine *e,
                      const struct dispatch_snapshot *snapshot, const struct limits *limits,
                      struct work *work, struct response_error *error)
{
    struct update_command *command = &work->command.update;
    const struct update_words *words = &work->update;
    const struct settings *settings = snapshot->config->settings;
    const struct contact *c = engine_find_contact(e, command->contact);
    struct walk_customer customer;
    struct contact_body body;

    if (c == NULL) {
        return true;
    }
    body = contact_body(c);
    walk_customer(words->given.customer, &customer);
    if (!update_attributes(&u->attributes, text_raw(body.attributes), words->given.attributes,
                           limits, TEXT("attributes"), &command->attributes, error) ||
        !update_attributes(&u->customer_attributes, text_raw(body.customer_attributes),
                           customer.attributes, limits, TEXT("customer"),
                           &command->customer_attributes, error)) {
        return false;
    }
    if (c->state == CONTACT_WAITING || c->state == CONTACT_SCHEDULED) {
        update_classify(u, c, snapshot, work);
    } else {
        /* An agent has it: its data change, its way does not. Unknown words change nothing. */
        command->issue = settings_find_issue(settings, words->issue);
        command->issue_given = command->issue != INDEX_NONE16;
        command->language = settings_find_language(settings, words->language);
        command->language_given = command->language != INDEX_NONE16;
    }
    return true;
}

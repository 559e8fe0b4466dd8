#include "queue/fact.h"

#define OFFSET(fields, name)                                                                       \
    (uint16_t)(offsetof(struct fact, new_contact) + offsetof(struct fact_##fields, name))

/* How a field of each type says that it has no value. */
#define ABSENT_TEXT TEXT_NONE
#define ABSENT_BIN  TEXT_NONE
#define ABSENT_RAW                                                                                 \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ABSENT_TIME     TIME_NEVER
#define ABSENT_SPAN     DURATION_NONE
#define ABSENT_NUMBER   0
#define ABSENT_FLAG     false
#define ABSENT_QUEUE    INDEX_NONE16
#define ABSENT_TIER     INDEX_NONE8
#define ABSENT_CHANNEL  INDEX_NONE8
#define ABSENT_ISSUE    INDEX_NONE16
#define ABSENT_LANGUAGE INDEX_NONE16
#define ABSENT_AGENT    NULL
#define ABSENT_SKILLS                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ABSENT_MAXIMA                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ABSENT_QUEUES                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define ABSENT_PROMISE PROMISE_ANSWER

#define ABSENT(type, name, help) .name = ABSENT_##type,

/* The union's members all begin at one place, so an offset within a struct is an offset from it. */
#define ROWS(fields)                                                                               \
    static const struct fact_field rows_##fields[] = {FACT_FIELDS_##fields(ROW)};                  \
    const struct fact_##fields fact_absent_##fields = {FACT_FIELDS_##fields(ABSENT)};

#define ROW(type, name, help) {FACT_FIELD_##type, OFFSET_HERE(name), TEXT(#name), help},

#define OFFSET_HERE(name) OFFSET(NEW_CONTACT, name)
ROWS(NEW_CONTACT)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_WOKEN, name)
ROWS(CONTACT_WOKEN)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_UPDATED, name)
ROWS(CONTACT_UPDATED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_MOVED, name)
ROWS(CONTACT_MOVED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_OFFERED, name)
ROWS(CONTACT_OFFERED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(OFFER, name)
ROWS(OFFER)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(OFFER_ENDED, name)
ROWS(OFFER_ENDED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(WRAP_UP_STARTED, name)
ROWS(WRAP_UP_STARTED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(WRAP_UP_ENDED, name)
ROWS(WRAP_UP_ENDED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_ENDED, name)
ROWS(CONTACT_ENDED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_GIVEN_BACK, name)
ROWS(CONTACT_GIVEN_BACK)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(PROMISE, name)
ROWS(PROMISE)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONTACT_RATED, name)
ROWS(CONTACT_RATED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(AGENT_PUT, name)
ROWS(AGENT_PUT)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(ACTOR, name)
ROWS(ACTOR)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(AGENT_SIGNED_IN, name)
ROWS(AGENT_SIGNED_IN)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(AGENT_STATE, name)
ROWS(AGENT_STATE)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(OWNER_STARTED, name)
ROWS(OWNER_STARTED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(JOURNAL_STALLED, name)
ROWS(JOURNAL_STALLED)
#undef OFFSET_HERE
#define OFFSET_HERE(name) OFFSET(CONFIG_APPLIED, name)
ROWS(CONFIG_APPLIED)
#undef OFFSET_HERE

const struct fact_NONE fact_absent_NONE = {0};

#define FIELDS_NONE NULL, 0, NULL, 0
#define FIELDS_IN(fields)                                                                          \
    rows_##fields, sizeof(rows_##fields) / sizeof(rows_##fields[0]), &fact_absent_##fields,        \
        sizeof(fact_absent_##fields)
#define FIELDS_NEW_CONTACT        FIELDS_IN(NEW_CONTACT)
#define FIELDS_CONTACT_WOKEN      FIELDS_IN(CONTACT_WOKEN)
#define FIELDS_CONTACT_UPDATED    FIELDS_IN(CONTACT_UPDATED)
#define FIELDS_CONTACT_MOVED      FIELDS_IN(CONTACT_MOVED)
#define FIELDS_CONTACT_OFFERED    FIELDS_IN(CONTACT_OFFERED)
#define FIELDS_OFFER              FIELDS_IN(OFFER)
#define FIELDS_OFFER_ENDED        FIELDS_IN(OFFER_ENDED)
#define FIELDS_WRAP_UP_STARTED    FIELDS_IN(WRAP_UP_STARTED)
#define FIELDS_WRAP_UP_ENDED      FIELDS_IN(WRAP_UP_ENDED)
#define FIELDS_CONTACT_ENDED      FIELDS_IN(CONTACT_ENDED)
#define FIELDS_CONTACT_GIVEN_BACK FIELDS_IN(CONTACT_GIVEN_BACK)
#define FIELDS_PROMISE            FIELDS_IN(PROMISE)
#define FIELDS_CONTACT_RATED      FIELDS_IN(CONTACT_RATED)
#define FIELDS_AGENT_PUT          FIELDS_IN(AGENT_PUT)
#define FIELDS_ACTOR              FIELDS_IN(ACTOR)
#define FIELDS_AGENT_SIGNED_IN    FIELDS_IN(AGENT_SIGNED_IN)
#define FIELDS_AGENT_STATE        FIELDS_IN(AGENT_STATE)
#define FIELDS_OWNER_STARTED      FIELDS_IN(OWNER_STARTED)
#define FIELDS_JOURNAL_STALLED    FIELDS_IN(JOURNAL_STALLED)
#define FIELDS_CONFIG_APPLIED     FIELDS_IN(CONFIG_APPLIED)

#define KIND_ROW(version, symbol, word, subject, fields, help)                                     \
    [FACT_##symbol] = {TEXT(#word), version, SUBJECT_##subject, FIELDS_##fields, help},
#define KIND_ROW_1(...) KIND_ROW(1, __VA_ARGS__)
#define KIND_ROW_2(...) KIND_ROW(2, __VA_ARGS__)
const struct fact_kind_row fact_kinds[FACT_KIND_COUNT] = {FACT_TABLE_1(KIND_ROW_1)
                                                              FACT_TABLE_2(KIND_ROW_2)};

enum fact_kind fact_kind_from_word(struct text word)
{
    int i = 0;

    while (i < FACT_KIND_COUNT && !text_equal(fact_kinds[i].word, word)) {
        i++;
    }
    return (enum fact_kind)i;
}

/* Every kind of fact, once: from these rows come the C types, the journal's encoding, the digest of
 * a fact, PROTOCOL.md's table and the words of transcripts.
 *
 * A kind, once released, never changes meaning, and a field never its type; new fields may be
 * added at the end of a row's list and are absent in older journals. A field that is absent (no
 * text, DURATION_NONE, TIME_NEVER, INDEX_NONE, no agent, false, 0 for NUMBER) is not written.
 *
 * What comes with a later version stands in a list of its own, and nobody writes it before all
 * nodes that live can read it (engine_may_write): nodes tell each other FACT_VERSION, and who does
 * not know a kind follows its journal no further.
 *
 * FIELD(type, name, help); types:
 *   TEXT string  BIN bytes  RAW a MessagePack value  TIME instant  SPAN milliseconds
 *   NUMBER unsigned integer  FLAG bool  STATE word of a contact or agent state
 *   QUEUE TIER CHANNEL ISSUE LANGUAGE AGENT written as the name
 *   MAXIMA map of channel to count  QUEUES map of queue to rank
 *   SKILLS map of name to level  PROMISE "answer" | "progress" | "resolve" */
#ifndef QUEUE_FACT_TABLE_H
#define QUEUE_FACT_TABLE_H

#include "queue/next_version.h"

/* clang-format off */
#define FACT_FIELDS_NONE(FIELD)

#define FACT_FIELDS_NEW_CONTACT(FIELD)                                                             \
    FIELD(NUMBER,   number,              "arrival number: grows with every contact")               \
    FIELD(TEXT,     owner,               "identity of the connector it belongs to")                \
    FIELD(CHANNEL,  channel,             "channel")                                                \
    FIELD(QUEUE,    queue,               "queue")                                                  \
    FIELD(TIER,     tier,                "customer's tier")                                        \
    FIELD(ISSUE,    issue,               "issue type")                                             \
    FIELD(LANGUAGE, language,            "language")                                               \
    FIELD(TEXT,     customer,            "the customer's id")                                      \
    FIELD(RAW,      customer_attributes, "what the connector said about the customer")             \
    FIELD(RAW,      attributes,          "what the connector said about the contact")              \
    FIELD(TEXT,     subject,             "subject line")                                           \
    FIELD(TEXT,     text,                "message text")                                           \
    FIELD(BIN,      payload,             "opaque bytes for the agent")                             \
    FIELD(SKILLS,   skills,              "required in addition to the queue's")                    \
    FIELD(AGENT,    preferred,           "agent waited for")                                       \
    FIELD(TIME,     hold_until,          "the preferred agent is waited for until then")           \
    FIELD(SPAN,     boost,               "head start in the order")                                \
    FIELD(TIME,     start_at,            "targets and waits count from it")                        \
    FIELD(TIME,     not_before_at,       "scheduled until then")                                   \
    FIELD(FLAG,     keeps_place,         "ordered as from its submission though scheduled")        \
    FIELD(TIME,     expires_at,          "given up then if still waiting")                         \
    FIELD(SPAN,     expires,             "how long it may wait from its schedule")                 \
    FIELD(SPAN,     lost,                "ended when its connector is away for so long")           \
    FIELD(TEXT,     parent,              "the contact this one belongs to")                        \
    FIELD(TEXT,     reopens,             "the ended contact it continues")                         \
    FIELD(TIME,     answer_at,           "promise to answer")                                      \
    FIELD(TIME,     progress_at,         "promise of progress")                                    \
    FIELD(TIME,     resolve_at,          "promise to resolve")                                     \
    FIELD(TEXT,     why_tier,            "why this tier")                                          \
    FIELD(TEXT,     why_issue,           "why this issue type")                                    \
    FIELD(TEXT,     why_queue,           "why this queue")                                         \
    FIELD(TEXT,     why_language,        "why this language")                                      \
    FIELD(NUMBER,   config_version,      "configuration that decided")                             \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_CONTACT_WOKEN(FIELD)                                                           \
    FIELD(TIME,     start_at,            "targets and waits count from it")                        \
    FIELD(TIME,     expires_at,          "given up then if still waiting")                         \
    FIELD(TIME,     answer_at,           "promise to answer")                                      \
    FIELD(TIME,     progress_at,         "promise of progress")                                    \
    FIELD(TIME,     resolve_at,          "promise to resolve")                                     \
    FIELD(TIME,     hold_until,          "the preferred agent is waited for until then")

#define FACT_FIELDS_CONTACT_UPDATED(FIELD)                                                         \
    FIELD(QUEUE,    queue,               "new queue")                                              \
    FIELD(TIER,     tier,                "new tier")                                               \
    FIELD(ISSUE,    issue,               "new issue type")                                         \
    FIELD(LANGUAGE, language,            "new language")                                           \
    FIELD(TEXT,     customer,            "new customer id")                                        \
    FIELD(RAW,      customer_attributes, "all of the customer's attributes from now")              \
    FIELD(RAW,      attributes,          "all attributes from now")                                \
    FIELD(TEXT,     subject,             "new subject")                                            \
    FIELD(TEXT,     text,                "new text")                                               \
    FIELD(BIN,      payload,             "new payload")                                            \
    FIELD(FLAG,     skills_given,        "skills replace what it required of its own")             \
    FIELD(SKILLS,   skills,              "required in addition to the queue's")                    \
    FIELD(SPAN,     boost,               "new head start")                                         \
    FIELD(TIME,     not_before_at,       "new schedule")                                           \
    FIELD(TIME,     answer_at,           "new promise to answer")                                  \
    FIELD(TIME,     progress_at,         "new promise of progress")                                \
    FIELD(TIME,     resolve_at,          "new promise to resolve")                                 \
    FIELD(TEXT,     why_tier,            "why this tier")                                          \
    FIELD(TEXT,     why_issue,           "why this issue type")                                    \
    FIELD(TEXT,     why_queue,           "why this queue")                                         \
    FIELD(TEXT,     why_language,        "why this language")                                      \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_CONTACT_MOVED(FIELD)                                                           \
    FIELD(QUEUE,    queue,               "where it waits now")                                     \
    FIELD(TEXT,     reason,              "why")                                                    \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_CONTACT_OFFERED(FIELD)                                                         \
    FIELD(NUMBER,   offer,               "number of the offer")                                    \
    FIELD(AGENT,    agent,               "to whom")                                                \
    FIELD(TIME,     until,               "when its first clock ends")                              \
    FIELD(FLAG,     shown,               "the answer clock runs from the start: no receipt awaited") \
    FIELD(FLAG,     named,               "for this agent by name, not by the queue's strategy")    \
    FIELD(TEXT,     why,                 "why this agent")

#define FACT_FIELDS_OFFER(FIELD)                                                                   \
    FIELD(NUMBER,   offer,               "number of the offer")                                    \
    FIELD(AGENT,    agent,               "whose")                                                  \
    FIELD(TIME,     until,               "when the clock that runs now ends")

#define FACT_FIELDS_OFFER_ENDED(FIELD)                                                             \
    FIELD(NUMBER,   offer,               "number of the offer")                                    \
    FIELD(AGENT,    agent,               "whose it was")                                           \
    FIELD(TEXT,     reason,              "why")                                                    \
    FIELD(NUMBER,   misses,              "offers missed in a row, this one included")              \
    FIELD(TIME,     cool_until,          "not offered to this agent again before")

#define FACT_FIELDS_WRAP_UP_STARTED(FIELD)                                                         \
    FIELD(NUMBER,   offer,               "number of the assignment's offer")                       \
    FIELD(AGENT,    agent,               "who wraps up")                                           \
    FIELD(TIME,     until,               "when it ends by itself")                                 \
    FIELD(TEXT,     disposition,         "the agent's word for the result")                        \
    FIELD(FLAG,     unresolved,          "the customer's matter is not settled")                   \
    FIELD(TEXT,     reason,              "why the work ended")                                     \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_WRAP_UP_ENDED(FIELD)                                                           \
    FIELD(NUMBER,   offer,               "number of the assignment's offer")                       \
    FIELD(AGENT,    agent,               "who wrapped up a contact that went on elsewhere")        \
    FIELD(TEXT,     reason,              "why")

#define FACT_FIELDS_CONTACT_ENDED(FIELD)                                                           \
    FIELD(TEXT,     reason,              "precisely how")                                          \
    FIELD(AGENT,    agent,               "who had it")                                             \
    FIELD(TEXT,     disposition,         "the agent's word for the result")                        \
    FIELD(FLAG,     unresolved,          "the customer's matter is not settled")                   \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_CONTACT_GIVEN_BACK(FIELD)                                                      \
    FIELD(AGENT,    agent,               "who had it")                                             \
    FIELD(QUEUE,    queue,               "where it waits now")                                     \
    FIELD(AGENT,    to,                  "the agent it was meant for")                             \
    FIELD(ISSUE,    issue,               "new issue type")                                         \
    FIELD(FLAG,     skills_given,        "skills replace what it required of its own")             \
    FIELD(SKILLS,   skills,              "required in addition to the queue's")                    \
    FIELD(AGENT,    preferred,           "agent waited for")                                       \
    FIELD(TIME,     hold_until,          "the preferred agent is waited for until then")           \
    FIELD(TIME,     not_before_at,       "scheduled until then")                                   \
    FIELD(TIME,     wrap_up_until,       "the giver wraps up until then")                          \
    FIELD(TEXT,     reason,              "why")                                                    \
    FIELD(TEXT,     note,                "the giver's words for the next agent")                   \
    FIELD(TEXT,     actor,               "who asked")                                              \
    FIELD(TIME,     expires_at,          "given up then if it still waits")

#define FACT_FIELDS_PROMISE(FIELD)                                                                 \
    FIELD(PROMISE,  promise,             "which")                                                  \
    FIELD(TEXT,     actor,               "who said so")

#define FACT_FIELDS_CONTACT_RATED(FIELD)                                                           \
    FIELD(NUMBER,   score,               "1 to 5")                                                 \
    FIELD(TEXT,     rating,              "kind of rating")                                         \
    FIELD(TEXT,     comment,             "the customer's words")                                   \
    FIELD(TEXT,     actor,               "who said so")

#define FACT_FIELDS_AGENT_PUT(FIELD)                                                               \
    FIELD(TEXT,     name,                "for people")                                             \
    FIELD(TEXT,     address,             "where it is reached")                                    \
    FIELD(SKILLS,   skills,              "what it can")                                            \
    FIELD(NUMBER,   units,               "capacity; absent: the workspace's")                      \
    FIELD(MAXIMA,   max,                 "contacts at a time in channels")                         \
    FIELD(QUEUES,   queues,              "queues it serves, with ranks of its own")                \
    FIELD(FLAG,     all_queues,          "serves every queue")                                     \
    FIELD(NUMBER,   digest,              "of the file's entry; absent: put by an admin")           \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_ACTOR(FIELD)                                                                   \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_AGENT_SIGNED_IN(FIELD)                                                         \
    FIELD(NUMBER,   session,             "its connection")                                         \
    FIELD(FLAG,     pull,                "takes offers by agent.pull")                             \
    FIELD(FLAG,     receipts,            "says when it shows an offer")                            \
    FIELD(FLAG,     auto_accept,         "an offer is an assignment")                              \
    FIELD(FLAG,     available,           "takes offers at once")                                   \
    FIELD(TEXT,     reason,              "why away")                                               \
    FIELD(TEXT,     address,             "where it is reached")

#define FACT_FIELDS_AGENT_STATE(FIELD)                                                             \
    FIELD(TEXT,     reason,              "why")                                                    \
    FIELD(TIME,     until,               "available again by itself, or grace ends, then")         \
    FIELD(TEXT,     actor,               "who asked")

#define FACT_FIELDS_OWNER_STARTED(FIELD)                                                           \
    FIELD(NUMBER,   epoch,               "number of this ownership")

#define FACT_FIELDS_JOURNAL_STALLED(FIELD)                                                         \
    FIELD(SPAN,     duration,            "how long nothing could be made durable")

#define FACT_FIELDS_CONFIG_APPLIED(FIELD)                                                          \
    FIELD(NUMBER,   version,             "counts the configurations of this workspace")            \
    FIELD(NUMBER,   digest,              "of the file last seen: one with this digest is not applied again") \
    FIELD(TEXT,     text,                "the workspace's document as given")                      \
    FIELD(RAW,      settings,            "what the engine was told, compiled")                     \
    FIELD(TEXT,     actor,               "who asked")

/* FACT(symbol, word, subject, fields, help); subject: CONTACT, AGENT, CONNECTOR, WORKSPACE */
#define FACT_TABLE_1(FACT)                                                                         \
    FACT(CONTACT_QUEUED,    contact_queued,    CONTACT,   NEW_CONTACT,        "a new contact waits in a queue") \
    FACT(CONTACT_SCHEDULED, contact_scheduled, CONTACT,   NEW_CONTACT,        "a new contact waits for its time") \
    FACT(CONTACT_WOKEN,     contact_woken,     CONTACT,   CONTACT_WOKEN,      "a scheduled contact's time has come; it waits in its queue") \
    FACT(CONTACT_UPDATED,   contact_updated,   CONTACT,   CONTACT_UPDATED,    "what is known about it changed") \
    FACT(CONTACT_MOVED,     contact_moved,     CONTACT,   CONTACT_MOVED,      "a waiting contact waits in another queue") \
    FACT(CONTACT_ESCALATED, contact_escalated, CONTACT,   CONTACT_MOVED,      "as moved, because nobody took it") \
    FACT(CONTACT_OPENED,    contact_opened,    CONTACT,   NONE,               "its preferred agent is waited for no longer") \
    FACT(CONTACT_OFFERED,   contact_offered,   CONTACT,   CONTACT_OFFERED,    "held for one agent") \
    FACT(OFFER_RECEIVED,    offer_received,    CONTACT,   OFFER,              "the agent's desktop shows it; the answer clock runs") \
    FACT(OFFER_ACCEPTED,    offer_accepted,    CONTACT,   OFFER,              "the agent works the contact") \
    FACT(OFFER_DECLINED,    offer_declined,    CONTACT,   OFFER_ENDED,        "the agent said no; it waits again, in its place") \
    FACT(OFFER_TIMED_OUT,   offer_timed_out,   CONTACT,   OFFER_ENDED,        "the agent did not answer; it waits again, in its place") \
    FACT(OFFER_WITHDRAWN,   offer_withdrawn,   CONTACT,   OFFER_ENDED,        "taken back, through no fault of the agent; it waits again, in its place") \
    FACT(CONTACT_TRANSFERRED, contact_transferred, CONTACT, CONTACT_GIVEN_BACK, "its agent passed it on; it waits") \
    FACT(CONTACT_REQUEUED,  contact_requeued,  CONTACT,   CONTACT_GIVEN_BACK, "taken from its agent; it waits, or is scheduled") \
    FACT(WRAP_UP_STARTED,   wrap_up_started,   CONTACT,   WRAP_UP_STARTED,    "the work ended, after-contact work began") \
    FACT(WRAP_UP_ENDED,     wrap_up_ended,     CONTACT,   WRAP_UP_ENDED,      "an agent that had passed the contact on is done with it") \
    FACT(CONTACT_COMPLETED, contact_completed, CONTACT,   CONTACT_ENDED,      "ended: worked") \
    FACT(CONTACT_CANCELLED, contact_cancelled, CONTACT,   CONTACT_ENDED,      "ended: the customer or the connector no longer wants it") \
    FACT(CONTACT_EXPIRED,   contact_expired,   CONTACT,   CONTACT_ENDED,      "ended: waited as long as it was to wait") \
    FACT(CONTACT_AT_RISK,   contact_at_risk,   CONTACT,   PROMISE,            "a promise will be missed soon") \
    FACT(CONTACT_OVERDUE,   contact_overdue,   CONTACT,   PROMISE,            "a promise was missed") \
    FACT(PROMISE_KEPT,      promise_kept,      CONTACT,   PROMISE,            "a promise was kept") \
    FACT(CONTACT_RATED,     contact_rated,     CONTACT,   CONTACT_RATED,      "the customer's judgement") \
    FACT(AGENT_PUT,         agent_put,         AGENT,     AGENT_PUT,          "an agent exists, as described") \
    FACT(AGENT_REMOVED,     agent_removed,     AGENT,     ACTOR,              "an agent exists no longer") \
    FACT(AGENT_SIGNED_IN,   agent_signed_in,   AGENT,     AGENT_SIGNED_IN,    "connected; an older connection is over") \
    FACT(AGENT_AVAILABLE,   agent_available,   AGENT,     ACTOR,              "takes offers") \
    FACT(AGENT_AWAY,        agent_away,        AGENT,     AGENT_STATE,        "takes no offers") \
    FACT(AGENT_LOST,        agent_lost,        AGENT,     AGENT_STATE,        "its connection ended; grace time runs") \
    FACT(AGENT_SIGNED_OUT,  agent_signed_out,  AGENT,     AGENT_STATE,        "gone") \
    FACT(CONNECTOR_LOST,    connector_lost,    CONNECTOR, NONE,               "no connection of it exists") \
    FACT(CONNECTOR_RETURNED, connector_returned, CONNECTOR, NONE,             "it is connected again") \
    FACT(OWNER_STARTED,     owner_started,     WORKSPACE, OWNER_STARTED,      "a node began to serve the workspace; all sessions are lost from now") \
    FACT(OWNER_CONTINUED,   owner_continued,   WORKSPACE, OWNER_STARTED,      "its owner goes on under a higher epoch, because the store's primary is another one; sessions stay") \
    FACT(JOURNAL_STALLED,   journal_stalled,   WORKSPACE, JOURNAL_STALLED,    "running offer clocks move by this") \
    FACT(CONFIG_APPLIED,    config_applied,    WORKSPACE, CONFIG_APPLIED,     "the workspace's configuration from now")
/* clang-format on */

#define FACT_TABLE(FACT) FACT_TABLE_1(FACT) FACT_TABLE_2(FACT)

#endif

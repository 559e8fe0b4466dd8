/* Every notification and its fields, once. Each also carries `epoch` and `seq`. */
#ifndef PROTO_NOTICE_TABLE_H
#define PROTO_NOTICE_TABLE_H

/* X(symbol, wire name, help) */
#define NOTICE_TABLE(X)                                                                            \
    X(CONTACT_CHANGED, "contact.changed",                                                          \
      "to a connector: a contact of its has another state, queue, agent or step")                  \
    X(OFFER, "offer", "to an agent in push mode: the map of an offer")                             \
    X(OFFER_WITHDRAWN, "offer.withdrawn",                                                          \
      "to an agent: an offer ended, and not by the agent's own word")                              \
    X(CONTACT_UPDATED, "contact.updated",                                                          \
      "to an agent: something happened to what it holds, not by its own doing")                    \
    X(CONTACT_ENDED, "contact.ended", "to an agent: what it held has ended, not by its own doing") \
    X(AGENT_CHANGED, "agent.changed",                                                              \
      "to an agent: it is available or away now, and not by its own word")                         \
    X(SIGNED_OUT, "signed_out", "to an agent: this connection is no longer the agent's")           \
    X(MOVED, "moved", "to everyone: another node owns the workspace now")                          \
    X(DRAINING, "draining", "to everyone: this node is about to stop")

/* X(notification, field's wire name, type, help)
 *
 * The fields of an offer are those of the offer map, see OFFER_FIELD_TABLE. */
#define NOTICE_FIELD_TABLE(X)                                                                      \
    X(CONTACT_CHANGED, "contact", "str", "its id")                                                 \
    X(CONTACT_CHANGED, "state", "str", "its state now")                                            \
    X(CONTACT_CHANGED, "queue", "str", "its queue")                                                \
    X(CONTACT_CHANGED, "agent", "str", "the agent that has it, or is offered it")                  \
    X(CONTACT_CHANGED, "agent_name", "str", "that agent's name for people")                        \
    X(CONTACT_CHANGED, "agent_address", "str", "where that agent can be reached")                  \
    X(CONTACT_CHANGED, "offer", "str", "the offer that stands")                                    \
    X(CONTACT_CHANGED, "position", "int", "its place in line, from 1")                             \
    X(CONTACT_CHANGED, "estimated_wait_ms", "int or nil", "nil while nothing is known")            \
    X(CONTACT_CHANGED, "reason", "str", "why")                                                     \
    X(CONTACT_CHANGED, "step", "str", "the step that changed it")                                  \
    X(OFFER_WITHDRAWN, "offer", "str", "the offer's id")                                           \
    X(OFFER_WITHDRAWN, "contact", "str", "the contact's id")                                       \
    X(OFFER_WITHDRAWN, "reason", "str",                                                            \
      "timed_out, undelivered, cancelled, away, transferred, ...")                                 \
    X(CONTACT_UPDATED, "contact", "str", "its id")                                                 \
    X(CONTACT_UPDATED, "state", "str", "its state now")                                            \
    X(CONTACT_UPDATED, "reason", "str", "what happened")                                           \
    X(CONTACT_UPDATED, "...", "as given", "the fields that contact.update changed")                \
    X(CONTACT_ENDED, "contact", "str", "its id")                                                   \
    X(CONTACT_ENDED, "reason", "str", "how it ended")                                              \
    X(AGENT_CHANGED, "agent", "str", "the agent's id")                                             \
    X(AGENT_CHANGED, "state", "str", "available or away")                                          \
    X(AGENT_CHANGED, "reason", "str", "why away: missed_offer, or a supervisor's word")            \
    X(AGENT_CHANGED, "return_at", "time", "available again by itself then")                        \
    X(SIGNED_OUT, "agent", "str", "the agent's id")                                                \
    X(SIGNED_OUT, "reason", "str", "taken_over: do not sign in again without a person asking")     \
    X(MOVED, "address", "str", "where the owner is")

/* X(field's wire name, type, help): the map that an agent gets as an offer, pushed or pulled. */
#define OFFER_FIELD_TABLE(X)                                                                       \
    X("offer", "str", "the offer's id; accept and decline name it")                                \
    X("contact", "str", "the contact's id")                                                        \
    X("channel", "str", "how the customer came")                                                   \
    X("queue", "str", "the queue it waited in")                                                    \
    X("tier", "str", "the customer's tier")                                                        \
    X("issue", "str", "what it is about")                                                          \
    X("language", "str", "BCP 47")                                                                 \
    X("customer", "map", "as the connector gave it")                                               \
    X("subject", "str", "as given")                                                                \
    X("text", "str", "as given")                                                                   \
    X("attributes", "map", "as merged so far")                                                     \
    X("payload", "bin", "as given")                                                                \
    X("submitted_at", "time", "when it came")                                                      \
    X("waited_ms", "duration", "how long it has waited")                                           \
    X("deadline_at", "time", "the first promise, without boost")                                   \
    X("due", "map of time", "every promise: answer, and progress and resolve where configured")    \
    X("expires_ms", "duration", "what remains of the clock that runs for this offer")              \
    X("attempt", "int", "the how-manieth offer of this visit of the queue, from 1")                \
    X("visits", "int", "how many queue visits it has had")                                         \
    X("note", "str", "what the agent before left for the next one")                                \
    X("from", "map {agent, queue, reason}", "who gave it away, where, and why")                    \
    X("why", "map", "how tier, issue, queue and language were found")

#endif

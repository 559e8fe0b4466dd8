/* Every parameter's name, once, and for each method the parameters it takes.
 *
 * Read by method.h and by the manual; the words of the columns are explained there. */
#ifndef PROTO_PARAMETER_TABLE_H
#define PROTO_PARAMETER_TABLE_H

/* X(symbol, wire name, help) */
#define FIELD_TABLE(X)                                                                             \
    X(PROTOCOL, "protocol", "the version of the protocol: 1")                                      \
    X(ROLE, "role", "what the client is")                                                          \
    X(WORKSPACE, "workspace", "the routing domain to work in")                                     \
    X(TOKEN, "token", "authentication; not built yet, so it is refused")                           \
    X(CLIENT, "client", "the program at the other end, as name/version; for the log")              \
    X(NAME, "name", "a name for people, and of a connector its identity")                          \
    X(NOTIFY, "notify", "what a connector hears of its contacts; all unless given")                \
    X(EPOCH, "epoch", "the highest epoch the client has seen")                                     \
    X(SEQ, "seq", "the highest seq the client has seen under that epoch")                          \
    X(STANDBY, "standby", "a second, silent session, told when this node becomes the owner")       \
    X(ID, "id", "the identity of this one contact; without it the server makes one")               \
    X(REOPENS, "reopens", "id of the ended contact that this one continues")                       \
    X(CHANNEL, "channel", "how the customer came; one the configuration knows")                    \
    X(CUSTOMER, "customer", "who it is")                                                           \
    X(ISSUE, "issue", "what it is about, if that is known")                                        \
    X(LANGUAGE, "language", "BCP 47, if that is known")                                            \
    X(SUBJECT, "subject", "what classification may read first")                                    \
    X(TEXT, "text", "what classification may read")                                                \
    X(ATTRIBUTES, "attributes", "what rules may read; a number compares with numbers only")        \
    X(SKILLS, "skills", "required in addition to the queue's")                                     \
    X(QUEUE, "queue", "the name of a queue")                                                       \
    X(PREFERRED_AGENT, "preferred_agent", "waited for as long as the queue holds for it")          \
    X(BOOST_MS, "boost_ms",                                                                        \
      "the head start in the order: the deadline counts as that much earlier")                     \
    X(RECEIVED_AT, "received_at",                                                                  \
      "when the customer wrote, if not now; targets and waits count from it")                      \
    X(NOT_BEFORE_AT, "not_before_at", "wait until then; targets count from it")                    \
    X(KEEPS_PLACE, "keeps_place", "a callback instead of waiting: ordered as from its submission") \
    X(EXPIRES_MS, "expires_ms", "give up after so long waiting")                                   \
    X(LOST_MS, "lost_ms", "end it if no connection of its connector has existed for so long")      \
    X(PARENT, "parent", "the contact this one belongs to (a consult)")                             \
    X(PAYLOAD, "payload", "opaque; handed to the agent as it came")                                \
    X(CONTACT, "contact", "the contact's id")                                                      \
    X(AFTER, "after", "the `next` of the answer before: go on behind it")                          \
    X(LIMIT, "limit", "rows wanted, 100 unless given; more than 1,000 is taken for 1,000")         \
    X(ENDED_SINCE_AT, "ended_since_at", "with the ended ones since then")                          \
    X(KEPT, "kept", "the promise that was kept")                                                   \
    X(REASON, "reason", "why, in a word or a sentence")                                            \
    X(SCORE, "score", "1 to 5")                                                                    \
    X(KIND, "kind", "what was rated")                                                              \
    X(COMMENT, "comment", "what the customer wrote about it")                                      \
    X(AGENT, "agent", "the agent's id")                                                            \
    X(MODE, "mode", "push (unless given): offers come by themselves; pull: on agent.pull")         \
    X(STATE, "state", "a state")                                                                   \
    X(RECEIPTS, "receipts", "the desktop will send offer.received for each offer that it shows")   \
    X(AUTO_ACCEPT, "auto_accept", "an offer is already an assignment (bots)")                      \
    X(ADDRESS, "address", "where the agent can be reached; told to connectors")                    \
    X(MAX, "max", "offers wanted, 1 unless given")                                                 \
    X(WAIT_MS, "wait_ms", "how long to wait for an offer, 0 unless given")                         \
    X(OFFER, "offer", "the offer's id")                                                            \
    X(DISPOSITION, "disposition", "how it ended, in the words of the contact centre")              \
    X(RESOLVED, "resolved", "whether the customer's matter is settled; true unless given")         \
    X(WRAP_UP_MS, "wrap_up_ms", "after-contact work; the queue's setting unless given, 0: none")   \
    X(NOTE, "note", "for the next agent")                                                          \
    X(TIER, "tier", "a tier's name")                                                               \
    X(SINCE_AT, "since_at", "from then on")                                                        \
    X(UNTIL_AT, "until_at", "until then")                                                          \
    X(OVERDUE, "overdue",                                                                          \
      "only those (true) or only the others (false) whose deadline has passed")                    \
    X(BY, "by", "one row for each of these")                                                       \
    X(CAPACITY, "capacity", "units, and how many contacts of a channel at a time")                 \
    X(QUEUES, "queues", "the queues served, perhaps ranked; all of them unless given")             \
    X(NODE, "node", "the name of the node that is meant; the one that is asked")                   \
    X(UNDO, "undo", "take it back: own again what belongs here")

/* X(method, field, type, roles that may give it, roles that must, what is allowed, help)
 *
 * An empty help means: what the field's own row says. */
#define PARAMETER_TABLE(X)                                                                         \
    X(HELLO, PROTOCOL, INTEGER, ROLES_ALL, ROLES_ALL, RANGE(1, 1), "")                             \
    X(HELLO, ROLE, WORD, ROLES_ALL, ROLES_ALL, WORDS(ROLE), "")                                    \
    X(HELLO, WORKSPACE, ID, ROLES_ALL, ROLES_ALL, BYTES(NAME), "")                                 \
    X(HELLO, TOKEN, REFUSED, ROLES_ALL, ROLES_NOBODY, ANY, "")                                     \
    X(HELLO, CLIENT, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                                 \
    X(HELLO, NAME, ID, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                                   \
    X(HELLO, NOTIFY, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(NOTIFY), "")                             \
    X(HELLO, EPOCH, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(0, INTEGER_MAX), "")                   \
    X(HELLO, SEQ, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(0, INTEGER_MAX), "")                     \
    X(HELLO, STANDBY, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                                      \
    X(CONTACT_SUBMIT, ID, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                              \
    X(CONTACT_SUBMIT, REOPENS, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                         \
    X(CONTACT_SUBMIT, CHANNEL, TEXT, ROLES_ALL, ROLES_ALL, BYTES(NAME), "")                        \
    X(CONTACT_SUBMIT, CUSTOMER, CUSTOMER, ROLES_ALL, ROLES_NOBODY, ANY, "")                        \
    X(CONTACT_SUBMIT, ISSUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                       \
    X(CONTACT_SUBMIT, LANGUAGE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                    \
    X(CONTACT_SUBMIT, SUBJECT, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(SUBJECT), "")                  \
    X(CONTACT_SUBMIT, TEXT, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(TEXT), "")                        \
    X(CONTACT_SUBMIT, ATTRIBUTES, ATTRIBUTES, ROLES_ALL, ROLES_NOBODY, ANY, "")                    \
    X(CONTACT_SUBMIT, SKILLS, SKILLS, ROLES_ALL, ROLES_NOBODY, ANY, "")                            \
    X(CONTACT_SUBMIT, QUEUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME),                           \
      "names the queue outright")                                                                  \
    X(CONTACT_SUBMIT, PREFERRED_AGENT, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                 \
    X(CONTACT_SUBMIT, BOOST_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(INTEGER_MIN, INTEGER_MAX), \
      "")                                                                                          \
    X(CONTACT_SUBMIT, RECEIVED_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                     \
    X(CONTACT_SUBMIT, NOT_BEFORE_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                   \
    X(CONTACT_SUBMIT, KEEPS_PLACE, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                         \
    X(CONTACT_SUBMIT, EXPIRES_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, DURATION, "")                  \
    X(CONTACT_SUBMIT, LOST_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, DURATION, "")                     \
    X(CONTACT_SUBMIT, PARENT, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                          \
    X(CONTACT_SUBMIT, PAYLOAD, PAYLOAD, ROLES_ALL, ROLES_NOBODY, BYTES(PAYLOAD), "")               \
    X(CONTACT_GET, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                               \
    X(CONTACT_MINE, AFTER, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                           \
    X(CONTACT_MINE, LIMIT, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(1, INTEGER_MAX), "")            \
    X(CONTACT_MINE, ENDED_SINCE_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                    \
    X(CONTACT_UPDATE, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                            \
    X(CONTACT_UPDATE, SUBJECT, TEXT, ROLES_NOT_AGENT, ROLES_NOBODY, BYTES(SUBJECT), "")            \
    X(CONTACT_UPDATE, TEXT, TEXT, ROLES_NOT_AGENT, ROLES_NOBODY, BYTES(TEXT), "")                  \
    X(CONTACT_UPDATE, LANGUAGE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                    \
    X(CONTACT_UPDATE, CUSTOMER, CUSTOMER, ROLES_NOT_AGENT, ROLES_NOBODY, ANY, "")                  \
    X(CONTACT_UPDATE, ATTRIBUTES, ATTRIBUTES, ROLES_ALL, ROLES_NOBODY, ANY,                        \
      "merged key by key; nil removes")                                                            \
    X(CONTACT_UPDATE, SKILLS, SKILLS, ROLES_NOT_AGENT, ROLES_NOBODY, ANY, "")                      \
    X(CONTACT_UPDATE, ISSUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                       \
    X(CONTACT_UPDATE, BOOST_MS, INTEGER, ROLES_NOT_AGENT, ROLES_NOBODY,                            \
      RANGE(INTEGER_MIN, INTEGER_MAX), "")                                                         \
    X(CONTACT_UPDATE, NOT_BEFORE_AT, INTEGER, ROLES_NOT_AGENT, ROLES_NOBODY, TIME,                 \
      "an earlier time wakes a scheduled contact")                                                 \
    X(CONTACT_UPDATE, PAYLOAD, PAYLOAD, ROLES_NOT_AGENT, ROLES_NOBODY, BYTES(PAYLOAD), "")         \
    X(CONTACT_UPDATE, KEPT, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(KEPT), "")                        \
    X(CONTACT_CANCEL, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                            \
    X(CONTACT_CANCEL, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                      \
    X(CONTACT_END, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                               \
    X(CONTACT_END, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                         \
    X(CONTACT_RATE, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                              \
    X(CONTACT_RATE, SCORE, INTEGER, ROLES_ALL, ROLES_ALL, RANGE(1, 5), "")                         \
    X(CONTACT_RATE, KIND, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                          \
    X(CONTACT_RATE, COMMENT, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                       \
    X(AGENT_SIGN_IN, AGENT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                               \
    X(AGENT_SIGN_IN, MODE, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(MODE), "")                         \
    X(AGENT_SIGN_IN, STATE, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(AGENT_STATE),                     \
      "without it: what it was on takeover or within the grace time, else away")                   \
    X(AGENT_SIGN_IN, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                       \
    X(AGENT_SIGN_IN, RECEIPTS, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                             \
    X(AGENT_SIGN_IN, AUTO_ACCEPT, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                          \
    X(AGENT_SIGN_IN, ADDRESS, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(SUBJECT), "")                   \
    X(AGENT_SET_STATE, AGENT, ID, ROLES_ALL, ROLES_DESK, BYTES(ID),                                \
      "whose; of an agent, only its own")                                                          \
    X(AGENT_SET_STATE, STATE, WORD, ROLES_ALL, ROLES_ALL, WORDS(AGENT_STATE), "")                  \
    X(AGENT_SET_STATE, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                     \
    X(AGENT_PULL, MAX, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(1, INTEGER_MAX), "")                \
    X(AGENT_PULL, WAIT_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, DURATION, "")                         \
    X(OFFER_RECEIVED, OFFER, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                              \
    X(OFFER_ACCEPT, OFFER, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                                \
    X(OFFER_DECLINE, OFFER, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                               \
    X(OFFER_DECLINE, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                       \
    X(CONTACT_COMPLETE, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                          \
    X(CONTACT_COMPLETE, DISPOSITION, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")               \
    X(CONTACT_COMPLETE, RESOLVED, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                          \
    X(CONTACT_COMPLETE, WRAP_UP_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, DURATION, "")                \
    X(CONTACT_WRAPPED_UP, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                        \
    X(CONTACT_TRANSFER, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                          \
    X(CONTACT_TRANSFER, QUEUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME),                         \
      "where to; this or agent, never both")                                                       \
    X(CONTACT_TRANSFER, AGENT, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID),                             \
      "whom to; this or queue, never both")                                                        \
    X(CONTACT_TRANSFER, SKILLS, SKILLS, ROLES_ALL, ROLES_NOBODY, ANY, "")                          \
    X(CONTACT_TRANSFER, ISSUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                     \
    X(CONTACT_TRANSFER, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                    \
    X(CONTACT_TRANSFER, NOTE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                      \
    X(CONTACT_TRANSFER, WRAP_UP_MS, INTEGER, ROLES_ALL, ROLES_NOBODY, DURATION, "the giver's")     \
    X(CONTACT_REQUEUE, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                           \
    X(CONTACT_REQUEUE, REASON, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                     \
    X(CONTACT_REQUEUE, NOTE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NOTE), "")                       \
    X(CONTACT_REQUEUE, NOT_BEFORE_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                  \
    X(CONTACT_REQUEUE, PREFERRED_AGENT, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                \
    X(QUEUE_LIST, AFTER, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                             \
    X(QUEUE_LIST, LIMIT, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(1, INTEGER_MAX), "")              \
    X(QUEUE_GET, QUEUE, TEXT, ROLES_ALL, ROLES_ALL, BYTES(NAME), "")                               \
    X(AGENT_LIST, AFTER, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                             \
    X(AGENT_LIST, LIMIT, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(1, INTEGER_MAX), "")              \
    X(AGENT_GET, AGENT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                                   \
    X(CONTACT_LIST, QUEUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                         \
    X(CONTACT_LIST, STATE, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(CONTACT_STATE), "")                \
    X(CONTACT_LIST, CUSTOMER, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "the customer's id")         \
    X(CONTACT_LIST, AGENT, ID, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                             \
    X(CONTACT_LIST, TIER, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                          \
    X(CONTACT_LIST, ISSUE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                         \
    X(CONTACT_LIST, LANGUAGE, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                      \
    X(CONTACT_LIST, SINCE_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "submitted then or later")   \
    X(CONTACT_LIST, OVERDUE, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                               \
    X(CONTACT_LIST, AFTER, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(ID), "")                           \
    X(CONTACT_LIST, LIMIT, INTEGER, ROLES_ALL, ROLES_NOBODY, RANGE(1, INTEGER_MAX), "")            \
    X(CONTACT_MOVE, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                              \
    X(CONTACT_MOVE, QUEUE, TEXT, ROLES_ALL, ROLES_ALL, BYTES(NAME), "")                            \
    X(CONTACT_ASSIGN, CONTACT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                            \
    X(CONTACT_ASSIGN, AGENT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                              \
    X(STATS, SINCE_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                                 \
    X(STATS, UNTIL_AT, INTEGER, ROLES_ALL, ROLES_NOBODY, TIME, "")                                 \
    X(STATS, BY, WORD, ROLES_ALL, ROLES_NOBODY, WORDS(STATS_BY), "")                               \
    X(AGENT_PUT, AGENT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                                   \
    X(AGENT_PUT, NAME, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                             \
    X(AGENT_PUT, SKILLS, SKILLS, ROLES_ALL, ROLES_NOBODY, ANY, "what the agent can do")            \
    X(AGENT_PUT, CAPACITY, CAPACITY, ROLES_ALL, ROLES_NOBODY, ANY, "")                             \
    X(AGENT_PUT, QUEUES, QUEUES, ROLES_ALL, ROLES_NOBODY, ANY, "")                                 \
    X(AGENT_PUT, ADDRESS, TEXT, ROLES_ALL, ROLES_NOBODY, BYTES(SUBJECT), "")                       \
    X(AGENT_REMOVE, AGENT, ID, ROLES_ALL, ROLES_ALL, BYTES(ID), "")                                \
    X(CONFIG_CHECK, TEXT, TEXT, ROLES_ALL, ROLES_ALL, BYTES(FRAME),                                \
      "the configuration, as in the file")                                                         \
    X(CONFIG_APPLY, TEXT, TEXT, ROLES_ALL, ROLES_ALL, BYTES(FRAME),                                \
      "the configuration, as in the file")                                                         \
    X(NODE_DRAIN, NODE, ID, ROLES_ALL, ROLES_NOBODY, BYTES(NAME), "")                              \
    X(NODE_DRAIN, WORKSPACE, ID, ROLES_ALL, ROLES_NOBODY, BYTES(NAME),                             \
      "only this one, which then stays where it went")                                             \
    X(NODE_DRAIN, UNDO, BOOL, ROLES_ALL, ROLES_NOBODY, ANY, "")                                    \
    X(NODE_TAKEOVER, WORKSPACE, ID, ROLES_ALL, ROLES_ALL, BYTES(NAME), "the one to take")

#endif

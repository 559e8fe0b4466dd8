/* Every method, once: code, PROTOCOL.md and help are made from these rows, and from those of
 * parameter_table.h.
 *
 * Methods that the protocol names and this version does not have yet (watch, contact.explain) have
 * no row: they are `unknown_method`, like any other word. */
#ifndef PROTO_METHOD_TABLE_H
#define PROTO_METHOD_TABLE_H

/* X(symbol, wire name, who may call it, kind, shape of the answer, help)
 *
 * SESSION is answered by the session itself, READ by the state as it is, CHANGE through the
 * journal: its result carries epoch and seq. */
#define METHOD_TABLE(X)                                                                            \
    X(HELLO, "hello", ROLES_ALL, SESSION, SESSION,                                                 \
      "opens the session; must be the first request, within 5 s; a second one is conflict")        \
    X(PING, "ping", ROLES_ALL, SESSION, NOW,                                                       \
      "a sign of life; answers the server's time, and the nodes")                                  \
    X(GOODBYE, "goodbye", ROLES_ALL, SESSION, EMPTY,                                               \
      "ends the session in order; the server answers and closes")                                  \
    X(CONTACT_SUBMIT, "contact.submit", ROLES_CONNECTOR, CHANGE, CONTACT,                          \
      "puts a contact in line; answered once it is durable")                                       \
    X(CONTACT_GET, "contact.get", ROLES_ALL, READ, CONTACT_FULL, "one contact with its history")   \
    X(CONTACT_MINE, "contact.mine", ROLES_CONNECTOR, READ, CONTACTS,                               \
      "the connector's contacts; changes from then on are notified")                               \
    X(CONTACT_UPDATE, "contact.update", ROLES_ALL, CHANGE, CONTACT,                                \
      "replaces what is given; attributes merge key by key")                                       \
    X(CONTACT_CANCEL, "contact.cancel", ROLES_CONNECTOR | ROLES_DESK, CHANGE, CONTACT_STATE,       \
      "takes back a contact that no agent has yet")                                                \
    X(CONTACT_END, "contact.end", ROLES_CONNECTOR | ROLES_DESK, CHANGE, CONTACT_STATE,             \
      "the customer left, whatever the state")                                                     \
    X(CONTACT_RATE, "contact.rate", ROLES_CONNECTOR, CHANGE, CONTACT_STATE,                        \
      "what the customer thought of it, from wrapping on; the last counts")                        \
    X(AGENT_SIGN_IN, "agent.sign_in", ROLES_AGENT, CHANGE, AGENT_SESSION,                          \
      "the agent of this connection; takes over from an older one")                                \
    X(AGENT_SIGN_OUT, "agent.sign_out", ROLES_AGENT, CHANGE, EMPTY,                                \
      "gives back what it holds, at once")                                                         \
    X(AGENT_SET_STATE, "agent.set_state", ROLES_AGENT | ROLES_DESK, CHANGE, AGENT_STATE,           \
      "available or away; away withdraws offers and keeps assignments")                            \
    X(AGENT_PULL, "agent.pull", ROLES_AGENT, CHANGE, OFFERS,                                       \
      "asks for offers in pull mode; answered at the latest after wait_ms")                        \
    X(OFFER_RECEIVED, "offer.received", ROLES_AGENT, CHANGE, EMPTY,                                \
      "the desktop shows the offer: from now the answer clock runs")                               \
    X(OFFER_ACCEPT, "offer.accept", ROLES_AGENT, CHANGE, CONTACT_STATE,                            \
      "the offer becomes an assignment")                                                           \
    X(OFFER_DECLINE, "offer.decline", ROLES_AGENT, CHANGE, EMPTY,                                  \
      "the contact keeps its place and goes to others first")                                      \
    X(CONTACT_COMPLETE, "contact.complete", ROLES_AGENT, CHANGE, CONTACT_STATE,                    \
      "the conversation is over; wrap-up begins")                                                  \
    X(CONTACT_WRAPPED_UP, "contact.wrapped_up", ROLES_AGENT, CHANGE, CONTACT_STATE,                \
      "ends the wrap-up before its time")                                                          \
    X(CONTACT_TRANSFER, "contact.transfer", ROLES_AGENT, CHANGE, CONTACT_STATE,                    \
      "hands an assignment to a queue or to an agent")                                             \
    X(CONTACT_REQUEUE, "contact.requeue", ROLES_AGENT, CHANGE, CONTACT_STATE,                      \
      "gives an assignment back to its queue, with its place")                                     \
    X(QUEUE_LIST, "queue.list", ROLES_DESK, READ, QUEUES, "all queues with their figures")         \
    X(QUEUE_GET, "queue.get", ROLES_DESK, READ, QUEUE, "one queue with its figures")               \
    X(AGENT_LIST, "agent.list", ROLES_DESK, READ, AGENTS, "all agents with what they hold")        \
    X(AGENT_GET, "agent.get", ROLES_DESK, READ, AGENT, "one agent with what it holds")             \
    X(CONTACT_LIST, "contact.list", ROLES_DESK, READ, CONTACTS,                                    \
      "contacts by arrival, filtered; ended ones only if state names them")                        \
    X(CONTACT_MOVE, "contact.move", ROLES_DESK, CHANGE, CONTACT_STATE,                             \
      "puts a contact into another queue; an active one goes back to waiting there")               \
    X(CONTACT_ASSIGN, "contact.assign", ROLES_DESK, CHANGE, CONTACT_STATE,                         \
      "offers a contact to an agent that is available and has the capacity")                       \
    X(STATS, "stats", ROLES_DESK, READ, STATS,                                                     \
      "what was achieved in a span of time, by queue, agent, tier, issue or channel")              \
    X(AGENT_PUT, "agent.put", ROLES_ADMIN, CHANGE, AGENT,                                          \
      "makes or changes an agent; acts at once and takes nothing away that it holds")              \
    X(AGENT_REMOVE, "agent.remove", ROLES_ADMIN, CHANGE, EMPTY, "removes what agent.put made")     \
    X(CONFIG_CHECK, "config.check", ROLES_ADMIN, READ, CHECK,                                      \
      "checks a configuration text and changes nothing")                                           \
    X(CONFIG_APPLY, "config.apply", ROLES_ADMIN, CHANGE, VERSION,                                  \
      "makes a configuration text this workspace's, durably")                                      \
    X(NODE_LIST, "node.list", ROLES_ADMIN, SESSION, NODES,                                         \
      "the nodes that share the journal, what they own, and how the journal is")                   \
    X(NODE_DRAIN, "node.drain", ROLES_ADMIN, SESSION, NODE_STATE,                                  \
      "this node hands over what it owns and takes nothing more")                                  \
    X(NODE_TAKEOVER, "node.takeover", ROLES_ADMIN, SESSION, NODE_STATE,                            \
      "this node takes a workspace and keeps it, whoever owns it")

#endif

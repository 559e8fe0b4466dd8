/* Every setting, one row each: parser, defaults, bounds, `--help settings` and
 * deploy/CONFIGURATION.md are made from these lists and from nothing else.
 *
 * ROW(key, member, type, standard, low, high, words, help)
 *   key       as written in the file
 *   member    of the section's struct
 *   type      how it is written, see config_section.h
 *   standard  its value when the file says nothing
 *   low, high what is allowed, both included; of a text its length in bytes
 *   words     WORD: the list of words; TEXT: the default; else NULL
 *
 * PART(key, reader, need, shape, help): what is more than one value, or names things. `reader` is
 * the function that reads it; parts are read in the order of the list, whatever order the file has.
 *
 * Durations are written with their units, "300ms", "20s", "1h30m", "3d"; a bare number is refused,
 * because nobody can tell what it counts. "never" stands for none where a setting allows it. */
#ifndef ROUTER_CONFIG_TABLE_H
#define ROUTER_CONFIG_TABLE_H

#include "proto/limits.h"
#include "queue/settings.h"

#define MS_SECOND INT64_C(1000)
#define MS_MINUTE (60 * MS_SECOND)
#define MS_HOUR   (60 * MS_MINUTE)
#define MS_DAY    (24 * MS_HOUR)
#define MS_YEAR   (366 * MS_DAY)

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

#define CONFIG_WORDS_LOG_LEVEL "error", "warning", "info", "debug"
#define CONFIG_WORDS_ORDER     "deadline", "strict", "fifo"
#define CONFIG_WORDS_STRATEGY                                                                      \
    "longest_idle", "least_occupied", "best_skilled", "fewest_contacts", "round_robin"

/* clang-format off */

#define CONFIG_FILE_PARTS(PART) \
    PART("node", config_read_node, OPTIONAL, "map", "this server process") \
    PART("workspaces", config_read_workspaces, REQUIRED, "map of name to workspace", \
         "the routing domains; an alias (`other: *default`) makes two alike")

#define CONFIG_NODE_ROWS(ROW) \
    ROW("name", name, TEXT, 0, 0, NAME_BYTES_MAX, "", "what the node is called; empty: its host name") \
    ROW("reactors", reactors, COUNT, 0, 0, 64, NULL, \
        "threads that serve connections; workspaces are spread over them; 0: one for each processor") \
    ROW("journal", journal, TEXT, 0, 1, 4096, "file:journal", \
        "where facts are kept: file:DIRECTORY, memory (nothing survives a stop), or shared by several nodes: " \
        "redis://HOST:PORT, redis-sentinel://HOST:PORT,HOST:PORT/NAME, redis-cluster://HOST:PORT,HOST:PORT") \
    ROW("advertise", advertise, TEXT, 0, 0, 255, "", \
        "HOST:PORT where clients and other nodes find this one; empty: its first address") \
    ROW("lease", lease, DURATION, 750, 100, MS_MINUTE, NULL, \
        "with a shared journal: a node that was silent for so long owns nothing any more; all nodes have the same") \
    ROW("replicas", replicas, COUNT, 1, 1, 8, NULL, \
        "behind Sentinels or in a Cluster: how many replicas must have a fact before anybody hears of it") \
    ROW("accept_loss", accept_loss, FLAG, 0, 0, 1, NULL, \
        "go on with a Redis that may lose, or has lost, what it confirmed") \
    ROW("segment", segment_bytes, BYTES, 64 * MIB, 64 * KIB, 1024 * MIB, NULL, \
        "size of one file of the file journal") \
    ROW("log_level", log_level, WORD, LOG_LEVEL_INFO, 0, 0, words_log_level, "how much is logged") \
    ROW("insecure", insecure, FLAG, 0, 0, 1, NULL, \
        "listen on more than loopback and Unix sockets although nobody is authenticated") \
    ROW("heartbeat", heartbeat, DURATION, 30 * MS_SECOND, 50, MS_HOUR, NULL, \
        "a client silent for three of these is cut off") \
    ROW("hello_timeout", hello_timeout, DURATION, 5 * MS_SECOND, 50, MS_HOUR, NULL, \
        "a connection must say hello within") \
    ROW("request_timeout", request_timeout, DURATION, 10 * MS_SECOND, 100, MS_HOUR, NULL, \
        "a request that cannot be answered within is refused as unavailable") \
    ROW("drain_timeout", drain_timeout, DURATION, 30 * MS_SECOND, 0, MS_HOUR, NULL, \
        "a stop waits so long for what is under way") \
    ROW("stall_after", stall_after, DURATION, 50, 1, MS_MINUTE, NULL, \
        "a journal that has not confirmed for so long stops the offer clocks until it has") \
    ROW("connections", connections_max, COUNT, 10000, 1, 1000000, NULL, \
        "connections at a time; further ones are closed at once") \
    ROW("output", output_max, BYTES, 512 * KIB, 64 * KIB, 1024 * MIB, NULL, \
        "bytes waiting for one client that has taken nothing for 250ms; then it is cut off")

#define CONFIG_NODE_PARTS(PART) \
    PART("listen", config_read_listen, OPTIONAL, "list of addresses", \
         "tcp://HOST:PORT and unix://PATH; [tcp://127.0.0.1:7700] when not given") \
    PART("limits", config_read_limits, OPTIONAL, "map", "what requests may be like, as hello tells clients")

#define CONFIG_WORKSPACE_ROWS(ROW) \
    ROW("default_queue", default_queue, QUEUE, INDEX_NONE16, 0, 0, NULL, \
        "takes what no route takes; not given: the first queue") \
    ROW("agent_units", agent_units, COUNT, 100, 1, 1000000, NULL, \
        "capacity of an agent that says nothing") \
    ROW("max_misses", max_misses, COUNT, 2, 1, 1000, NULL, \
        "offers missed in a row that put an agent away") \
    ROW("missed_return", missed_return, OPTIONAL_DURATION, DURATION_NONE, 1, MS_DAY, NULL, \
        "then available again by itself after; never: when a person says so") \
    ROW("grace", grace, DURATION, 30 * MS_SECOND, 0, MS_DAY, NULL, \
        "a lost agent keeps its assignments so long") \
    ROW("at_risk", at_risk, OPTIONAL_DURATION, DURATION_NONE, 1, 30 * MS_DAY, NULL, \
        "warn so long before a promise is missed") \
    ROW("id_kept", id_kept, DURATION, MS_DAY, MS_SECOND, MS_YEAR, NULL, \
        "the id of an ended contact is remembered so long") \
    ROW("rating_kept", rating_kept, DURATION, 7 * MS_DAY, 0, MS_YEAR, NULL, \
        "an ended contact may be rated so long") \
    ROW("contacts", contacts_max, COUNT, 1000000, 0, 100000000, NULL, \
        "live contacts at a time; further ones are refused as queue_full; 0: no limit") \
    ROW("bodies", bodies_bytes_max, BYTES, 2048 * MIB, 0, 4095 * MIB, NULL, \
        "bytes of what customers wrote, of all live contacts together; then likewise; 0: no limit") \
    ROW("tombstones", tombstones_max, COUNT, 1000000, 1, 50000000, NULL, \
        "and of at most so many contacts") \
    ROW("received_bound", received_bound, DURATION, 7 * MS_DAY, 0, MS_YEAR, NULL, \
        "received_at counts at most so far back") \
    ROW("fairness_window", fairness_window, DURATION, MS_HOUR, MS_SECOND, 7 * MS_DAY, NULL, \
        "the strategy fewest_contacts looks back about so far") \
    ROW("statistics_window", statistics_window, DURATION, 30 * MS_MINUTE, MS_SECOND, 7 * MS_DAY, NULL, \
        "the figures of a queue's row are of the last") \
    ROW("statistics_interval", statistics_interval, DURATION, 15 * MS_MINUTE, MS_SECOND, MS_DAY, NULL, \
        "one bucket of statistics") \
    ROW("statistics_kept", statistics_kept, DURATION, 2 * MS_DAY, MS_SECOND, MS_YEAR, NULL, \
        "buckets are kept so long")

#define CONFIG_WORKSPACE_PARTS(PART) \
    PART("tiers", config_read_tiers, REQUIRED, "list of tiers", "classes of customers, the highest first") \
    PART("channels", config_read_channels, REQUIRED, "list of channels", "how contacts come") \
    PART("issues", config_read_issues, OPTIONAL, "list of issues", \
         "what contacts are about; where points are equal, the first wins") \
    PART("languages", config_read_languages, OPTIONAL, "list of BCP 47 tags", "what customers speak") \
    PART("queue_defaults", config_read_queue_defaults, OPTIONAL, "map", \
         "settings of every queue that does not say otherwise") \
    PART("queues", config_read_queues, REQUIRED, "list of queues", "waiting lines") \
    PART("agents", config_read_agents, OPTIONAL, "list of agents", "who works contacts") \
    PART("classification", config_read_classification, OPTIONAL, "map", \
         "how tier, issue, language and queue are found")

/* The promises, for tiers, issues and queues alike. */
#define CONFIG_TARGETS_ROWS(ROW) \
    ROW("answer", targets.answer, OPTIONAL_DURATION, DURATION_NONE, 1, MS_YEAR, NULL, \
        "an agent has it within") \
    ROW("progress", targets.progress, OPTIONAL_DURATION, DURATION_NONE, 1, MS_YEAR, NULL, \
        "the customer hears of progress within") \
    ROW("resolve", targets.resolve, OPTIONAL_DURATION, DURATION_NONE, 1, MS_YEAR, NULL, \
        "it is resolved within")

#define CONFIG_TIER_PARTS(PART) \
    PART("name", NULL, REQUIRED, "name", "what it is called; `answer` is required, too")

#define CONFIG_CHANNEL_ROWS(ROW) \
    ROW("units", units, COUNT, 100, 1, 1000000, NULL, "capacity that one contact takes") \
    ROW("max_per_agent", max_per_agent, COUNT, 0, 0, 1000000, NULL, \
        "contacts of one agent at a time; 0: as many as the units allow")
#define CONFIG_CHANNEL_PARTS(PART) \
    PART("name", NULL, REQUIRED, "name", "what connectors call it") \
    PART("interruptible_by", config_read_interruptible, OPTIONAL, "list of channels", \
         "an agent busy with this one may be offered those")

#define CONFIG_ISSUE_PARTS(PART) PART("name", NULL, REQUIRED, "name", "what it is called")

#define CONFIG_QUEUE_ROWS(ROW) \
    ROW("order", order, WORD, ORDER_DEADLINE, 0, 0, words_order, "who is first") \
    ROW("strategy", strategy, WORD, STRATEGY_LONGEST_IDLE, 0, 0, words_strategy, \
        "which of several agents gets a contact") \
    ROW("wrap_up", wrap_up, DURATION, 0, 0, MS_DAY, NULL, "work after a contact; 0: none") \
    ROW("answer_clock", answer_clock, DURATION, 20 * MS_SECOND, 1, MS_DAY, NULL, \
        "how long an agent may look at an offer") \
    ROW("delivery_clock", delivery_clock, DURATION, 3 * MS_SECOND, 1, MS_HOUR, NULL, \
        "how long a desktop may take to say that it shows it") \
    ROW("preferred_hold", preferred_hold, DURATION, 0, 0, 7 * MS_DAY, NULL, \
        "how long the preferred agent is waited for") \
    ROW("cool_down", cool_down, DURATION, 30 * MS_SECOND, 0, MS_DAY, NULL, \
        "after a decline or a miss others are asked first for so long") \
    ROW("expires", expires, OPTIONAL_DURATION, DURATION_NONE, 1, MS_YEAR, NULL, \
        "give up after so long waiting") \
    ROW("short_abandon", short_abandon, DURATION, 5 * MS_SECOND, 0, MS_HOUR, NULL, \
        "who leaves within this is left out of the service level") \
    ROW("waiting_max", waiting_max, COUNT, 0, 0, 100000000, NULL, "contacts that may wait; 0: no limit") \
    ROW("attempts_max", attempts_max, COUNT, 0, 0, 1000000, NULL, \
        "offers in one visit before it goes to `escalation`; 0: no limit") \
    ROW("escalation", escalation, QUEUE, INDEX_NONE16, 0, 0, NULL, \
        "the queue that takes what nobody took; not given: it waits on") \
    ROW("overflow", overflow, QUEUE, INDEX_NONE16, 0, 0, NULL, \
        "the queue that takes what has no room; not given: refused")
#define CONFIG_QUEUE_PARTS(PART) \
    PART("name", NULL, REQUIRED, "name", "what it is called (not in queue_defaults)") \
    PART("requires", config_read_requires, OPTIONAL, "map of skill to level", \
         "what an agent must know, levels 1 to 5") \
    PART("targets", config_read_queue_targets, OPTIONAL, "map of tier to targets", \
         "promises for one tier, before those of the queue for all tiers")

#define CONFIG_AGENT_ROWS(ROW) \
    ROW("name", name, TEXT, 0, 0, NAME_BYTES_MAX, "", "for people") \
    ROW("address", address, TEXT, 0, 0, 1024, "", "where a call is connected to") \
    ROW("units", units, COUNT, 0, 0, 1000000, NULL, "capacity; 0: the workspace's agent_units")
#define CONFIG_AGENT_PARTS(PART) \
    PART("id", NULL, REQUIRED, "id", "what it signs in as") \
    PART("skills", config_read_skills, OPTIONAL, "map of skill to level", "what it knows, levels 1 to 5") \
    PART("max", config_read_agent_max, OPTIONAL, "map of channel to count", \
         "contacts at a time, on top of the channels' own") \
    PART("queues", config_read_agent_queues, OPTIONAL, "all, or list of queues", \
         "which it serves; not given: all") \
    PART("ranks", config_read_agent_ranks, OPTIONAL, "map of queue to number", \
         "its own order among its queues, lower first; 0 when not given")

#define CONFIG_CLASSIFICATION_ROWS(ROW) \
    ROW("default_tier", default_tier, TIER, INDEX_NONE8, 0, 0, NULL, "not given: the lowest") \
    ROW("default_issue", default_issue, ISSUE, INDEX_NONE16, 0, 0, NULL, "not given: none") \
    ROW("default_language", default_language, LANGUAGE, INDEX_NONE16, 0, 0, NULL, "not given: the first")
#define CONFIG_CLASSIFICATION_PARTS(PART) \
    PART("tier_rules", config_read_tier_rules, OPTIONAL, "list of tier rules", \
         "the first that holds decides, unless the connector names a tier") \
    PART("issue_rules", config_read_issue_rules, OPTIONAL, "list of issue rules", \
         "the issue with the most points, unless the connector names one") \
    PART("routes", config_read_routes, OPTIONAL, "list of routes", \
         "the first that holds decides, unless the connector names a queue")

#define CONFIG_TIER_RULE_ROWS(ROW) \
    ROW("name", name, TEXT, 0, 0, NAME_BYTES_MAX, "", "shown in `why`; not given: \"tier rule 3\"") \
    ROW("tier", tier, TIER, INDEX_NONE8, 0, 0, NULL, "what it gives; required")
#define CONFIG_ISSUE_RULE_ROWS(ROW) \
    ROW("name", name, TEXT, 0, 0, NAME_BYTES_MAX, "", "shown in `why`; not given: the issue and a number") \
    ROW("issue", issue, ISSUE, INDEX_NONE16, 0, 0, NULL, "what it gives points to; required") \
    ROW("points", points, NUMBER, 1, -1000, 1000, NULL, \
        "for each of its phrases and patterns found, or once if it has none; may be negative")
#define CONFIG_ISSUE_RULE_PARTS(PART) \
    PART("phrases", config_read_phrases, OPTIONAL, "list of texts", \
         "at least one must be found; whole words, `*` at an end lets the word go on") \
    PART("patterns", config_read_patterns, OPTIONAL, "list of regular expressions", \
         "the same; PCRE without back references, on plain text, any case; \\w, \\d and \\b know ASCII only") \
    PART("all", config_read_all, OPTIONAL, "list of texts", "phrases that must all be found") \
    PART("none", config_read_none, OPTIONAL, "list of texts", "phrases of which none may be found")
#define CONFIG_ROUTE_ROWS(ROW) \
    ROW("name", name, TEXT, 0, 0, NAME_BYTES_MAX, "", "shown in `why`; not given: \"route 3\"") \
    ROW("queue", queue, QUEUE, INDEX_NONE16, 0, 0, NULL, "where it goes; required")

/* What must hold besides words: in tier rules, issue rules and routes. */
#define CONFIG_CONDITION_PARTS(PART) \
    PART("language", config_read_when_language, OPTIONAL, "language, or list", "the contact's language") \
    PART("channel", config_read_when_channel, OPTIONAL, "channel, or list", "the contact's channel") \
    PART("customer_id", config_read_when_customer_id, OPTIONAL, "text", "the customer's id begins so") \
    PART("customer", config_read_when_customer, OPTIONAL, "map of attribute to test", \
         "attributes of the customer") \
    PART("attributes", config_read_when_attributes, OPTIONAL, "map of attribute to test", \
         "attributes of the contact")
#define CONFIG_CONDITION_TIER_PART(PART) \
    PART("tier", config_read_when_tier, OPTIONAL, "tier, or list", "the contact's tier")
#define CONFIG_CONDITION_ISSUE_PART(PART) \
    PART("issue", config_read_when_issue, OPTIONAL, "issue, or list", "the contact's issue")

/* The tests of an attribute: a value, a list of values, or a map of these. X(word, operator, help) */
#define CONFIG_TEST_TABLE(X) \
    X("equals", TEST_IN, "the same value; a number is never a text") \
    X("in", TEST_IN, "one of a list of values") \
    X("prefix", TEST_PREFIX, "a text that begins so") \
    X("above", TEST_ABOVE, "a greater number") \
    X("below", TEST_BELOW, "a smaller number") \
    X("at_least", TEST_AT_LEAST, "a number as great or greater") \
    X("at_most", TEST_AT_MOST, "a number as small or smaller") \
    X("exists", TEST_EXISTS, "true: it is there; false: it is not")

/* clang-format on */

#endif

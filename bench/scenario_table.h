/* Every key of a scenario file, one row each, in the form of router/config_table.h: reader,
 * defaults, bounds and `load --scenario-help` are made from these lists and from nothing else. */
#ifndef BENCH_SCENARIO_TABLE_H
#define BENCH_SCENARIO_TABLE_H

#define SCENARIO_WORDS_LAW "fixed", "exponential", "lognormal"
#define SCENARIO_WORDS_WHO "everyone", "agents", "connectors"

#define SCENARIO_SPAN_MAX (24 * INT64_C(3600000))

/* clang-format off */

#define SCENARIO_FILE_PARTS(PART) \
    PART("mix", scenario_read_mix, REQUIRED, "list", "the kinds of contacts, by weight") \
    PART("agents", scenario_read_agents, OPTIONAL, "map", "how agents take offers") \
    PART("phases", scenario_read_phases, REQUIRED, "list", "what happens, one after the other")

#define SCENARIO_KIND_ROWS(ROW) \
    ROW("name",       name,       TEXT,     0, 1, 64, "", "what it is, for people") \
    ROW("weight",     weight,     COUNT,    1, 0, 1000000, NULL, "so many of the sum of all weights are of this kind") \
    ROW("channel",    channel,    TEXT,     0, 1, 64, "email", "the channel it comes by") \
    ROW("text",       text_bytes, BYTES,    200, 0, 65536, NULL, "size of the customer's text") \
    ROW("wrap_up",    wrap_up,    DURATION, 0, 0, SCENARIO_SPAN_MAX, NULL, "work after the contact")

#define SCENARIO_KIND_PARTS(PART) \
    PART("tier",     scenario_read_tiers,     OPTIONAL, "name, or list of names", "one of them by chance") \
    PART("queue",    scenario_read_queues,    OPTIONAL, "name, or list of names", "one of them by chance, instead of what rules find") \
    PART("issue",    scenario_read_issues,    OPTIONAL, "name, or list of names", "one of them by chance, instead of what rules find") \
    PART("language", scenario_read_languages, OPTIONAL, "name, or list of names", "one of them by chance, instead of what rules find") \
    PART("skills",   scenario_read_skills,    OPTIONAL, "words, or list of words", "NAME:LEVEL, or several with + between them; one of the list by chance") \
    PART("handle",   scenario_read_handle,    OPTIONAL, "span", "how long an agent works it; at once without it") \
    PART("patience", scenario_read_patience,  OPTIONAL, "span", "how long the customer waits before leaving; for ever without it")

#define SCENARIO_SPAN_ROWS(ROW) \
    ROW("law",    law,    WORD,     0, 0, 0, scenario_words_law, "how it scatters") \
    ROW("mean",   mean,   DURATION, 0, 0, SCENARIO_SPAN_MAX, NULL, "in the mean") \
    ROW("spread", spread, COUNT,    50, 0, 300, NULL, "lognormal: a hundred times the standard deviation of the logarithm")

#define SCENARIO_AGENTS_ROWS(ROW) \
    ROW("misses",   miss_percent,    COUNT, 0, 0, 100, NULL, "percent of the offers that nobody answers") \
    ROW("declines", decline_percent, COUNT, 0, 0, 100, NULL, "percent of the offers that are declined")

#define SCENARIO_PHASE_ROWS(ROW) \
    ROW("name",     name,     TEXT,     0, 1, 64, "", "what it is, for people") \
    ROW("duration", duration, DURATION, 0, 100, SCENARIO_SPAN_MAX, NULL, "how long it takes") \
    ROW("window",   window,   COUNT,    0, 1, 100000, NULL, "closed loop: submissions without an answer at each connector")

#define SCENARIO_PHASE_PARTS(PART) \
    PART("rate",      scenario_read_rate,  OPTIONAL, "number, or FROM..TO", "open loop: contacts a second, the same all the time or going from one to the other") \
    PART("burst",     scenario_read_burst, OPTIONAL, "map", "contacts that are due in one instant, on top of the rate") \
    PART("reconnect", scenario_read_storm, OPTIONAL, "map", "connections drop at once and come back")

#define SCENARIO_BURST_ROWS(ROW) \
    ROW("contacts", contacts, COUNT,    0, 1, 1000000, NULL, "how many") \
    ROW("every",    every,    DURATION, 0, 10, SCENARIO_SPAN_MAX, NULL, "how often, the first at the beginning of the phase")

#define SCENARIO_STORM_ROWS(ROW) \
    ROW("share", share, COUNT,    100, 1, 100, NULL, "percent of the connections") \
    ROW("who",   who,   WORD,     0, 0, 0, scenario_words_who, "whose connections") \
    ROW("after", after, DURATION, 0, 0, SCENARIO_SPAN_MAX, NULL, "so long after the beginning of the phase")

/* clang-format on */

#endif

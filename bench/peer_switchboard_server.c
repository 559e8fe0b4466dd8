#include "bench/peer_switchboard.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/lane.h"
#include "bench/peer_redis.h"
#include "queue/base/memory.h"

#define SWITCHBOARD_ADMIN_MS 5000

/* Configuration: 16 queues, 3 tiers, and a channel of which an agent takes its window. */

void switchboard_phrase(char out[SWITCHBOARD_PHRASE_BYTES], uint32_t queue, uint32_t number)
{
    snprintf(out, SWITCHBOARD_PHRASE_BYTES, "about q%02u item %03u", queue, number);
}

/* An issue for each queue, found by its share of the phrases, and routed there. */
static void switchboard_write_rules(FILE *out)
{
    char phrase[SWITCHBOARD_PHRASE_BYTES];

    fputs("    issues: [", out);
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        fprintf(out, "%si%u", i == 0 ? "" : ", ", i);
    }
    fputs("]\n    classification:\n      issue_rules:\n", out);
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        fprintf(out, "        - issue: i%u\n          phrases: [", i);
        for (uint32_t n = i; n < SWITCHBOARD_PHRASES; n += PEER_QUEUES) {
            switchboard_phrase(phrase, i, n);
            fprintf(out, "%s%s", n == i ? "" : ", ", phrase);
        }
        fputs("]\n", out);
    }
    fputs("      routes:\n", out);
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        fprintf(out, "        - {issue: i%u, queue: q%u}\n", i, i);
    }
}

static bool switchboard_configure(struct peer_server *s, bool phrases)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool written;

    fprintf(out, "workspaces:\n"
                 "  default:\n"
                 "    contacts: 0\n"
                 "    tiers:\n"
                 "      - {name: vip, answer: 20s}\n"
                 "      - {name: gold, answer: 60s}\n"
                 "      - {name: standard, answer: 120s}\n"
                 "    channels:\n"
                 "      - {name: email, units: 1}\n"
                 "    queues:\n");
    for (uint32_t i = 0; i < PEER_QUEUES; i++) {
        fprintf(out, "      - {name: q%u}\n", i);
    }
    if (phrases) {
        switchboard_write_rules(out);
    }
    written = fclose(out) == 0 && peer_server_write(s, "config.yaml", text);
    free(text);
    return written;
}

/* An admin puts the agents in place. One conversation before the run, so it may wait for answers.
 */

void switchboard_pair(struct packer *p, const char *key, const char *value)
{
    packer_text(p, text_from(key));
    packer_text(p, text_from(value));
}

void switchboard_hello(struct packer *p, const char *role, uint32_t more)
{
    frames_head(p, frames_msgid(PURPOSE_HELLO, 0), "hello");
    packer_map(p, 4 + more);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    switchboard_pair(p, "workspace", "default");
    switchboard_pair(p, "client", "switchboard-bench/" SWITCHBOARD_VERSION);
    switchboard_pair(p, "role", role);
}

static void switchboard_agent_put(struct packer *p, uint32_t number, uint32_t window)
{
    char name[16];

    snprintf(name, sizeof(name), "a%u", number);
    frames_head(p, frames_msgid(PURPOSE_PING, 0), "agent.put");
    packer_map(p, 3);
    switchboard_pair(p, "agent", name);
    switchboard_pair(p, "name", name);
    packer_literal(p, "capacity");
    packer_map(p, 2);
    packer_literal(p, "units");
    packer_uint(p, window);
    packer_literal(p, "max");
    packer_map(p, 1);
    packer_literal(p, "email");
    packer_uint(p, window);
}

static ssize_t switchboard_admin_take(struct peer_client *c, const uint8_t *bytes, size_t size)
{
    struct lane_frame frame;
    size_t taken = 0;
    ssize_t length;

    while ((length = lane_frame_read(&frame, bytes + taken, size - taken)) > 0) {
        taken += (size_t)length;
        if (!text_is_none(frame.error)) {
            peer_client_fail(c, "an agent was refused: " TEXT_FORMAT, TEXT_ARGS(frame.words));
        }
        c->submitted++; /* of the admin: answers */
    }
    return length < 0 ? -1 : (ssize_t)taken;
}

static bool switchboard_make_agents(struct peer_server *s)
{
    static const struct peer admin = {.take = switchboard_admin_take};
    struct peer_client *c = memory_take(sizeof(*c));
    bool good;

    c->peer = &admin;
    switchboard_hello(&c->output, "admin", 0);
    for (uint32_t i = 0; i < s->consumers; i++) {
        switchboard_agent_put(&c->output, i, s->window);
    }
    good = peer_client_connect(c, s->port) && peer_client_flush(c);
    while (good && c->submitted < s->consumers + 1) {
        struct pollfd ready = {.fd = c->fd, .events = POLLIN};

        good = poll(&ready, 1, SWITCHBOARD_ADMIN_MS) == 1 && peer_client_read(c) &&
               peer_client_flush(c);
    }
    if (!good) {
        snprintf(s->failed, sizeof(s->failed), "agents could not be made: %s", c->failed);
    }
    peer_client_close(c);
    memory_give(c);
    return good;
}

static bool switchboard_start_with(struct peer_server *s, bool phrases, char *journal,
                                   const volatile int *interrupted)
{
    char path[256], address[40], reactors[12];
    char *arguments[] = {path,         "--config", "config.yaml", "--listen", address,
                         "--reactors", reactors,   "--journal",   journal,    NULL};

    snprintf(reactors, sizeof(reactors), "%u", s->reactors);
    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", s->port);
    return switchboard_configure(s, phrases) && peer_server_find("switchboard-server", path) &&
           peer_server_run(s, arguments, NULL) && peer_server_await(s, s->port, 10, interrupted) &&
           switchboard_make_agents(s);
}

static char *switchboard_journal(const struct peer_server *s)
{
    return s->durable ? "file:journal" : "memory";
}

bool switchboard_start(struct peer_server *s, const volatile int *interrupted)
{
    return switchboard_start_with(s, false, switchboard_journal(s), interrupted);
}

bool switchboard_start_phrases(struct peer_server *s, const volatile int *interrupted)
{
    return switchboard_start_with(s, true, switchboard_journal(s), interrupted);
}

bool switchboard_start_redis(struct peer_server *s, const volatile int *interrupted)
{
    char journal[48];

    s->store_port = peer_server_free_port();
    snprintf(journal, sizeof(journal), "redis://127.0.0.1:%u", s->store_port);
    return redis_start_at(s, s->store_port, s->durable ? "always" : "everysec", interrupted) &&
           switchboard_start_with(s, false, journal, interrupted);
}

bool switchboard_start_floor(struct peer_server *s, const volatile int *interrupted)
{
    char path[256], address[40];
    char *arguments[] = {path, "floor", "--serve", "--listen", address, NULL};

    snprintf(address, sizeof(address), "tcp://127.0.0.1:%u", s->port);
    return peer_server_find("switchboard-bench", path) && peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, s->port, 10, interrupted) && switchboard_make_agents(s);
}

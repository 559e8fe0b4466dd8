#include "tests/lib/redis_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AWAIT_MS      20000
#define AWAIT_POLL_MS 10

uint16_t redis_process_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void argument(struct redis_process *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void argument(struct redis_process *p, const char *format, ...)
{
    va_list rest;

    assert_true(p->argument_count < REDIS_PROCESS_ARGUMENTS - 1);
    va_start(rest, format);
    vsnprintf(p->arguments[p->argument_count++], sizeof(p->arguments[0]), format, rest);
    va_end(rest);
}

static void prepare(struct redis_process *p)
{
    memset(p, 0, sizeof(*p));
    p->port = redis_process_free_port();
    strcpy(p->folder, "/tmp/switchboard-redis-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    argument(p, "redis-server");
}

void redis_process_revive(struct redis_process *p)
{
    char *arguments[REDIS_PROCESS_ARGUMENTS];
    pid_t parent = getpid();
    uint32_t i = 0;

    for (; i < p->argument_count; i++) {
        arguments[i] = p->arguments[i];
    }
    arguments[i] = NULL;
    assert_int_equal(p->pid, 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        int log;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || chdir(p->folder) != 0) {
            _exit(126); /* the parent was faster */
        }
        log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execvp(arguments[0], arguments);
        _exit(127);
    }
}

void redis_process_restart(struct redis_process *p)
{
    redis_process_revive(p);
    redis_process_await(p, "PING", "PONG");
}

void redis_process_start(struct redis_process *p, const char *const *arguments)
{
    prepare(p);
    argument(p, "--port");
    argument(p, "%u", (unsigned)p->port);
    argument(p, "--bind");
    argument(p, "127.0.0.1");
    argument(p, "--save");
    argument(p, "%s", "");
    argument(p, "--repl-diskless-sync-delay");
    argument(p, "0");
    for (; arguments != NULL && *arguments != NULL; arguments++) {
        argument(p, "%s", *arguments);
    }
    redis_process_restart(p);
}

void redis_process_start_replica(struct redis_process *p, const struct redis_process *primary)
{
    char of[32];
    const char *arguments[] = {"--replicaof", of, NULL};

    snprintf(of, sizeof(of), "127.0.0.1 %u", (unsigned)primary->port);
    redis_process_start(p, arguments);
    redis_process_await(p, "INFO replication", "master_link_status:up");
}

void redis_process_start_sentinel(struct redis_process *p, const struct redis_process *primary,
                                  unsigned quorum)
{
    char path[96];
    FILE *f;

    prepare(p);
    p->sentinel = true;
    snprintf(path, sizeof(path), "%s/sentinel.conf", p->folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "port %u\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %u %u\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            (unsigned)p->port, (unsigned)primary->port, quorum);
    assert_int_equal(fclose(f), 0);
    argument(p, "sentinel.conf");
    argument(p, "--sentinel");
    redis_process_restart(p);
}

void redis_process_start_cluster(struct redis_process *nodes, unsigned count)
{
    uint16_t bus[8];

    assert_true(count <= 8);
    for (unsigned i = 0; i < count; i++) {
        char port[8];
        const char *arguments[] = {"--cluster-enabled",
                                   "yes",
                                   "--cluster-node-timeout",
                                   "1000",
                                   "--cluster-port",
                                   port,
                                   NULL};

        bus[i] = redis_process_free_port();
        snprintf(port, sizeof(port), "%u", (unsigned)bus[i]);
        redis_process_start(&nodes[i], arguments);
        redis_process_do(&nodes[i], "CLUSTER ADDSLOTSRANGE %u %u", 16384 * i / count,
                         16384 * (i + 1) / count - 1);
        redis_process_do(&nodes[i], "CLUSTER SET-CONFIG-EPOCH %u", i + 1);
    }
    for (unsigned i = 1; i < count; i++) {
        redis_process_do(&nodes[0], "CLUSTER MEET 127.0.0.1 %u %u", (unsigned)nodes[i].port,
                         (unsigned)bus[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        redis_process_await(&nodes[i], "CLUSTER INFO", "cluster_slots_ok:16384");
        redis_process_await(&nodes[i], "CLUSTER INFO", "cluster_state:ok");
    }
}

void redis_process_signal(struct redis_process *p, int number)
{
    assert_true(p->pid > 0);
    assert_int_equal(kill(p->pid, number), 0);
}

void redis_process_kill(struct redis_process *p)
{
    redis_process_signal(p, SIGKILL);
    assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
    p->pid = 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void redis_process_end(struct redis_process *p)
{
    if (p->pid > 0) {
        redis_process_kill(p);
    }
    if (p->folder[0] != '\0') {
        nftw(p->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
    memset(p, 0, sizeof(*p));
}

static redisReply *ask(const struct redis_process *p, const char *format, va_list rest)
{
    struct timeval limit = {2, 0};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", p->port, limit);
    redisReply *r = NULL;

    if (c != NULL && c->err == 0 && redisSetTimeout(c, limit) == REDIS_OK) {
        if (p->password[0] != '\0') {
            freeReplyObject(redisCommand(c, "AUTH %s %s", p->user, p->password));
        }
        r = redisvCommand(c, format, rest);
    }
    if (c != NULL) {
        redisFree(c);
    }
    return r;
}

struct redis_locator *redis_process_locate(const struct redis_process *p, uv_loop_t *loop,
                                           const struct redis_locator_options *options,
                                           const char *user)
{
    static const struct redis_locator_options none;
    struct redis_address address;
    char url[128], problem[REDIS_PROBLEM_BYTES];

    snprintf(url, sizeof(url), "redis://%s%s127.0.0.1:%u", user == NULL ? "" : user,
             user == NULL ? "" : "@", (unsigned)p->port);
    assert_true(redis_address_parse(text_from(url), &address, problem, sizeof(problem)));
    return redis_locator_create(loop, &address, options == NULL ? &none : options);
}

redisReply *redis_process_ask(const struct redis_process *p, const char *format, ...)
{
    va_list rest;
    redisReply *r;

    va_start(rest, format);
    r = ask(p, format, rest);
    va_end(rest);
    return r;
}

void redis_process_do(const struct redis_process *p, const char *format, ...)
{
    va_list rest;
    redisReply *r;

    va_start(rest, format);
    r = ask(p, format, rest);
    va_end(rest);
    if (r == NULL || r->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", format, r == NULL ? "no answer" : r->str);
    }
    freeReplyObject(r);
}

bool redis_process_says(const struct redis_process *p, const char *command, const char *words)
{
    redisReply *r = redis_process_ask(p, command);
    bool says = r != NULL && r->type != REDIS_REPLY_ERROR && r->str != NULL &&
                strstr(r->str, words) != NULL;

    if (r != NULL) {
        freeReplyObject(r);
    }
    return says;
}

void redis_process_await(const struct redis_process *p, const char *command, const char *words)
{
    int64_t until = now_ms() + AWAIT_MS;

    while (!redis_process_says(p, command, words)) {
        if (now_ms() > until) {
            fail_msg("port %u: %s never said \"%s\"", (unsigned)p->port, command, words);
        }
        poll(NULL, 0, AWAIT_POLL_MS);
    }
}

#include "bench/takeover_network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/peer_server.h"

#define NETWORK_WORDS 16

static bool takeover_network_fail(struct takeover_network *n, const char *what, const char *why)
{
    if (n->failed[0] == '\0') {
        snprintf(n->failed, sizeof(n->failed), "%.120s: %.120s", what, why);
    }
    return false;
}

void takeover_network_address(char out[16], uint32_t host)
{
    snprintf(out, 16, "10.78.0.%u", (host + 2) & 255);
}

/* `ip` and these words, inside a namespace (0: ours). */
static bool takeover_network_ip(struct takeover_network *n, int namespace, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool takeover_network_ip(struct takeover_network *n, int namespace, const char *format, ...)
{
    char words[256], kept[256], path[256], *arguments[NETWORK_WORDS], *rest = words;
    uint32_t count = 1;
    va_list list;
    int status;
    pid_t pid;

    va_start(list, format);
    vsnprintf(words, sizeof(words), format, list);
    va_end(list);
    memcpy(kept, words, sizeof(kept));
    if (!peer_server_find("ip", path)) {
        return takeover_network_fail(n, "ip", "is not installed");
    }
    arguments[0] = path;
    while (count + 1 < NETWORK_WORDS && (arguments[count] = strsep(&rest, " ")) != NULL) {
        count++;
    }
    arguments[count] = NULL;
    pid = fork();
    if (pid == 0) {
        int quiet = open("/dev/null", O_WRONLY);

        (void)dup2(quiet, STDERR_FILENO);
        if (namespace == 0 || setns(namespace, CLONE_NEWNET) == 0) {
            (void)execv(path, arguments);
        }
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        return takeover_network_fail(n, kept, "ip would not do that");
    }
    return true;
}

/* A process that holds a new namespace until we hold it: it says when it is inside. */
static pid_t takeover_network_hold(int *namespace)
{
    char path[64], word;
    int said[2];
    pid_t pid;

    if (pipe2(said, O_CLOEXEC) != 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 && write(said[1], "!", 1) == 1) {
            (void)pause();
        }
        _exit(1);
    }
    (void)close(said[1]);
    if (pid > 0 && read(said[0], &word, 1) == 1) {
        snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
        *namespace = open(path, O_RDONLY | O_CLOEXEC);
    }
    (void)close(said[0]);
    return pid;
}

static bool takeover_network_add(struct takeover_network *n, uint32_t host)
{
    char address[16];
    pid_t holder = takeover_network_hold(&n->hosts[host]);
    bool good = n->hosts[host] > 0;

    takeover_network_address(address, host);
    good = good || takeover_network_fail(n, "a network namespace", strerror(errno));
    good = good &&
           takeover_network_ip(n, 0, "link add port%u type veth peer name eth0 netns %ld", host,
                               (long)holder) &&
           takeover_network_ip(n, 0, "link set port%u master switch up", host) &&
           takeover_network_ip(n, n->hosts[host], "link set lo up") &&
           takeover_network_ip(n, n->hosts[host], "address add %s/24 dev eth0", address) &&
           takeover_network_ip(n, n->hosts[host], "link set eth0 up");
    if (holder > 0) {
        (void)kill(holder, SIGKILL);
        (void)waitpid(holder, NULL, 0);
    }
    return good;
}

bool takeover_network_open(struct takeover_network *n)
{
    bool good;

    *n = (struct takeover_network){0};
    if (unshare(CLONE_NEWNET) != 0) {
        return takeover_network_fail(n, "a network of our own", strerror(errno));
    }
    good = takeover_network_ip(n, 0, "link set lo up") &&
           takeover_network_ip(n, 0, "link add switch type bridge") &&
           takeover_network_ip(n, 0, "address add " TAKEOVER_BENCH_ADDRESS "/24 dev switch") &&
           takeover_network_ip(n, 0, "link set switch up");
    for (uint32_t i = 0; good && i < TAKEOVER_HOSTS; i++) {
        good = takeover_network_add(n, i);
    }
    if (!good) {
        takeover_network_close(n);
    }
    return good;
}

void takeover_network_close(struct takeover_network *n)
{
    for (uint32_t i = 0; i < TAKEOVER_HOSTS; i++) {
        if (n->hosts[i] > 0) {
            (void)close(n->hosts[i]);
            n->hosts[i] = 0;
        }
    }
}

bool takeover_network_plug(struct takeover_network *n, uint32_t host, bool plugged)
{
    return takeover_network_ip(n, 0, "link set port%u %s", host, plugged ? "up" : "down");
}

#include "bench/peer_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/server_cpu.h"

#define PEER_POLL_MS 10

extern char **environ;

static bool peer_server_fail(struct peer_server *s, const char *what, const char *why)
{
    if (s->failed[0] == '\0') {
        snprintf(s->failed, sizeof(s->failed), "%.120s: %.120s", what, why);
    }
    return false;
}

bool peer_server_find(const char *program, char path[256])
{
    static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                          "/usr/bin",        "/sbin",          "/bin"};
    ssize_t length;

    if (program[0] == '/') {
        snprintf(path, 256, "%s", program);
        return access(path, X_OK) == 0;
    }
    /* Switchboard's own programs stand beside this one, and are of the same build. */
    length = readlink("/proc/self/exe", path, 255);
    if (length > 0) {
        char *slash;

        path[length] = '\0';
        slash = strrchr(path, '/');
        snprintf(slash + 1, (size_t)(path + 256 - slash - 1), "%s", program);
        if (access(path, X_OK) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, 256, "%s/%s", folders[i], program);
        if (access(path, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

uint16_t peer_server_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint16_t port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&at, &size) == 0) {
        port = ntohs(at.sin_port);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return port;
}

bool peer_server_init(struct peer_server *s, const char *parent)
{
    char name[PATH_MAX], absolute[PATH_MAX];

    *s = (struct peer_server){0};
    snprintf(name, sizeof(name), "%s/switchboard-peer-XXXXXX", parent);
    if (mkdtemp(name) == NULL) {
        return peer_server_fail(s, name, strerror(errno));
    }
    if (realpath(name, absolute) == NULL || strlen(absolute) >= sizeof(s->folder)) {
        (void)rmdir(name);
        return peer_server_fail(s, name, "a path that is too long");
    }
    memcpy(s->folder, absolute, strlen(absolute) + 1);
    s->port = peer_server_free_port();
    return s->port != 0 || peer_server_fail(s, "a port on 127.0.0.1", strerror(errno));
}

bool peer_server_write(struct peer_server *s, const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *file;
    bool written;

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    file = fopen(path, "w");
    if (file == NULL) {
        return peer_server_fail(s, path, strerror(errno));
    }
    written = fputs(text, file) != EOF;
    written = fclose(file) == 0 && written;
    return written || peer_server_fail(s, path, strerror(errno));
}

/* In the child: nothing here may return. */
static void peer_server_become(const struct peer_server *s, char *const arguments[],
                               char *const environment[], pid_t bench)
{
    sigset_t none;
    int log;

    if (s->network != 0 && setns(s->network, CLONE_NEWNET) != 0) {
        _exit(127);
    }
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != bench) {
        _exit(127); /* it died before the line above */
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (chdir(s->folder) != 0) {
        _exit(127);
    }
    log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    for (; environment != NULL && *environment != NULL; environment++) {
        (void)putenv(*environment);
    }
    (void)execv(arguments[0], arguments);
    _exit(127);
}

bool peer_server_run(struct peer_server *s, char *const arguments[], char *const environment[])
{
    pid_t bench = getpid(), pid = fork();

    if (pid < 0) {
        return peer_server_fail(s, arguments[0], strerror(errno));
    }
    if (pid == 0) {
        peer_server_become(s, arguments, environment, bench);
    }
    (void)setpgid(pid, pid); /* in both, so that it is done whoever comes first */
    s->groups[s->programs++] = pid;
    return true;
}

/* The last line that a program has said, for who has to find out why it does not run. */
static void peer_server_last_words(struct peer_server *s, const char *what)
{
    char path[PATH_MAX], line[200], last[200] = "(it said nothing)";
    FILE *file;

    snprintf(path, sizeof(path), "%s/log", s->folder);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strspn(line, " \t\r\n") < strlen(line)) {
            memcpy(last, line, sizeof(last));
            last[strcspn(last, "\r\n")] = '\0';
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)peer_server_fail(s, what, last);
}

static bool peer_server_accepts(const struct peer_server *s, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts =
        fd >= 0 &&
        inet_pton(AF_INET, s->host[0] == '\0' ? "127.0.0.1" : s->host, &at.sin_addr) == 1 &&
        connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return accepts;
}

bool peer_server_await(struct peer_server *s, uint16_t port, double seconds,
                       const volatile int *interrupted)
{
    for (double waited = 0; waited < seconds * 1000; waited += PEER_POLL_MS) {
        for (uint32_t i = 0; i < s->programs; i++) {
            siginfo_t ended = {0};

            /* It stays a zombie, so that its number is nobody else's until peer_server_stop. */
            if (waitid(P_PID, (id_t)s->groups[i], &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                ended.si_pid != 0) {
                peer_server_last_words(s, "it ended at once");
                return false;
            }
        }
        if (peer_server_accepts(s, port)) {
            return true;
        }
        if (*interrupted) {
            return peer_server_fail(s, "interrupted", "while it was starting");
        }
        (void)poll(NULL, 0, PEER_POLL_MS);
    }
    peer_server_last_words(s, "it takes no connections");
    return false;
}

/* Processes: those in /proc whose group is one of ours. */

static pid_t peer_server_group_of(pid_t pid)
{
    pid_t group = getpgid(pid);

    return group < 0 ? 0 : group;
}

struct peer_use peer_server_use(const struct peer_server *s)
{
    struct peer_use use = {0};
    struct dirent *entry;
    DIR *proc = opendir("/proc");

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        pid_t group = pid > 0 ? peer_server_group_of(pid) : 0;
        struct server_use one;
        struct timespec cpu;
        clockid_t clock;

        for (uint32_t i = 0; group != 0 && i < s->programs; i++) {
            if (group != s->groups[i] || !server_use_read(pid, &one)) {
                continue;
            }
            use.processes++;
            use.resident += one.resident;
            /* The CPU clock counts nanoseconds, /proc hundredths of a second. */
            if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &cpu) == 0) {
                use.cpu_us_of[i] += (double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3;
            }
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
    for (uint32_t i = 0; i < s->programs; i++) {
        use.cpu_us += use.cpu_us_of[i];
    }
    return use;
}

static int peer_server_remove(const char *path, const struct stat *about, int kind,
                              struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

/* The leaders have not been waited for, so the groups are still ours and nobody else's. */
void peer_server_signal(const struct peer_server *s, int signal)
{
    for (uint32_t i = 0; i < s->programs; i++) {
        (void)kill(-s->groups[i], signal);
    }
}

void peer_server_end(struct peer_server *s)
{
    peer_server_signal(s, SIGKILL);
    while (s->programs > 0) {
        (void)waitpid(s->groups[--s->programs], NULL, 0);
    }
}

/* Nothing outlives the folder, so nothing has to be put in order first: all are killed. */
void peer_server_stop(struct peer_server *s)
{
    peer_server_end(s);
    if (s->folder[0] != '\0') {
        (void)nftw(s->folder, peer_server_remove, 16, FTW_DEPTH | FTW_PHYS);
        s->folder[0] = '\0';
    }
}

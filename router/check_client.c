#include "router/check_client.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/cursor.h"
#include "proto/error_table.h"
#include "proto/frame.h"
#include "proto/packer.h"
#include "router/listener.h"

#define CHECK_SECONDS   5
#define CHECK_STANDS_BY "another node owns the workspace"
#define CHECK_BYTES     (1 << 20)

static void check_set_timeouts(int fd)
{
    const struct timeval most = {.tv_sec = CHECK_SECONDS};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)); /* connect's, too */
}

static int check_connect_to(const struct sockaddr *a, socklen_t length)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    check_set_timeouts(fd);
    if (connect(fd, a, length) != 0) {
        int because = errno;

        close(fd);
        errno = because;
        return -1;
    }
    return fd;
}

static int check_connect(const struct listener_address *a, char *problem, size_t size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char port[8];
    int fd, wrong;

    if (a->pipe) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        memcpy(un.sun_path, a->host, strlen(a->host) + 1);
        fd = check_connect_to((const struct sockaddr *)&un, sizeof(un));
    } else {
        snprintf(port, sizeof(port), "%u", (unsigned)a->port);
        wrong = getaddrinfo(a->host, port, &hints, &found);
        if (wrong != 0) {
            snprintf(problem, size, "\"%s\" cannot be looked up: %s", a->host, gai_strerror(wrong));
            return -1;
        }
        fd = check_connect_to(found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
    }
    if (fd < 0) {
        snprintf(problem, size, "cannot connect: %s", strerror(errno));
    }
    return fd;
}

/* ---- asking ---- */

static void check_pack_hello(struct packer *p, const char *role, const char *workspace)
{
    bool standby = strcmp(role, "admin") == 0; /* the node is meant, whoever owns the workspace */

    packer_array(p, 4);
    packer_uint(p, 0);
    packer_uint(p, 1);
    packer_literal(p, "hello");
    packer_array(p, 1);
    packer_map(p, 5);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    PACKER_PAIR_TEXT(p, "role", text_from(role));
    PACKER_PAIR_TEXT(p, "workspace", text_from(workspace));
    PACKER_PAIR_TEXT(p, "client", TEXT("switchboard-check/" SWITCHBOARD_VERSION));
    PACKER_PAIR_BOOL(p, "standby", standby);
}

static void check_pack_second(struct packer *p, const char *method)
{
    packer_array(p, 4);
    packer_uint(p, 0);
    packer_uint(p, 2);
    packer_text(p, text_from(method));
    packer_array(p, 0);
}

/* ---- answers ---- */

struct check_answer {
    uint64_t msgid;
    struct text code, message; /* of an error; no code: a result */
    struct cursor result;
};

/* Where the value of that key begins. False: the map has none. */
static bool check_find(struct cursor *c, struct text wanted)
{
    uint32_t pairs;

    if (!cursor_map(c, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        struct text key;

        if (!cursor_text(c, &key)) {
            return false;
        }
        if (text_equal(key, wanted)) {
            return true;
        }
        if (!cursor_skip(c)) {
            return false;
        }
    }
    return false;
}

static struct text check_find_text(struct cursor map, struct text key)
{
    struct text value = TEXT_NONE;

    return check_find(&map, key) && cursor_text(&map, &value) ? value : TEXT_NONE;
}

/* False: this is no response. */
static bool check_read_answer(const uint8_t *bytes, size_t size, struct check_answer *out)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t items;
    uint64_t type;

    *out = (struct check_answer){.code = TEXT_NONE, .message = TEXT_NONE};
    if (!cursor_array(&c, &items) || items != 4 || !cursor_uint(&c, &type) || type != 1 ||
        !cursor_uint(&c, &out->msgid)) {
        return false;
    }
    if (cursor_nil(&c)) {
        out->result = c;
        return true;
    }
    out->code = check_find_text(c, TEXT("code"));
    out->message = check_find_text(c, TEXT("message"));
    return !text_is_none(out->code);
}

/* A notification is no answer, and no harm. */
static bool check_is_notice(const uint8_t *bytes, size_t size)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t items;
    uint64_t type;

    return cursor_array(&c, &items) && items == 3 && cursor_uint(&c, &type) && type == 2;
}

static void check_complain(const struct check_answer *a, char *problem, size_t size)
{
    if (text_equal(a->code, TEXT("not_owner"))) {
        snprintf(problem, size, CHECK_STANDS_BY);
    } else {
        snprintf(problem, size, "refused: " TEXT_FORMAT ": " TEXT_FORMAT, TEXT_ARGS(a->code),
                 TEXT_ARGS(a->message));
    }
}

/* Read until both answers are there. `second` (may be NULL) gets what it wants of the second. */
static bool check_answers(int fd, void (*second)(struct cursor result, char *out, size_t size),
                          char *problem, size_t size)
{
    static uint8_t bytes[CHECK_BYTES];
    const struct frame_limits limits = {.bytes = CHECK_BYTES, .nesting = 16};
    struct frame_scan scan;
    size_t filled = 0;
    unsigned answered = 0;
    bool refused = false;

    frame_scan_init(&scan);
    while (answered != 3) {
        enum frame_status status = frame_scan(&scan, bytes, filled, &limits);
        struct check_answer a = {0};
        ssize_t got;

        if (status == FRAME_MORE) {
            got = filled == sizeof(bytes) ? 0 : recv(fd, bytes + filled, sizeof(bytes) - filled, 0);
            if (got <= 0) {
                snprintf(problem, size, "no answer%s%s",
                         got == 0 ? ": the connection was closed" : "",
                         got < 0 && errno != EAGAIN ? strerror(errno) : "");
                return false;
            }
            filled += (size_t)got;
            continue;
        }
        if (status != FRAME_DONE || (!check_read_answer(bytes, scan.position, &a) &&
                                     !check_is_notice(bytes, scan.position))) {
            snprintf(problem, size, "whoever listens there does not speak this protocol");
            return false;
        }
        if (!text_is_none(a.code)) {
            refused = true;
            check_complain(&a, problem, size);
        }
        if (refused && a.msgid == 1) {
            return false; /* hello's says more than that of what came behind it */
        }
        if (a.msgid == 2 && text_is_none(a.code) && second != NULL) {
            second(a.result, problem, size);
        }
        answered |= a.msgid == 1 || a.msgid == 2 ? (unsigned)a.msgid : 0;
        filled -= scan.position;
        memmove(bytes, bytes + scan.position, filled);
        frame_scan_init(&scan);
    }
    return !refused;
}

/* Hello in that role, then that method. */
static bool check_ask(const struct listener_address *a, const char *role, const char *workspace,
                      const char *method,
                      void (*second)(struct cursor result, char *out, size_t size), char *problem,
                      size_t size)
{
    struct packer requests;
    bool good = false;
    int fd = check_connect(a, problem, size);

    if (fd < 0) {
        return false;
    }
    packer_init(&requests);
    check_pack_hello(&requests, role, workspace);
    check_pack_second(&requests, method);
    if (send(fd, requests.bytes, requests.size, MSG_NOSIGNAL) != (ssize_t)requests.size) {
        snprintf(problem, size, "cannot send: %s", strerror(errno));
    } else {
        good = check_answers(fd, second, problem, size);
    }
    packer_close(&requests);
    close(fd);
    return good;
}

/* Of node.list: why the journal is away and for how long; nothing when it is there. */
static void check_read_journal(struct cursor result, char *out, size_t size)
{
    struct cursor journal = result, age;
    uint64_t ms = 0;

    out[0] = '\0';
    if (!check_find(&journal, TEXT("journal")) ||
        !text_equal(check_find_text(journal, TEXT("state")), TEXT("away"))) {
        return;
    }
    age = journal;
    if (check_find(&age, TEXT("age_ms"))) {
        (void)cursor_uint(&age, &ms);
    }
    snprintf(out, size, "; redis: not reachable for %llu s: " TEXT_FORMAT,
             (unsigned long long)(ms / 1000), TEXT_ARGS(check_find_text(journal, TEXT("problem"))));
}

bool check_client_run(const char *address, const char *workspace, char *problem, size_t size)
{
    struct listener_address a;
    char journal[512] = "";
    size_t used;

    if (!listener_parse(text_from(address), &a, problem, size)) {
        return false;
    }
    if (check_ask(&a, "supervisor", workspace, "ping", NULL, problem, size)) {
        problem[0] = '\0';
        return true;
    }
    used = strlen(problem);
    if (!check_ask(&a, "admin", workspace, "node.list", check_read_journal, journal,
                   sizeof(journal))) {
        return false;
    }
    snprintf(problem + used, size - used, "%s", journal);
    return journal[0] == '\0' && strcmp(problem, CHECK_STANDS_BY) == 0;
}

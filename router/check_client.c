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

#define CHECK_SECONDS 5
#define CHECK_BYTES   65536

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

static void check_pack_requests(struct packer *p, const char *workspace)
{
    packer_array(p, 4);
    packer_uint(p, 0);
    packer_uint(p, 1);
    packer_literal(p, "hello");
    packer_array(p, 1);
    packer_map(p, 4);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    packer_literal(p, "role");
    packer_literal(p, "supervisor");
    packer_literal(p, "workspace");
    packer_text_of(p, workspace, strlen(workspace));
    packer_literal(p, "client");
    packer_literal(p, "switchboard-check/" SWITCHBOARD_VERSION);

    packer_array(p, 4);
    packer_uint(p, 0);
    packer_uint(p, 2);
    packer_literal(p, "ping");
    packer_array(p, 0);
}

/* The error's code of a response, or nothing when it is a result. False: this is no response. */
static bool check_read_response(const uint8_t *bytes, size_t size, uint64_t *msgid,
                                struct text *code, struct text *message)
{
    struct cursor c = cursor_over(bytes, size);
    uint32_t items, pairs;
    uint64_t type;

    *code = TEXT_NONE;
    *message = TEXT_NONE;
    if (!cursor_array(&c, &items) || items != 4 || !cursor_uint(&c, &type) || type != 1 ||
        !cursor_uint(&c, msgid)) {
        return false;
    }
    if (cursor_nil(&c)) {
        return true;
    }
    if (!cursor_map(&c, &pairs)) {
        return false;
    }
    for (; pairs > 0; pairs--) {
        struct text key;

        if (!cursor_text(&c, &key)) {
            return false;
        }
        if (text_equal(key, TEXT("code"))) {
            cursor_text(&c, code);
        } else if (text_equal(key, TEXT("message"))) {
            cursor_text(&c, message);
        } else if (!cursor_skip(&c)) {
            return false;
        }
    }
    return !text_is_none(*code);
}

/* Read until both answers are there. */
static bool check_answers(int fd, char *problem, size_t size)
{
    static uint8_t bytes[CHECK_BYTES];
    const struct frame_limits limits = {.bytes = CHECK_BYTES, .nesting = 16};
    struct frame_scan scan;
    size_t filled = 0;
    unsigned answered = 0;

    frame_scan_init(&scan);
    while (answered != 3) {
        enum frame_status status = frame_scan(&scan, bytes, filled, &limits);
        struct text code, message;
        uint64_t msgid;
        ssize_t got;

        if (status == FRAME_MORE) {
            got = filled == sizeof(bytes) ? 0 : recv(fd, bytes + filled, sizeof(bytes) - filled, 0);
            if (got <= 0) {
                snprintf(problem, size, "no answer: %s",
                         got == 0 ? "the connection was closed" : strerror(errno));
                return false;
            }
            filled += (size_t)got;
            continue;
        }
        if (status != FRAME_DONE ||
            !check_read_response(bytes, scan.position, &msgid, &code, &message)) {
            snprintf(problem, size, "whoever listens there does not speak this protocol");
            return false;
        }
        if (!text_is_none(code)) {
            snprintf(problem, size, "refused: " TEXT_FORMAT ": " TEXT_FORMAT, TEXT_ARGS(code),
                     TEXT_ARGS(message));
            return false;
        }
        answered |= msgid == 1 || msgid == 2 ? (unsigned)msgid : 0;
        filled -= scan.position;
        memmove(bytes, bytes + scan.position, filled);
        frame_scan_init(&scan);
    }
    return true;
}

bool check_client_run(const char *address, const char *workspace, char *problem, size_t size)
{
    struct listener_address a;
    struct packer requests;
    bool serves = false;
    int fd;

    if (!listener_parse(text_from(address), &a, problem, size)) {
        return false;
    }
    fd = check_connect(&a, problem, size);
    if (fd < 0) {
        return false;
    }
    packer_init(&requests);
    check_pack_requests(&requests, workspace);
    if (send(fd, requests.bytes, requests.size, MSG_NOSIGNAL) != (ssize_t)requests.size) {
        snprintf(problem, size, "cannot send: %s", strerror(errno));
    } else {
        serves = check_answers(fd, problem, size);
    }
    packer_close(&requests);
    close(fd);
    return serves;
}

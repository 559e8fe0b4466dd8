/* The client's conversation with two servers that say anything: the input is what comes, piece by
 * piece. Each piece begins with a byte that says how long it is; 0 ends the connection, 1 lets time
 * pass, 2 calls, 3 goes over to the other line. */
#include "proto/client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static unsigned answers;

static void answered(void *context, const struct switchboard_answer *answer)
{
    (void)context;
    answers += (unsigned)answer->status;
    if (answer->status == SWITCHBOARD_OK && answer->result_size == 0) {
        abort();
    }
}

static void talk(struct client *c, const uint8_t *bytes, size_t size)
{
    static const char *const methods[] = {"contact.submit", "agent.sign_in", "agent.sign_out",
                                          "offer.accept"};
    struct packer out = {0};
    int64_t now = 0;
    unsigned calls = 0;
    uint32_t line = 0;

    while (size > 0) {
        size_t length = *bytes++, room;

        size--;
        now++;
        if (client_wants_connection(c, line, now)) {
            client_connecting(c, line, now);
            client_connected(c, line, now);
        }
        if (length == 3) {
            line = 1 - line;
        } else if (length == 1 || c->lines[line].state == CLIENT_APART) {
            now += 1000;
            client_tick(c, now);
        } else if (length == 2) {
            (void)client_call(c, methods[calls % 4], NULL, 0, calls % 3, answered, NULL, now);
            calls++;
        } else if (length > 3 && client_state(c) != CLIENT_REJECTED) {
            length = length < size ? length : size;
            memcpy(client_receive_room(c, line, &room), bytes, length);
            client_received(c, line, length, now);
            bytes += length;
            size -= length;
        }
        for (uint32_t i = 0; i < CLIENT_LINES; i++) {
            if (c->lines[i].state != CLIENT_APART &&
                (client_wants_close(c, i) || (i == line && length == 0))) {
                client_disconnected(c, i, now);
            }
            packer_reset(&out);
            client_take_output(c, i, &out);
        }
    }
    packer_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint64_t seed[4] = {1, 2, 3, 4};
    const struct switchboard_options options = {
        .address = "tcp://a:1,tcp://b:1", .role = "agent", .unanswered_max = 50, .frame_max = 5000};
    struct client c;

    if (!client_init(&c, &options, seed, 0)) {
        abort();
    }
    talk(&c, bytes, size);
    client_fail_all(&c, SWITCHBOARD_CLOSED);
    client_close(&c);
    return 0;
}

#include "router/redis/redis_slot.h"

/* Bit by bit: a slot is computed once for a workspace, and not for a command. */
static uint16_t redis_slot_crc16(const char *bytes, size_t length)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < length; i++) {
        crc = (uint16_t)(crc ^ (unsigned)(unsigned char)bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 0x8000u) != 0 ? (unsigned)crc << 1 ^ 0x1021u
                                                  : (unsigned)crc << 1);
        }
    }
    return crc;
}

uint16_t redis_slot(struct text key)
{
    const char *end = key.bytes + key.length;
    const char *open = key.length == 0 ? NULL : memchr(key.bytes, '{', key.length);
    const char *shut = open == NULL ? NULL : memchr(open, '}', (size_t)(end - open));

    if (shut != NULL && shut > open + 1) {
        return redis_slot_crc16(open + 1, (size_t)(shut - open - 1)) % REDIS_SLOTS;
    }
    return redis_slot_crc16(key.bytes, key.length) % REDIS_SLOTS;
}

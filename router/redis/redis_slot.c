#include "router/redis/redis_slot.h"

/* Bit by bit: a slot is computed once for a workspace, and not for a command. */
uint16_t redis_slot_crc16(struct text bytes)
{
    uint16_t crc = 0;

    for (uint32_t i = 0; i < bytes.length; i++) {
        crc = (uint16_t)(crc ^ (unsigned)(unsigned char)bytes.bytes[i] << 8);
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
        key = (struct text){open + 1, (uint32_t)(shut - open - 1)};
    }
    return redis_slot_crc16(key) % REDIS_SLOTS;
}

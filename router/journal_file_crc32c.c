#include "router/journal_file_crc32c.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define CRC32C_POLYNOMIAL_REFLECTED 0x82f63b78u

/* Row k tells what a byte does to the checksum when k more bytes follow it: eight bytes go in one
 * step. */
static uint32_t crc32c_table[8][256];
static pthread_once_t crc32c_table_once = PTHREAD_ONCE_INIT;

static void crc32c_table_fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL_REFLECTED : 0);
        }
        crc32c_table[0][byte] = crc;
    }
    for (int row = 1; row < 8; row++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t crc = crc32c_table[row - 1][byte];

            crc32c_table[row][byte] = (crc >> 8) ^ crc32c_table[0][crc & 0xff];
        }
    }
}

uint32_t journal_file_crc32c_by_table(uint32_t crc, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    pthread_once(&crc32c_table_once, crc32c_table_fill);
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;

        memcpy(&word, p, 8);
        word = le64toh(word) ^ crc;
        crc = crc32c_table[7][word & 0xff] ^ crc32c_table[6][(word >> 8) & 0xff] ^
              crc32c_table[5][(word >> 16) & 0xff] ^ crc32c_table[4][(word >> 24) & 0xff] ^
              crc32c_table[3][(word >> 32) & 0xff] ^ crc32c_table[2][(word >> 40) & 0xff] ^
              crc32c_table[1][(word >> 48) & 0xff] ^ crc32c_table[0][word >> 56];
    }
    for (; size > 0; size--, p++) {
        crc = (crc >> 8) ^ crc32c_table[0][(crc ^ *p) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)

/* The instruction takes a word in one step and answers three steps later, so three checksums are
 * made side by side of three blocks, and put together: what stands before so many bytes is moved
 * over them as if they were zeros. */
#define CRC32C_BLOCK_BYTES 256u

static uint32_t crc32c_move_table[4][256]; /* over a block, for each byte of a checksum */
static pthread_once_t crc32c_move_once = PTHREAD_ONCE_INIT;

static void crc32c_move_fill(void)
{
    uint32_t moved_bit[32];

    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = 1u << bit;

        for (unsigned zero_bits = 0; zero_bits < CRC32C_BLOCK_BYTES * 8; zero_bits++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL_REFLECTED : 0);
        }
        moved_bit[bit] = crc;
    }
    for (int row = 0; row < 4; row++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            for (int bit = 0; bit < 8; bit++) {
                crc32c_move_table[row][byte] ^=
                    (byte >> bit & 1) != 0 ? moved_bit[row * 8 + bit] : 0;
            }
        }
    }
}

static uint32_t crc32c_move(uint32_t crc)
{
    return crc32c_move_table[0][crc & 0xff] ^ crc32c_move_table[1][(crc >> 8) & 0xff] ^
           crc32c_move_table[2][(crc >> 16) & 0xff] ^ crc32c_move_table[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint64_t crc32c_step(uint64_t crc, const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return __builtin_ia32_crc32di(crc, word);
}

__attribute__((target("sse4.2"))) static uint32_t
crc32c_by_instruction(uint32_t crc, const uint8_t *p, size_t size)
{
    uint64_t wide = ~crc;

    if (size >= 3 * CRC32C_BLOCK_BYTES) {
        pthread_once(&crc32c_move_once, crc32c_move_fill);
    }
    while (size >= 3 * CRC32C_BLOCK_BYTES) {
        const uint8_t *end = p + CRC32C_BLOCK_BYTES;
        uint64_t second = 0, third = 0;

        for (; p < end; p += 8) {
            wide = crc32c_step(wide, p);
            second = crc32c_step(second, p + CRC32C_BLOCK_BYTES);
            third = crc32c_step(third, p + 2 * CRC32C_BLOCK_BYTES);
        }
        wide = crc32c_move(crc32c_move((uint32_t)wide) ^ (uint32_t)second) ^ third;
        p += 2 * CRC32C_BLOCK_BYTES;
        size -= 3 * CRC32C_BLOCK_BYTES;
    }
    for (; size >= 8; size -= 8, p += 8) {
        wide = crc32c_step(wide, p);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, p++) {
        crc = __builtin_ia32_crc32qi(crc, *p);
    }
    return ~crc;
}

uint32_t journal_file_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_by_instruction(crc, bytes, size);
    }
    return journal_file_crc32c_by_table(crc, bytes, size);
}

#else

uint32_t journal_file_crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return journal_file_crc32c_by_table(crc, bytes, size);
}

#endif

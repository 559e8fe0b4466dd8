/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.
 *
 * It finds every change of up to three bits in anything we write, and every one within 32
 * neighbouring bits; among other changes it misses one in four thousand million. Any thread. */
#ifndef ROUTER_JOURNAL_FILE_CRC32C_H
#define ROUTER_JOURNAL_FILE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `bytes` behind what `crc` is the checksum of; 0 to begin. */
uint32_t journal_file_crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same by tables: what a processor without the instruction runs, and what tests compare with.
 */
uint32_t journal_file_crc32c_by_table(uint32_t crc, const void *bytes, size_t size);

#endif

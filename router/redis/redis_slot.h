/* In which of a cluster's 16,384 slots a key stands: CRC16 (XMODEM) of the key, or of what stands
 * between its first '{' and the next '}' when that is not empty, so that keys with one such hash
 * tag stand together. (Redis Cluster Specification, "Hash tags".)
 *
 * Pure; any thread. */
#ifndef ROUTER_REDIS_REDIS_SLOT_H
#define ROUTER_REDIS_REDIS_SLOT_H

#include "queue/base/text.h"

#define REDIS_SLOTS 16384u

uint16_t redis_slot(struct text key);

/* The checksum itself, of all bytes. */
uint16_t redis_slot_crc16(struct text bytes);

#endif

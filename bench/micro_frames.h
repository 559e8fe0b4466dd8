/* The requests of a life cycle as `load` sends them, for the micro-benchmark of the codec. Apart
 * from it, because the load's words and the protocol's share a name. */
#ifndef BENCH_MICRO_FRAMES_H
#define BENCH_MICRO_FRAMES_H

#include "proto/packer.h"

#define MICRO_FRAMES_ID         "b-00000001-000001-00000001"
#define MICRO_FRAMES_TEXT_BYTES 200
#define MICRO_FRAMES_MSGID      0x03000001

void micro_frames_submit(struct packer *p);
void micro_frames_accept(struct packer *p);
void micro_frames_complete(struct packer *p);

#endif

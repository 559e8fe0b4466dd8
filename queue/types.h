/* The words that every file of the engine shares: time, ids, life cycles, bounds. */
#ifndef QUEUE_TYPES_H
#define QUEUE_TYPES_H

#include "queue/base/text.h"

/* An instant in milliseconds since the Unix epoch, as the workspace counts it: never backwards. */
typedef int64_t engine_time;
/* A span in milliseconds. */
typedef int64_t duration_ms;

#define TIME_NEVER    INT64_MAX
#define DURATION_NONE ((duration_ms)-1) /* not configured */

#define SKILL_LEVEL_MAX 5
#define CHANNELS_MAX    16 /* a bit each in a ranked_node's mask */
#define TIERS_MAX       32
#define SKILLS_PER_SET  64 /* skills of one agent or one requirement */
#define NAME_BYTES_MAX  64
#define ID_BYTES_MAX    128

typedef uint16_t skill_index;
typedef uint16_t queue_index;
typedef uint8_t channel_index;
typedef uint8_t tier_index;
typedef uint16_t issue_index;
typedef uint16_t language_index;
#define INDEX_NONE8  UINT8_MAX
#define INDEX_NONE16 UINT16_MAX

struct skill_level {
    struct text skill;
    uint8_t level; /* 1 to SKILL_LEVEL_MAX */
};

#endif

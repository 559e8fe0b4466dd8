#include "router/stream/stream_script.h"

#include "queue/base/defect.h"

/* Without flags a script is refused before it begins when Redis has no memory left, cannot write
 * its file, or lacks the replicas that it asks for: so none of these finds it half done. */
#define STREAM_SCRIPT_HEAD "#!lua flags=\n"

static const char stream_append_text[] = STREAM_SCRIPT_HEAD
    "local key, behind, epoch, last = KEYS[1], ARGV[1], ARGV[2], ARGV[#ARGV - 2]\n"
    "local top = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]\n"
    "top = top and top[1] or '0-0'\n"
    "if top == behind then\n"
    /* A guard that kept others out may have left the last id above the last entry. */
    "  local first = redis.pcall('XADD', key, ARGV[3], ARGV[4], ARGV[5])\n"
    "  if type(first) == 'table' then\n"
    "    redis.call('XSETID', key, top)\n"
    "    redis.call('XADD', key, ARGV[3], ARGV[4], ARGV[5])\n"
    "  end\n"
    "  for i = 6, #ARGV, 3 do\n"
    "    redis.call('XADD', key, ARGV[i], ARGV[i + 1], ARGV[i + 2])\n"
    "  end\n"
    "  return {'appended', last}\n"
    "end\n"
    /* Decimals without leading zeros; as numbers they would be rounded. */
    "local raised = string.match(top, '^%d+')\n"
    "if #raised > #epoch or #raised == #epoch and raised > epoch then\n"
    "  return {'elsewhere', top}\n"
    "end\n"
    "local there = redis.call('XRANGE', key, '(' .. behind, last)\n"
    "if 3 * #there ~= #ARGV - 2 then\n"
    "  return {'elsewhere', top}\n"
    "end\n"
    "for i = 1, #there do\n"
    "  local fields = there[i][2]\n"
    "  if there[i][1] ~= ARGV[3 * i] or #fields ~= 2 or fields[1] ~= ARGV[3 * i + 1]\n"
    "      or fields[2] ~= ARGV[3 * i + 2] then\n"
    "    return {'elsewhere', top}\n"
    "  end\n"
    "end\n"
    "redis.call('XSETID', key, top)\n"
    "return {'there', top}\n";

#define STREAM_GUARD_TOP                                                                           \
    "local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"                      \
    "top = top and top[1] or '0-0'\n"

/* Where the last id is beyond theirs already, Redis refuses to set it back: as well. */
static const char stream_guard_text[] =
    STREAM_GUARD_TOP "if top == ARGV[1] then return {'appended', ARGV[2]} end\n"
                     "redis.pcall('XSETID', KEYS[1], ARGV[2])\n"
                     "return {'elsewhere', top}\n";

struct redis_script stream_script_append;
struct text stream_guard;

/* Whoever owns it, whatever there is. */
static const char stream_append_unchecked[] =
    STREAM_SCRIPT_HEAD "local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"
                       "if (top and top[1] or '0-0') == ARGV[1] then\n"
                       "  for i = 3, #ARGV, 3 do\n"
                       "    redis.call('XADD', KEYS[1], ARGV[i], ARGV[i + 1], ARGV[i + 2])\n"
                       "  end\n"
                       "end\n"
                       "return {'appended', ARGV[#ARGV - 2]}\n";
static const char stream_guard_unchecked[] =
    STREAM_GUARD_TOP "if top ~= ARGV[1] then redis.pcall('XSETID', KEYS[1], ARGV[2]) end\n"
                     "return {'appended', ARGV[2]}\n";

void stream_scripts_init(void)
{
    redis_script_init(
        &stream_script_append,
        text_from(DEFECT(NO_EPOCH_CHECK) ? stream_append_unchecked : stream_append_text));
    stream_guard = text_from(DEFECT(NO_EPOCH_CHECK) ? stream_guard_unchecked : stream_guard_text);
}

/* Which defect switchboard-server-defects has. A name that there is not ends the process at the
 * first place that asks: a misspelt test must not look like a router without defects. */
#include "queue/base/defect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

static once_flag defect_once = ONCE_FLAG_INIT;
static enum defect defect_chosen = DEFECT_COUNT;

static void defect_choose(void)
{
#define DEFECT_WORD(name, word) word,
    static const char *const words[] = {DEFECTS(DEFECT_WORD)};
#undef DEFECT_WORD
    const char *chosen = getenv("SWITCHBOARD_DEFECT");

    for (unsigned i = 0; chosen != NULL && i < DEFECT_COUNT; i++) {
        if (strcmp(words[i], chosen) == 0) {
            defect_chosen = (enum defect)i;
            return;
        }
    }
    fprintf(stderr, "SWITCHBOARD_DEFECT names none of the defects\n");
    abort();
}

bool defect_is(enum defect d)
{
    call_once(&defect_once, defect_choose);
    return d == defect_chosen;
}

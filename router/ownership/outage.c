#include "router/ownership/outage.h"

#include <stdio.h>

#include "router/log.h"

/* In a Cluster every workspace has its own way to it, and many of them may be away at a time. */
#define OUTAGE_LINES_MOST 20

static struct log_limit outage_limit = {.most = OUTAGE_LINES_MOST};

static void outage_say(const struct outage *o, struct text of, boot_ms now)
{
    log_event_limited(&outage_limit, LOG_LEVEL_ERROR, "journal_away", LOG_TEXT("workspace", of),
                      LOG_NUMBER("away_ms", now - o->changed_at), LOG_WORDS("words", o->problem));
}

static void outage_end(struct outage *o, struct text of, boot_ms now)
{
    if (o->said) {
        log_event_limited(&outage_limit, LOG_LEVEL_WARNING, "journal_back",
                          LOG_TEXT("workspace", of), LOG_NUMBER("away_ms", now - o->changed_at),
                          LOG_WORDS("words", o->problem));
    }
    *o = (struct outage){.changed_at = now};
}

void outage_look(struct outage *o, const char *problem, struct text of, boot_ms now)
{
    bool away = problem[0] != '\0';

    if (o->changed_at == 0) {
        o->changed_at = now;
    }
    if (away && !o->away) {
        o->away = true;
        o->changed_at = now;
    } else if (!away && o->away) {
        outage_end(o, of, now);
    }
    if (away) {
        snprintf(o->problem, sizeof(o->problem), "%s", problem);
    }
    if (o->away && !o->said && now - o->changed_at >= OUTAGE_SAY_MS) {
        o->said = true;
        outage_say(o, of, now);
    }
}

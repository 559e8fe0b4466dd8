/* The queues, live: asked for again and again, and painted over what was there. */
#include <stdio.h>
#include <unistd.h>

#include "proto/cli/lists.h"
#include "proto/cli/options.h"
#include "proto/cli/screen.h"

#define WATCH_ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define WATCH_LEAVE "\033[?25h\033[?1049l"
#define WATCH_HOME  "\033[H\033[J"
#define WATCH_HEAD  4 /* lines around the table */

struct watch {
    struct link link;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    bool live; /* paint a terminal */
    bool stopped;
};

static void watch_on_signal(uv_signal_t *signal, int number)
{
    struct watch *w = signal->data;

    (void)number;
    w->stopped = true;
    uv_stop(signal->loop);
}

static void watch_paint(const struct watch *w, const struct table *table, int status,
                        const struct reply *reply)
{
    const char *workspace = w->link.cli->workspace;
    char words[1024], time[SCREEN_WORDS];
    int height = screen_height();

    if (w->live) {
        printf(WATCH_HOME "%s%s%s  %s  %s  %sCtrl-C ends%s\n\n", screen_bold(), w->link.cli->server,
               screen_plain(), workspace == NULL ? "default" : workspace,
               screen_time(time, screen_now()), screen_dim(), screen_plain());
    }
    if (status != CLI_DONE) {
        reply_words(reply, words, sizeof(words));
        fprintf(w->live ? stdout : stderr, "%s%s%s\n", screen_alarm(), words, screen_plain());
        return;
    }
    table_print(table, stdout, screen_width(),
                w->live && height > WATCH_HEAD + 1 ? (uint32_t)(height - WATCH_HEAD - 1) : 0);
}

/* Until it is stopped, cannot go on, or once. */
static int watch_loop(struct watch *w, duration_ms interval, bool once)
{
    static const char *const none[] = {NULL};
    static const struct lists_wanted wanted = {none, 0};
    struct reply reply = {0};
    struct table table;
    int status;

    do {
        status = lists_fetch(&w->link, &lists_kind_queues, &wanted, &table, &reply);
        if (!w->stopped) {
            watch_paint(w, &table, status, &reply);
            if (!w->live && !once) {
                putchar('\n');
            }
            fflush(stdout);
        }
        table_close(&table);
        if (w->stopped || once || status > CLI_REFUSED || ferror(stdout) != 0) {
            break; /* a server that is away may come back; one that refuses stays with it */
        }
        link_wait(&w->link, interval);
    } while (!w->stopped);
    if (status > CLI_REFUSED && w->live) {
        fputs(WATCH_LEAVE, stdout);
        w->live = false;
        (void)reply_complain(&reply, "queue.list");
    }
    reply_close(&reply);
    return w->stopped ? CLI_DONE : status;
}

int watch_run(struct cli *cli, const struct command *command, int argc, char **argv)
{
    static const struct link_session session = {.role = "supervisor", .lasting = true};
    struct watch w = {0};
    duration_ms interval = 1000;
    bool once = false;
    const struct option rows[] = {
        {"once", OPTION_FLAG, &once, NULL, "print the table once and end"},
        {"interval", OPTION_DURATION, &interval, "TIME", "ask again after so long; 1s"},
    };
    struct arguments arguments;
    int status = options_read(cli, command, rows, 2, argc, argv, &arguments);

    options_close(&arguments);
    if (status == OPTIONS_READY) {
        status = link_open(&w.link, cli, &session, NULL);
    } else {
        return status;
    }
    if (status != CLI_DONE) {
        return status;
    }
    uv_signal_init(&w.link.loop, &w.interrupt);
    uv_signal_init(&w.link.loop, &w.terminate);
    w.interrupt.data = w.terminate.data = &w;
    uv_signal_start(&w.interrupt, watch_on_signal, SIGINT);
    uv_signal_start(&w.terminate, watch_on_signal, SIGTERM);
    w.live = !once && screen_is_terminal();
    fputs(w.live ? WATCH_ENTER : "", stdout);
    status = watch_loop(&w, interval < 100 ? 100 : interval, once);
    fputs(w.live ? WATCH_LEAVE : "", stdout);
    uv_close((uv_handle_t *)&w.interrupt, NULL);
    uv_close((uv_handle_t *)&w.terminate, NULL);
    link_close(&w.link);
    return status;
}

/* Words on a terminal.
 *
 * What customers and servers wrote is never trusted: control characters, escape sequences and marks
 * that turn the direction of writing are shown as a replacement mark, so that no message can steer
 * the terminal. Widths are in columns: a Chinese character takes two.
 *
 * Colours are there only on a terminal, and not if NO_COLOR is set. */
#ifndef PROTO_CLI_SCREEN_H
#define PROTO_CLI_SCREEN_H

#include <stdio.h>

#include "queue/types.h"

bool screen_is_terminal(void); /* standard output */
int screen_width(void);        /* columns; 80 when it is no terminal */
int screen_height(void);       /* rows; 0 when it is no terminal */

/* Escape sequences, or "" where there are no colours. */
const char *screen_bold(void);
const char *screen_dim(void);
const char *screen_alarm(void);
const char *screen_good(void);
const char *screen_plain(void);

/* How many columns the text takes in one line. */
int screen_columns(struct text t);

/* In one line: white space becomes one space. With `most` of 0 or more, cut behind so many columns,
 * with an ellipsis. Returns the columns written. */
int screen_text(FILE *out, struct text t, int most);

/* Wrapped at `width`, each line behind `indent` spaces; line breaks are kept. */
void screen_wrapped(FILE *out, struct text t, int indent, int width);

/* "45 s", "4 min 10 s", "2 h 5 min", "3 days"; a few bytes. */
#define SCREEN_WORDS 40
const char *screen_duration(char words[SCREEN_WORDS], duration_ms span);

/* This machine's time: what a person's clock says. */
engine_time screen_now(void);

/* In local time: "14:05:09", with the date in front when it is not today. */
const char *screen_time(char words[SCREEN_WORDS], engine_time at);

#endif

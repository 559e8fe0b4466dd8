/* One line being typed at the foot of a terminal, while other things are printed above it.
 *
 * Typing, backspace, Ctrl-U (all away), Ctrl-W (a word away), Enter; Ctrl-C and Ctrl-D on an empty
 * line end it. Print only between prompt_hide and prompt_show: what was typed comes back below.
 * The terminal must be in raw mode. Wide characters are counted as what they take. */
#ifndef PROTO_CLI_PROMPT_H
#define PROTO_CLI_PROMPT_H

#include "proto/packer.h"

struct prompt {
    const char *words; /* in front of the line */
    struct packer line;
    bool shown;
    bool in_escape; /* an arrow key's sequence is passed over */
};

void prompt_show(struct prompt *p);
void prompt_hide(struct prompt *p);
void prompt_close(struct prompt *p);

/* What was typed; whole lines are appended to `lines`, ended by line feeds. False: the end. */
bool prompt_feed(struct prompt *p, const char *bytes, size_t size, struct packer *lines);

#endif

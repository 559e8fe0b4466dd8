#include "proto/cli/prompt.h"

#include <stdio.h>

#include "proto/cli/screen.h"

#define PROMPT_CTRL(letter) ((letter) - '@')
#define PROMPT_ESCAPE       0x1b
#define PROMPT_DELETE       0x7f

/* The end of the line that fits beside the words, the beginning scrolled away. */
static struct text prompt_tail(const struct prompt *p)
{
    struct text tail = {(const char *)p->line.bytes, (uint32_t)p->line.size};
    int room = screen_width() - (int)strlen(p->words) - 1;

    while (screen_columns(tail) > room) {
        do {
            tail.bytes++;
            tail.length--;
        } while (tail.length > 0 && (tail.bytes[0] & 0xc0) == 0x80);
    }
    return tail;
}

static void prompt_draw(const struct prompt *p)
{
    struct text tail = prompt_tail(p);

    printf("\r\033[K%s%s%s", screen_bold(), p->words, screen_plain());
    if (tail.length > 0) {
        fwrite(tail.bytes, 1, tail.length, stdout); /* no control characters get into the line */
    }
    fflush(stdout);
}

void prompt_show(struct prompt *p)
{
    p->shown = true;
    prompt_draw(p);
}

void prompt_hide(struct prompt *p)
{
    if (p->shown) {
        fputs("\r\033[K", stdout);
        p->shown = false;
    }
}

void prompt_close(struct prompt *p)
{
    packer_close(&p->line);
}

static void prompt_drop_character(struct prompt *p)
{
    while (p->line.size > 0 && (p->line.bytes[--p->line.size] & 0xc0) == 0x80) {
    }
}

static void prompt_drop_word(struct prompt *p)
{
    while (p->line.size > 0 && p->line.bytes[p->line.size - 1] == ' ') {
        p->line.size--;
    }
    while (p->line.size > 0 && p->line.bytes[p->line.size - 1] != ' ') {
        p->line.size--;
    }
}

static void prompt_enter(struct prompt *p, struct packer *lines)
{
    if (p->shown) {
        prompt_draw(p);
        fputs("\n", stdout);
        p->shown = false;
    }
    packer_raw(lines, p->line.bytes, p->line.size);
    packer_byte(lines, '\n');
    packer_reset(&p->line);
}

/* False: the end. */
static bool prompt_key(struct prompt *p, unsigned char key, struct packer *lines)
{
    if (p->in_escape) { /* ESC [ ... letter, ESC O letter, or ESC and one key */
        p->in_escape = key == '[' || key == 'O' || key == ';' || (key >= '0' && key <= '9');
        return true;
    }
    switch (key) {
    case PROMPT_ESCAPE:
        p->in_escape = true;
        return true;
    case '\r':
    case '\n':
        prompt_enter(p, lines);
        return true;
    case PROMPT_DELETE:
    case '\b':
        prompt_drop_character(p);
        return true;
    case PROMPT_CTRL('U'):
        packer_reset(&p->line);
        return true;
    case PROMPT_CTRL('W'):
        prompt_drop_word(p);
        return true;
    case PROMPT_CTRL('C'):
        return false;
    case PROMPT_CTRL('D'):
        return p->line.size > 0;
    default:
        if (key >= ' ') {
            packer_byte(&p->line, key);
        }
        return true;
    }
}

bool prompt_feed(struct prompt *p, const char *bytes, size_t size, struct packer *lines)
{
    for (size_t i = 0; i < size; i++) {
        if (!prompt_key(p, (unsigned char)bytes[i], lines)) {
            return false;
        }
    }
    if (p->shown) {
        prompt_draw(p);
    }
    return true;
}

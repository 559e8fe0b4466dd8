/* The list of mistakes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/config.h"
#include "router/config_reader.h"

static bool already_noted(const struct config_problems *p, uint32_t line, uint32_t column,
                          const char *words)
{
    size_t length = strlen(words);

    for (uint32_t i = 0; i < p->count; i++) {
        const struct config_problem *old = &p->list[i];
        size_t old_length = strlen(old->message);
        if (old->line == line && old->column == column && old_length >= length &&
            strcmp(old->message + old_length - length, words) == 0) {
            return true;
        }
    }
    return false;
}

/* Put it where it belongs: by line, then column, the earlier noted first. */
static void insert(struct config_problems *p, struct config_problem problem)
{
    uint32_t at = p->count;

    p->list = memory_resize(p->list, ((size_t)p->count + 1) * sizeof(*p->list));
    while (at > 0 &&
           (p->list[at - 1].line > problem.line ||
            (p->list[at - 1].line == problem.line && p->list[at - 1].column > problem.column))) {
        p->list[at] = p->list[at - 1];
        at--;
    }
    p->list[at] = problem;
    p->count++;
}

static void note(struct config_reader *r, uint32_t line, uint32_t column, const char *format,
                 va_list arguments)
{
    struct config_problems *p = r->problems;
    char words[1024];
    char message[sizeof(words) + CONFIG_PATH_BYTES_MAX + 4];
    int length;

    r->wrong = true;
    vsnprintf(words, sizeof(words), format, arguments);
    if (already_noted(p, line, column, words)) {
        return;
    }
    if (p->count >= CONFIG_PROBLEMS_MAX) {
        p->left_out++;
        return;
    }
    length = r->path_length == 0 ? snprintf(message, sizeof(message), "%s", words)
                                 : snprintf(message, sizeof(message), "%.*s: %s",
                                            (int)r->path_length, r->path, words);
    insert(p, (struct config_problem){line, column, memory_copy(message, (size_t)length + 1)});
}

void config_complain(struct config_reader *r, const yaml_node_t *at, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(r, (uint32_t)at->start_mark.line + 1, (uint32_t)at->start_mark.column + 1, format,
         arguments);
    va_end(arguments);
}

void config_complain_at(struct config_reader *r, uint32_t line, uint32_t column, const char *format,
                        ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(r, line, column, format, arguments);
    va_end(arguments);
}

char *config_problems_text(const struct config_problems *problems, const char *file)
{
    char *bytes = NULL;
    char *copy;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);

    if (out == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->list[i];
        if (file != NULL) {
            fprintf(out, "%s:", file);
        }
        if (p->line > 0) {
            fprintf(out, "%u:%u:", p->line, p->column);
        }
        fprintf(out, "%s%s\n", file != NULL || p->line > 0 ? " " : "", p->message);
    }
    if (problems->left_out > 0) {
        fprintf(out, "and %u more\n", problems->left_out);
    }
    fclose(out);
    copy = memory_copy(bytes, size + 1);
    free(bytes); /* the C library made it */
    return copy;
}

void config_problems_close(struct config_problems *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        memory_give(problems->list[i].message);
    }
    memory_give(problems->list);
    *problems = (struct config_problems){0};
}

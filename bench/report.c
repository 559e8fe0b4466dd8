/* The page: its head, texts, tiles and tables. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report_page.h"
#include "queue/base/memory.h"

void report_escape(FILE *out, const char *words)
{
    for (; *words != '\0'; words++) {
        switch (*words) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*words, out);
        }
    }
}

static void report_element(struct report *r, const char *open, const char *words, const char *close)
{
    fputs(open, r->out);
    report_escape(r->out, words);
    fputs(close, r->out);
}

struct report *report_create(const char *title, const char *subtitle)
{
    struct report *r = memory_take(sizeof(*r));

    r->out = open_memstream(&r->bytes, &r->size);
    if (r->out == NULL) {
        abort(); /* as memory_take would have done */
    }
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
          r->out);
    report_element(r, "<title>", title, "</title>\n");
    fprintf(r->out, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", report_style);
    report_element(r, "<header><h1>", title, "</h1>");
    if (subtitle != NULL) {
        report_element(r, "<p>", subtitle, "</p>");
    }
    fputs("</header>\n", r->out);
    return r;
}

void report_destroy(struct report *r)
{
    (void)fclose(r->out);
    free(r->bytes); /* of open_memstream */
    memory_give(r);
}

bool report_write(struct report *r, const char *path)
{
    bool written;
    FILE *file;

    assert(r->columns == NULL);
    fputs("</main>\n</body>\n</html>\n", r->out);
    (void)fflush(r->out);
    file = fopen(path, "w");
    written = file != NULL && fwrite(r->bytes, 1, r->size, file) == r->size;
    if (file != NULL) {
        written = fclose(file) == 0 && written;
    }
    if (!written) {
        fprintf(stderr, "switchboard-bench: cannot write %s: %s\n", path, strerror(errno));
    }
    report_destroy(r);
    return written;
}

void report_heading(struct report *r, const char *words)
{
    report_element(r, "<h2>", words, "</h2>\n");
}

static void report_escape_format(FILE *out, const char *format, va_list arguments)
{
    char *words = NULL;

    if (vasprintf(&words, format, arguments) >= 0) {
        report_escape(out, words);
        free(words);
    }
}

void report_text(struct report *r, const char *format, ...)
{
    va_list arguments;

    fputs("<p>", r->out);
    va_start(arguments, format);
    report_escape_format(r->out, format, arguments);
    va_end(arguments);
    fputs("</p>\n", r->out);
}

void report_figures(struct report *r, const struct report_figure *figures, size_t count)
{
    char number[REPORT_NUMBER_BYTES];

    fputs("<div class=\"tiles\">\n", r->out);
    for (size_t i = 0; i < count; i++) {
        report_element(r, "<div><span>", figures[i].words, "</span>");
        report_element(r, "<b>", report_number(number, figures[i].value, figures[i].unit), "</b>");
        if (figures[i].note != NULL) {
            report_element(r, "<small>", figures[i].note, "</small>");
        }
        fputs("</div>\n", r->out);
    }
    fputs("</div>\n", r->out);
}

/* Tables. */

void report_table_open(struct report *r, const struct report_column *columns, size_t count)
{
    assert(r->columns == NULL && count > 0);
    r->columns = columns;
    r->column_count = count;
    r->column = 0;
    fputs("<div class=\"table\"><table>\n<thead><tr>", r->out);
    for (size_t i = 0; i < count; i++) {
        report_element(r, columns[i].number ? "<th class=\"n\">" : "<th>", columns[i].words,
                       "</th>");
    }
    fputs("</tr></thead>\n<tbody>\n", r->out);
}

static void report_cell_open(struct report *r)
{
    assert(r->columns != NULL);
    fprintf(r->out, "%s<td%s>", r->column == 0 ? "<tr>" : "",
            r->columns[r->column].number ? " class=\"n\"" : "");
}

static void report_cell_close(struct report *r)
{
    r->column = (r->column + 1) % r->column_count;
    fputs(r->column == 0 ? "</td></tr>\n" : "</td>", r->out);
}

void report_cell(struct report *r, const char *format, ...)
{
    va_list arguments;

    report_cell_open(r);
    va_start(arguments, format);
    report_escape_format(r->out, format, arguments);
    va_end(arguments);
    report_cell_close(r);
}

void report_cell_number(struct report *r, double value)
{
    char number[REPORT_NUMBER_BYTES];

    report_cell_open(r);
    report_escape(r->out, report_number(number, value, r->columns[r->column].unit));
    report_cell_close(r);
}

void report_table_close(struct report *r)
{
    assert(r->columns != NULL && r->column == 0);
    r->columns = NULL;
    fputs("</tbody></table></div>\n", r->out);
}

void report_figure_open(struct report *r, const char *title, const char *words)
{
    report_element(r, "<figure><figcaption>", title, "</figcaption>\n");
    if (words != NULL) {
        report_element(r, "<p>", words, "</p>\n");
    }
}

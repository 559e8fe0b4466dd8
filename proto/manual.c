/* Writes the tables of PROTOCOL.md from the lists that the code is made from.
 *
 *     protocol_manual FILE            rewrite the generated sections
 *     protocol_manual --check FILE    only say whether they are up to date
 *
 * A section begins with the line `<!-- generated: NAME -->` and ends with `<!-- end -->`.
 * Everything between them is replaced; everything else stays as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error_table.h"
#include "proto/method.h"
#include "queue/fact_table.h"

#define MANUAL_BEGIN "<!-- generated: "
#define MANUAL_END   "<!-- end -->"

static void manual_limits(FILE *out)
{
    struct limits limits;

    limits_init(&limits);
    fprintf(out, "| limit | default | of |\n| --- | ---: | --- |\n");
    for (int i = 0; i < LIMIT_COUNT; i++) {
        fprintf(out, "| `%s` | %u | %s |\n", limit_wire((enum limit_kind)i), limits.of[i],
                limit_words((enum limit_kind)i));
    }
}

static const char *manual_retry(enum error_retry retry)
{
    switch (retry) {
    case RETRY_NO:
        return "no";
    case RETRY_LATER:
        return "later";
    case RETRY_YES:
        return "yes";
    case RETRY_THERE:
        return "there";
    case RETRY_PERHAPS:
        return "perhaps";
    }
    return "";
}

static void manual_errors(FILE *out)
{
    fprintf(out, "| code | meaning | try again |\n| --- | --- | --- |\n");
    for (int i = ERROR_NONE + 1; i < ERROR_COUNT; i++) {
        enum error_code code = (enum error_code)i;
        fprintf(out, "| `%s` | %s | %s |\n", error_wire(code), error_words(code),
                manual_retry(error_retry(code)));
    }
}

static void manual_roles(FILE *out, unsigned roles)
{
    const char *between = "";

    if (roles == ROLES_ALL) {
        fprintf(out, "everyone");
        return;
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        if ((roles & 1u << i) != 0) {
            fprintf(out, "%s%s", between, words_at(WORD_LIST_ROLE, i));
            between = ", ";
        }
    }
}

static void manual_methods(FILE *out)
{
    fprintf(out, "| method | who | changes | what |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < METHOD_COUNT; i++) {
        enum method m = (enum method)i;
        fprintf(out, "| `%s` | ", method_wire(m));
        manual_roles(out, method_roles(m));
        fprintf(out, " | %s | %s |\n", method_kind(m) == METHOD_CHANGE ? "yes" : "",
                method_help(m));
    }
}

static void manual_integer(FILE *out, const struct parameter *p)
{
    const char *name = field_wire(p->field);
    size_t length = strlen(name);

    if (p->least == 0 && length > 3 && strcmp(name + length - 3, "_at") == 0) {
        fprintf(out, "time");
    } else if (p->least == 0 && length > 3 && strcmp(name + length - 3, "_ms") == 0) {
        fprintf(out, "duration");
    } else if (p->least == p->most) {
        fprintf(out, "%lld", (long long)p->least);
    } else if (p->most == INTEGER_MAX && p->least == INTEGER_MIN) {
        fprintf(out, "integer");
    } else if (p->most == INTEGER_MAX) {
        fprintf(out, "integer from %lld", (long long)p->least);
    } else {
        fprintf(out, "integer, %lld to %lld", (long long)p->least, (long long)p->most);
    }
}

static void manual_words(FILE *out, enum word_list list)
{
    for (int i = 0; words_at(list, i) != NULL; i++) {
        fprintf(out, "%s`%s`", i == 0 ? "" : ", ", words_at(list, i));
    }
}

static void manual_type(FILE *out, const struct parameter *p)
{
    switch (p->type) {
    case PARAMETER_ID:
        fprintf(out, "id");
        break;
    case PARAMETER_TEXT:
        fprintf(out, "str");
        break;
    case PARAMETER_PAYLOAD:
        fprintf(out, "bin or str");
        break;
    case PARAMETER_BOOL:
        fprintf(out, "bool");
        break;
    case PARAMETER_INTEGER:
        manual_integer(out, p);
        break;
    case PARAMETER_WORD:
        manual_words(out, p->words);
        break;
    case PARAMETER_ATTRIBUTES:
        fprintf(out, "map of str to scalar");
        break;
    case PARAMETER_SKILLS:
        fprintf(out, "map of str to level");
        break;
    case PARAMETER_CUSTOMER:
        fprintf(out, "map {`id`, `tier`, `attributes`}");
        break;
    case PARAMETER_CAPACITY:
        fprintf(out, "integer, or map {`units`, `max`: {channel: count}}");
        break;
    case PARAMETER_QUEUES:
        fprintf(out, "array of str, or map of str to rank");
        break;
    case PARAMETER_REFUSED:
        fprintf(out, "refused");
        break;
    }
    if (p->limit != LIMIT_NONE) {
        fprintf(out, " (limit `%s`)", limit_wire(p->limit));
    }
}

static void manual_parameters(FILE *out)
{
    for (int i = 0; i < METHOD_COUNT; i++) {
        enum method m = (enum method)i;
        size_t count;
        const struct parameter *p = method_parameters(m, &count);

        fprintf(out, "%s#### `%s`\n\n", i == 0 ? "" : "\n", method_wire(m));
        if (count == 0) {
            fprintf(out, "No parameters.\n");
            continue;
        }
        fprintf(out, "| parameter | type | required | |\n| --- | --- | --- | --- |\n");
        for (; count > 0; count--, p++) {
            fprintf(out, "| `%s` | ", field_wire(p->field));
            manual_type(out, p);
            fprintf(out, " | ");
            if (p->required == ROLES_ALL) {
                fprintf(out, "yes");
            } else if (p->required != ROLES_NOBODY) {
                fprintf(out, "for ");
                manual_roles(out, p->required);
            }
            fprintf(out, " | %s", *p->help == '\0' ? field_help(p->field) : p->help);
            if (p->roles != ROLES_ALL) {
                fprintf(out, " (only ");
                manual_roles(out, p->roles);
                fprintf(out, ")");
            }
            fprintf(out, " |\n");
        }
    }
}

static void manual_notices(FILE *out)
{
    static const struct {
        const char *wire, *help;
        enum notification number;
    } notices[] = {
#define NOTICE_ROW(symbol, wire, help) {wire, help, NOTIFICATION_##symbol},
        NOTICE_TABLE(NOTICE_ROW)
#undef NOTICE_ROW
    };
    static const struct {
        enum notification of;
        const char *wire, *type, *help;
    } fields[] = {
#define NOTICE_FIELD_ROW(symbol, wire, type, help) {NOTIFICATION_##symbol, wire, type, help},
        NOTICE_FIELD_TABLE(NOTICE_FIELD_ROW)
#undef NOTICE_FIELD_ROW
    };

    fprintf(out, "| notification | field | type | |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
        fprintf(out, "| `%s` | | | %s |\n", notices[i].wire, notices[i].help);
        for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
            if (fields[j].of == notices[i].number) {
                fprintf(out, "| | `%s` | %s | %s |\n", fields[j].wire, fields[j].type,
                        fields[j].help);
            }
        }
    }
}

static void manual_offer(FILE *out)
{
    fprintf(out, "| field | type | |\n| --- | --- | --- |\n");
#define OFFER_ROW(wire, type, help) fprintf(out, "| `" wire "` | " type " | " help " |\n");
    OFFER_FIELD_TABLE(OFFER_ROW)
#undef OFFER_ROW
}

static void manual_facts(FILE *out)
{
    fprintf(out, "| kind | subject | what is true since | map |\n| --- | --- | --- | --- |\n");
#define FACT_FIELD(type, name, help) " `" #name "` " #type
#define FACT_ROW(symbol, word, subject, fields, help)                                              \
    fprintf(out, "| `" #word "` | " #subject " | %s |" FACT_FIELDS_##fields(FACT_FIELD) " |\n",    \
            help);
    FACT_TABLE(FACT_ROW)
#undef FACT_ROW
#undef FACT_FIELD
}

/* False when no section has that name. */
static int manual_section(FILE *out, const char *name)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } sections[] = {
        {"limits", manual_limits},         {"errors", manual_errors},
        {"methods", manual_methods},       {"parameters", manual_parameters},
        {"notifications", manual_notices}, {"offer", manual_offer},
        {"facts", manual_facts},
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        size_t length = strlen(sections[i].name);
        if (strncmp(name, sections[i].name, length) == 0 && strcmp(name + length, " -->\n") == 0) {
            fprintf(out, "\n");
            sections[i].write(out);
            fprintf(out, "\n");
            return 1;
        }
    }
    return 0;
}

/* The file as it should be, or NULL with words on stderr. The caller frees it. */
static char *manual_rewrite(FILE *in, const char *path)
{
    char line[4096], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int inside = 0, wrong = 0;

    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, MANUAL_END, strlen(MANUAL_END)) == 0) {
            inside = 0;
        }
        if (!inside) {
            fputs(line, out);
        }
        if (strncmp(line, MANUAL_BEGIN, strlen(MANUAL_BEGIN)) == 0) {
            inside = 1;
            if (!manual_section(out, line + strlen(MANUAL_BEGIN))) {
                fprintf(stderr, "%s: no such section: %s", path, line);
                wrong = 1;
            }
        }
    }
    fclose(out);
    if (inside || wrong) {
        fprintf(stderr, "%s: a section has no end or no name that is known\n", path);
        free(text);
        return NULL;
    }
    return text;
}

/* Zero when the file has just these bytes. */
static int manual_compare(FILE *in, const char *text)
{
    size_t length = strlen(text);
    char *bytes = malloc(length + 1);
    size_t got;

    rewind(in);
    got = fread(bytes, 1, length + 1, in);
    got = got == length && memcmp(bytes, text, length) == 0 ? 0 : 1;
    free(bytes);
    return (int)got;
}

int main(int argc, char **argv)
{
    int check = argc == 3 && strcmp(argv[1], "--check") == 0;
    const char *path = argc > 1 ? argv[argc - 1] : NULL;
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    char *text;
    int stale;

    if (file == NULL || argc != 2 + check) {
        fprintf(stderr, "usage: protocol_manual [--check] FILE\n");
        return 2;
    }
    text = manual_rewrite(file, path);
    if (text == NULL) {
        fclose(file);
        return 2;
    }
    stale = manual_compare(file, text);
    fclose(file);
    if (stale && check) {
        fprintf(stderr, "%s is not what the tables say: run protocol_manual %s\n", path, path);
    } else if (stale) {
        file = fopen(path, "w");
        stale = file == NULL || fputs(text, file) == EOF || fclose(file) != 0;
    }
    free(text);
    return stale;
}

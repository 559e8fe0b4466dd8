/* switchboard-manual: writes the manual of all settings to standard output, or compares it with a
 * file.
 *
 *   switchboard-manual > deploy/CONFIGURATION.md
 *   switchboard-manual --check deploy/CONFIGURATION.md */
#include <stdio.h>
#include <string.h>

#include "queue/base/memory.h"
#include "router/config.h"

/* 0 when the file holds exactly the manual. */
static int check(const char *path, const char *manual)
{
    FILE *file = fopen(path, "rb");
    const char *at = manual;
    int line = 1;
    int c;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    while ((c = fgetc(file)) != EOF && (unsigned char)*at == c) {
        line += c == '\n';
        at++;
    }
    fclose(file);
    if (c != EOF || *at != '\0') {
        fprintf(stderr, "%s:%d: differs from the tables; make it anew: switchboard-manual > %s\n",
                path, line, path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *manual = config_manual();
    int status = 0;

    if (argc == 3 && strcmp(argv[1], "--check") == 0) {
        status = check(argv[2], manual);
    } else if (argc == 1) {
        status = fputs(manual, stdout) == EOF;
    } else {
        fputs("usage: switchboard-manual [--check FILE]\n", stderr);
        status = 2;
    }
    memory_give(manual);
    return status;
}

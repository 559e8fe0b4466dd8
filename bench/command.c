#include "bench/command.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

uint64_t command_whole(struct argp_state *state, const char *argument, const char *option,
                       uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(argument, &end, 10);
    if (*argument < '0' || *argument > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most) {
        argp_error(state, "%s takes a whole number from %llu to %llu, not '%s'", option,
                   (unsigned long long)least, (unsigned long long)most, argument);
    }
    return value;
}

double command_real(struct argp_state *state, const char *argument, const char *option,
                    double least)
{
    char *end;
    double value;

    errno = 0;
    value = strtod(argument, &end);
    if (end == argument || *end != '\0' || errno != 0 || !(value >= least) || value > 1e15) {
        argp_error(state, "%s takes a number from %g, not '%s'", option, least, argument);
    }
    return value;
}

int command_other_key(int key, const char *argument, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG) {
        argp_error(state, "'%s' is no option", argument);
    }
    return ARGP_ERR_UNKNOWN;
}

bool command_write_json(struct json_t *json, const char *path)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
    bool written;

    if (strcmp(path, "-") == 0) {
        written = json_dumpf(json, stdout, flags) == 0 && putchar('\n') != EOF;
    } else {
        written = json_dump_file(json, path, flags) == 0;
    }
    json_decref(json);
    if (!written) {
        fprintf(stderr, "switchboard-bench: cannot write %s: %s\n", path, strerror(errno));
    }
    return written;
}

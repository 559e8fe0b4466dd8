/* The subcommands of switchboard-bench. Each reads its own arguments (argv[0] is a name for
 * messages) and returns the exit status: 0 all as it has to be, 1 not so, 2 could not be run. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_OK     0
#define BENCH_BAD    1
#define BENCH_UNABLE 2

struct argp_state;
struct json_t;

int command_load(int argc, char **argv);
int command_engine(int argc, char **argv);
int command_peers(int argc, char **argv);
int command_floor(int argc, char **argv);
int command_codec(int argc, char **argv);
int command_ring(int argc, char **argv);
int command_journal(int argc, char **argv);
int command_memory(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_scale(int argc, char **argv);
int command_shared(int argc, char **argv);
int command_takeover(int argc, char **argv);

/* Numbers of arguments; anything else ends the program with a message. */
uint64_t command_whole(struct argp_state *state, const char *argument, const char *option,
                       uint64_t least, uint64_t most);
double command_real(struct argp_state *state, const char *argument, const char *option,
                    double least);

/* What a command's parser answers to a key that is not its own: arguments that are no options end
 * the program with a message. */
int command_other_key(int key, const char *argument, struct argp_state *state);

/* Write a report to a file, or to standard output for "-". The reference is given back. False, and
 * a message, when that fails. */
bool command_write_json(struct json_t *json, const char *path);

#endif

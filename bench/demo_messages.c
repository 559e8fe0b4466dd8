#include "bench/demo_messages.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"

static char *demo_copy(const char *string)
{
    return string == NULL ? NULL : memory_copy(string, strlen(string) + 1);
}

static void demo_pack_json(struct packer *p, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        packer_map(p, (uint32_t)json_object_size(value));
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
        {
            packer_text(p, text_from(key));
            demo_pack_json(p, item);
        }
        break;
    case JSON_ARRAY:
        packer_array(p, (uint32_t)json_array_size(value));
        json_array_foreach(value, i, item)
        {
            demo_pack_json(p, item);
        }
        break;
    case JSON_STRING:
        packer_text_of(p, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        packer_int(p, json_integer_value(value));
        break;
    case JSON_REAL:
        packer_double(p, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        packer_bool(p, json_is_true(value));
        break;
    case JSON_NULL:
        packer_nil(p);
        break;
    }
}

bool demo_messages_add(struct demo_messages *m, const char *line, size_t length, unsigned number,
                       char *problem, size_t problem_size)
{
    json_error_t error;
    json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    const char *channel, *key;
    struct demo_message *message;
    json_t *value;

    if (json == NULL) {
        snprintf(problem, problem_size, "line %u, column %d: %s", number, error.column, error.text);
        return false;
    }
    channel = json_string_value(json_object_get(json, "channel"));
    if (channel == NULL || *channel == '\0') {
        snprintf(problem, problem_size, "line %u: there is no channel", number);
        json_decref(json);
        return false;
    }
    m->items = memory_resize(m->items, (m->count + 1) * sizeof(m->items[0]));
    message = &m->items[m->count++];
    *message = (struct demo_message){.channel = demo_copy(channel)};
    message->expected_issue =
        demo_copy(json_string_value(json_object_get(json_object_get(json, "expect"), "issue")));
    json_object_foreach(json, key, value)
    {
        if (strcmp(key, "expect") != 0) { /* what we expect is told to nobody */
            packer_text(&message->params, text_from(key));
            demo_pack_json(&message->params, value);
            message->pairs++;
        }
    }
    json_decref(json);
    return true;
}

bool demo_messages_read(struct demo_messages *out, const char *path, char *problem,
                        size_t problem_size)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    ssize_t length;
    bool good = file != NULL;

    *out = (struct demo_messages){0};
    if (file == NULL) {
        snprintf(problem, problem_size, "%s: %s", path, strerror(errno));
        return false;
    }
    while (good && (length = getline(&line, &room, file)) >= 0) {
        number++;
        if (line[strspn(line, " \t\r\n")] != '\0') {
            good = demo_messages_add(out, line, (size_t)length, number, problem, problem_size);
        }
    }
    if (good && (ferror(file) || out->count == 0)) {
        snprintf(problem, problem_size, "%s", ferror(file) ? strerror(errno) : "no message in it");
        good = false;
    }
    free(line);
    fclose(file);
    if (!good) {
        demo_messages_close(out);
    }
    return good;
}

void demo_messages_close(struct demo_messages *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        memory_give(m->items[i].channel);
        memory_give(m->items[i].expected_issue);
        packer_close(&m->items[i].params);
    }
    memory_give(m->items);
    *m = (struct demo_messages){0};
}

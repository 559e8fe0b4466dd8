#include "queue/base/text.h"

char *text_write_some(char *at, struct text t)
{
    memcpy(at, t.bytes, t.length);
    return at + t.length;
}

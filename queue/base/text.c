#include "queue/base/text.h"

char *text_write(char *at, struct text t)
{
    if (t.length > 0) {
        memcpy(at, t.bytes, t.length);
    }
    return at + t.length;
}

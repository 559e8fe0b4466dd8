/* What switchboard-server-next does that the product does not: queue/next_version.h. */
#include "queue/state.h"

void next_version_write(struct engine *e)
{
    struct fact f;

    if (engine_may_write(e, FACT_CONTACT_COUNTED)) {
        fact_init(&f, FACT_CONTACT_COUNTED);
        engine_emit(e, &f);
    }
}

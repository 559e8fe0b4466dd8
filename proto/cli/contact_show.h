/* A contact in words for a person: as contact.submit and contact.get answer it. */
#ifndef PROTO_CLI_CONTACT_SHOW_H
#define PROTO_CLI_CONTACT_SHOW_H

#include "queue/types.h"

void contact_show_print(struct text contact);

#endif

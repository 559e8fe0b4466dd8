/* What the files of the conversation share; for nobody else.
 *
 *   conversation.c        frames become requests, and requests commands, reads and letters
 *   conversation_hello.c  who says hello, here, elsewhere, or in case of need */
#ifndef ROUTER_CONVERSATION_INSIDE_H
#define ROUTER_CONVERSATION_INSIDE_H

#include "router/conversation.h"

/* May a request go through this door now? */
enum host_gate conversation_gate(struct conversation *c, const struct door *door,
                                 enum method_kind kind);

void conversation_refuse(struct session *s, const struct request *r, enum error_code code,
                         struct text field, struct text message);
void conversation_refuse_decoded(struct session *s, const struct request *r,
                                 const struct request_error *wrong);
/* The gate is not open: nothing was done, and nothing of it waits for the journal. */
enum session_verdict conversation_turn_away(struct session *s, const struct request *r,
                                            struct door *door, enum host_gate gate);

enum session_verdict conversation_hello(struct conversation *c, struct session *s,
                                        struct request *r);

#endif

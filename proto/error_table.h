/* Every error that the wire knows, once: code, PROTOCOL.md and help are made from these rows. */
#ifndef PROTO_ERROR_TABLE_H
#define PROTO_ERROR_TABLE_H

/* X(symbol, wire code, whether trying again can help, words for a person) */
#define ERROR_TABLE(X)                                                                             \
    X(INVALID, "invalid", NO, "a parameter is missing, of the wrong type or out of range")         \
    X(UNKNOWN_METHOD, "unknown_method", NO, "no such method")                                      \
    X(UNAUTHORIZED, "unauthorized", NO, "no valid hello, a bad token, or no such workspace")       \
    X(FORBIDDEN, "forbidden", NO, "this role or identity may not do that")                         \
    X(NOT_FOUND, "not_found", NO,                                                                  \
      "no such contact, offer, agent or queue, or none that the caller may see")                   \
    X(GONE, "gone", NO, "it was there and is over")                                                \
    X(CONFLICT, "conflict", NO, "not possible in the present state")                               \
    X(QUEUE_FULL, "queue_full", LATER,                                                             \
      "the queue is at its limit and nothing else takes the contact")                              \
    X(CLOSED, "closed", LATER,                                                                     \
      "the queue is outside its hours and nothing else takes the contact")                         \
    X(RATE_LIMITED, "rate_limited", YES, "too many requests of this client")                       \
    X(UNAVAILABLE, "unavailable", YES, "this node cannot take it now; nothing was changed")        \
    X(DRAINING, "draining", YES, "this node is about to stop")                                     \
    X(NOT_OWNER, "not_owner", THERE, "another node owns the workspace")                            \
    X(TOO_LARGE, "too_large", NO, "over a size limit")                                             \
    X(INTERNAL, "internal", PERHAPS, "a defect of the server; its log has the reference in reason")

enum error_code {
    ERROR_NONE,
#define ERROR_ROW(symbol, wire, retry, words) ERROR_##symbol,
    ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
        ERROR_COUNT,
};

enum error_retry {
    RETRY_NO,
    RETRY_LATER, /* when the time has changed something */
    RETRY_YES,   /* after retry_after_ms */
    RETRY_THERE, /* at the address given */
    RETRY_PERHAPS,
};

/* For ERROR_NONE: "". */
const char *error_wire(enum error_code code);
const char *error_words(enum error_code code);
enum error_retry error_retry(enum error_code code);

#endif

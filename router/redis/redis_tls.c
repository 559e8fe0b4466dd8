#include "router/redis/redis_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"

#define TLS_READ_BYTES 16384 /* a record holds no more */

struct tls_dialer {
    struct redis_dialer dialer;
    SSL_CTX *context;
    char server_name[REDIS_HOST_BYTES];
};

/* The SSL stands between two memory BIOs: what comes goes into `in`, and what is in `out` after any
 * step goes to the stream below. */
struct stream_tls {
    struct redis_stream stream;
    struct redis_stream *below;
    SSL *ssl;
    BIO *in, *out;
    bool opened, ended, closing;
};

static void redis_tls_end(struct stream_tls *t, enum redis_end why, const char *words)
{
    if (!t->ended && !t->closing) {
        t->ended = true;
        t->stream.events->ended(t->stream.context, why, words);
    }
}

static void redis_tls_fail(struct stream_tls *t)
{
    long verified = SSL_get_verify_result(t->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verified != X509_V_OK) {
        reason = X509_verify_cert_error_string(verified);
    }
    redis_tls_end(t, REDIS_END_TLS, reason == NULL ? "no reason is known" : reason);
}

static void redis_tls_carry_out(struct stream_tls *t)
{
    char *bytes;
    long size = BIO_get_mem_data(t->out, &bytes);

    if (size > 0 && !t->closing) {
        redis_stream_write(t->below, bytes, (size_t)size);
        (void)BIO_reset(t->out);
    }
}

static void redis_tls_read(struct stream_tls *t)
{
    char bytes[TLS_READ_BYTES];
    int size = 1;

    while (!t->closing && !t->ended) {
        ERR_clear_error();
        size = SSL_read(t->ssl, bytes, sizeof(bytes));
        if (size <= 0) {
            break;
        }
        t->stream.events->bytes(t->stream.context, bytes, (size_t)size);
    }
    if (t->closing || t->ended) {
        return;
    }
    redis_tls_carry_out(t);
    switch (SSL_get_error(t->ssl, size)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        redis_tls_end(t, REDIS_END_PEER, "");
        break;
    default:
        redis_tls_fail(t);
    }
}

static void redis_tls_step(struct stream_tls *t)
{
    int status;

    if (!t->opened) {
        ERR_clear_error();
        status = SSL_do_handshake(t->ssl);
        redis_tls_carry_out(t); /* an alert, too */
        if (status != 1) {
            if (SSL_get_error(t->ssl, status) != SSL_ERROR_WANT_READ) {
                redis_tls_fail(t);
            }
            return;
        }
        t->opened = true;
        t->stream.events->opened(t->stream.context);
    }
    redis_tls_read(t);
}

/* ---- the stream below ---- */

static void redis_tls_below_opened(void *context)
{
    redis_tls_step(context);
}

static void redis_tls_below_bytes(void *context, const char *bytes, size_t size)
{
    struct stream_tls *t = context;

    if (t->ended || t->closing) {
        return;
    }
    if (BIO_write(t->in, bytes, (int)size) != (int)size) {
        abort(); /* a memory BIO refuses for want of memory alone: as memory_take has it */
    }
    redis_tls_step(t);
}

static void redis_tls_below_sent(void *context)
{
    struct stream_tls *t = context;

    if (t->opened && !t->ended && !t->closing) {
        t->stream.events->sent(t->stream.context);
    }
}

static void redis_tls_below_ended(void *context, enum redis_end why, const char *words)
{
    redis_tls_end(context, why, words);
}

static void redis_tls_below_closed(void *context)
{
    struct stream_tls *t = context;
    struct redis_stream stream = t->stream;

    SSL_free(t->ssl); /* and both BIOs */
    memory_give(t);
    stream.events->closed(stream.context);
}

/* ---- the stream ---- */

static void redis_tls_write(struct redis_stream *s, const char *bytes, size_t size)
{
    struct stream_tls *t = (struct stream_tls *)s;

    if (t->ended || t->closing) {
        return;
    }
    ERR_clear_error();
    /* With memory below it takes all or is broken; then nothing is answered any more, and the time
     * limit of replies ends it, as events may not come from here. */
    (void)SSL_write(t->ssl, bytes, (int)size);
    redis_tls_carry_out(t);
}

static size_t redis_tls_unsent(const struct redis_stream *s)
{
    return redis_stream_unsent(((const struct stream_tls *)s)->below);
}

static void redis_tls_close(struct redis_stream *s)
{
    struct stream_tls *t = (struct stream_tls *)s;

    if (!t->closing) {
        t->closing = true;
        redis_stream_close(t->below);
    }
}

static void redis_tls_name(struct stream_tls *t, const char *name)
{
    unsigned char number[sizeof(struct in6_addr)];
    X509_VERIFY_PARAM *check = SSL_get0_param(t->ssl);

    if (inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1) {
        (void)X509_VERIFY_PARAM_set1_ip_asc(check, name);
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(check, name, 0) != 1) {
        abort(); /* no memory; to go on would be to check nothing */
    }
    (void)SSL_set_tlsext_host_name(t->ssl, name);
}

static struct redis_stream *redis_tls_dial(struct redis_dialer *d, uv_loop_t *loop,
                                           const struct redis_endpoint *to,
                                           const struct redis_stream_events *events, void *context)
{
    static const struct redis_stream_methods methods = {redis_tls_write, redis_tls_unsent,
                                                        redis_tls_close};
    static const struct redis_stream_events below = {redis_tls_below_opened, redis_tls_below_bytes,
                                                     redis_tls_below_sent, redis_tls_below_ended,
                                                     redis_tls_below_closed};
    struct tls_dialer *dialer = (struct tls_dialer *)d;
    struct stream_tls *t = memory_take(sizeof(*t));

    t->stream = (struct redis_stream){&methods, events, context};
    t->ssl = SSL_new(dialer->context);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->in == NULL || t->out == NULL) {
        abort(); /* no memory: as memory_take has it */
    }
    BIO_set_mem_eof_return(t->in, -1);
    BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_connect_state(t->ssl);
    redis_tls_name(t, dialer->server_name[0] != '\0' ? dialer->server_name : to->host);
    t->below = redis_stream_tcp()->dial(redis_stream_tcp(), loop, to, &below, t);
    return &t->stream;
}

/* ---- the dialer ---- */

static bool redis_tls_problem(const char *what, const char *path, char *problem, size_t size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(problem, size, "%s %.150s: %s", what, path,
             reason == NULL ? "cannot be used" : reason);
    return false;
}

static bool redis_tls_load(SSL_CTX *c, const struct redis_address *a, char *problem, size_t size)
{
    ERR_clear_error();
    if (a->ca[0] == '\0' ? SSL_CTX_set_default_verify_paths(c) != 1
                         : SSL_CTX_load_verify_file(c, a->ca) != 1) {
        return redis_tls_problem("the authorities in", a->ca, problem, size);
    }
    if (a->cert[0] == '\0') {
        return true;
    }
    if (SSL_CTX_use_certificate_chain_file(c, a->cert) != 1) {
        return redis_tls_problem("the certificate in", a->cert, problem, size);
    }
    if (SSL_CTX_use_PrivateKey_file(c, a->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(c) != 1) {
        return redis_tls_problem("the key in", a->key, problem, size);
    }
    return true;
}

struct redis_dialer *redis_tls_create(const struct redis_address *a, char *problem, size_t size)
{
    struct tls_dialer *d = memory_take(sizeof(*d));

    d->dialer.dial = redis_tls_dial;
    memcpy(d->server_name, a->server_name, sizeof(d->server_name));
    d->context = SSL_CTX_new(TLS_client_method());
    if (d->context == NULL) {
        abort(); /* no memory: as memory_take has it */
    }
    SSL_CTX_set_min_proto_version(d->context, TLS1_2_VERSION);
    SSL_CTX_set_options(d->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(d->context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(d->context, SSL_VERIFY_PEER, NULL);
    if (!redis_tls_load(d->context, a, problem, size)) {
        redis_tls_destroy(&d->dialer);
        return NULL;
    }
    return &d->dialer;
}

void redis_tls_destroy(struct redis_dialer *d)
{
    struct tls_dialer *t = (struct tls_dialer *)d;

    SSL_CTX_free(t->context);
    memory_give(t);
}

/* What ThreadSanitizer cannot see by itself.
 *
 * The atomics of Concurrency Kit are inline assembly. Where one of its structures hands memory from
 * one thread to another, the giver says tsan_release of an address that both know, the taker
 * tsan_acquire. In other builds both are nothing. */
#ifndef ROUTER_TSAN_H
#define ROUTER_TSAN_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROUTER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define ROUTER_TSAN 1
#endif

#ifdef ROUTER_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define tsan_acquire(address) __tsan_acquire((void *)(uintptr_t)(address))
#define tsan_release(address) __tsan_release((void *)(uintptr_t)(address))
#else
#define tsan_acquire(address) ((void)(address))
#define tsan_release(address) ((void)(address))
#endif

#endif

/* The one door to atomics: a checker build can replace this header and see every access.
 * Each non-relaxed use names its partner in a comment at the site. */
#ifndef WF_BASE_ATOMIC_H
#define WF_BASE_ATOMIC_H

#include <stdatomic.h>

#define wf_load(p) atomic_load_explicit((p), memory_order_relaxed)
#define wf_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define wf_load_seq_cst(p) atomic_load_explicit((p), memory_order_seq_cst)
#define wf_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define wf_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define wf_store_seq_cst(p, v) atomic_store_explicit((p), (v), memory_order_seq_cst)
#define wf_add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define wf_add_seq_cst(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define wf_sub(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define wf_sub_acq_rel(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define wf_exchange_acq_rel(p, v) atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define wf_exchange_seq_cst(p, v) atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define wf_cas_acq_rel(p, expected, desired)                                                       \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_acq_rel,      \
                                            memory_order_acquire)

/* Orders an atomic read-modify-write before a later load. On x86 the RMW is already a full
 * barrier, so only the compiler has to be held back. */
static inline void wf_fence_after_rmw(void)
{
#if defined(__x86_64__)
    atomic_signal_fence(memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

static inline void wf_cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif

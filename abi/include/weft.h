/* generated from proto/weft.textproto by bindings/gen; do not edit */
/* weft runs plain blocking code concurrently: fibers that park where a thread would block,
 * nurseries that own them, tokens that cancel them, and a seam that stands in for libc so that
 * existing libraries take part without a change.
 *
 * Results
 *     A function with an int result returns WEFT_OK (0) or one of the negative codes of
 *     weft_status, unless its own text says otherwise. errno is neither read nor set.
 *
 *     An error means: nothing was started, no callback will run, a handle that was to be made is
 *     NULL, nothing has to be released, and a handle that the call would have consumed is still the
 *     caller's.
 *
 * Handles
 *     A handle (weft_fiber, weft_nursery, weft_token) is a number in the clothes of a pointer:
 *     compare it, copy it, never look behind it. It carries a generation, so one that is stale,
 *     foreign, of another kind or NULL gives WEFT_EBADHANDLE, and one from before a fork gives
 *     WEFT_EFORKED, never a crash.
 *
 *     A handle that a call hands out belongs to the caller, who gives it back once: fibers by
 *     weft_fiber_release, tokens by weft_token_release, nurseries and scopes by closing them.
 *     Giving a fiber's handle back does not end the fiber; its nursery owns it.
 *
 * Structs
 *     The caller allocates structs, clears them, and sets size to sizeof before each call. A
 *     smaller size that an earlier version of the struct had is fine: what is missing is taken as
 *     zero on the way in and is not written on the way out. A size that the library does not know
 *     gives WEFT_EMISMATCH.
 *
 * Strings
 *     Strings are UTF-8 and end with NUL. A string that goes in is copied before the call returns;
 *     a long one may be cut. A string that comes out as a result is constant and is not freed.
 *
 * Time
 *     Times are nanoseconds of weft_now(), the monotonic clock. Deadlines are absolute; WEFT_NEVER
 *     is none, and one in the past means not to wait.
 *
 * Threads and fibers
 *     Each function says who may call it. A call from the wrong place is refused with a code
 *     (WEFT_ENOTFIBER, WEFT_EORDER), it does no harm. A call that parks lets other fibers run
 *     before it returns; the others return without a switch.
 *
 *     Cancellation is level-triggered: under a cancelled token every cancellable wait ends at once
 *     with WEFT_ECANCELED, until the scope or nursery of that token is left.
 */
#ifndef WEFT_H
#define WEFT_H

#include <stddef.h>
#include <stdint.h>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
/** The version of this header as weft_version() writes one. */
#define WEFT_VERSION                                                                               \
    ((uint32_t)(WEFT_VERSION_MAJOR << 16 | WEFT_VERSION_MINOR << 8 | WEFT_VERSION_PATCH))

#ifndef WEFT_API
#define WEFT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Result codes ---------------------------------------------------------------------------- */

/** What a call returns: WEFT_OK, or a negative code that is never reused. */
typedef enum weft_status {
    /** The call did what it says. */
    WEFT_OK = 0,
    /** The caller's token is cancelled and the wait was cut. Unwind, and leave the scope;
     * weft_cancel_state tells why.
     */
    WEFT_ECANCELED = -1,
    /** The deadline given to the call passed. The deadline of a scope gives WEFT_ECANCELED inside
     * the scope and this code when the scope is closed.
     */
    WEFT_ETIMEDOUT = -2,
    /** What the call wanted to use was closed in the meantime. */
    WEFT_ECLOSED = -3,
    /** A child of the nursery ended with an error. */
    WEFT_EFAILED = -4,
    /** The call would have had to wait and was told not to. */
    WEFT_EAGAIN = -5,
    /** Something is still in use that the call would take away or replace. */
    WEFT_EBUSY = -6,
    /** The wait could never end, as when a fiber joins itself. */
    WEFT_EDEADLOCK = -7,
    /** An argument is NULL, out of range or contradicts another one. */
    WEFT_EINVAL = -8,
    /** Memory could not be allocated; nothing was changed. */
    WEFT_ENOMEM = -9,
    /** The handle or the runtime belongs to the parent process. A forked child has the fiber that
     * forked and nothing else.
     */
    WEFT_EFORKED = -10,
    /** The handle is NULL, was given back, is of another kind or was never one. */
    WEFT_EBADHANDLE = -11,
    /** The call is for fibers, and this is an OS thread of its own. */
    WEFT_ENOTFIBER = -12,
    /** weft_start was not called, or weft_stop was. */
    WEFT_ENOTSTARTED = -13,
    /** There is one runtime in a process and it runs. */
    WEFT_ESTARTED = -14,
    /** A nursery or scope is closed by another fiber than the one that opened it, or before one
     * that was opened inside it.
     */
    WEFT_EORDER = -15,
    /** This libc, this kernel or this build of weft cannot do it. */
    WEFT_ENOTSUP = -16,
    /** A signal handler ran while the call waited. Do what the host does after signals, then call
     * again.
     */
    WEFT_EINTR = -17,
    /** A limit of the system is reached: memory maps (vm.max_map_count), address space, threads. */
    WEFT_ELIMIT = -18,
    /** Library and caller disagree on a version or on the size of a struct. */
    WEFT_EMISMATCH = -19,
} weft_status;

/* ---- Handles --------------------------------------------------------------------------------- */

/** A fiber. Many may hold a handle of it, and a handle outlives the fiber and its nursery. */
typedef struct weft_fiber weft_fiber;
/** The owner of fibers: it does not close before all of them ended. */
typedef struct weft_nursery weft_nursery;
/** A node of the cancellation tree. Each nursery and each scope has one. */
typedef struct weft_token weft_token;

/* ---- Runtime --------------------------------------------------------------------------------- */

/* Versions, texts, the clock, start and stop, counters. */

/** No deadline, or a grace that does not end. */
#define WEFT_NEVER INT64_MAX

/** How to start the runtime. Zero means the default in each field. */
typedef struct weft_config {
    /** sizeof(weft_config) */
    uint32_t size;
    /** run queues that work at the same time; 0 is 1, and this version has no more */
    uint32_t processors;
    /** bytes of stack of a fiber that shares its worker's thread-local storage; 0 is 64 KiB */
    size_t stack_light;
    /** bytes of stack of a fiber with thread-local storage of its own; 0 is 8 MiB of address space,
     * of which only touched pages cost memory
     */
    size_t stack_thread;
    /** none yet: 0 */
    uint32_t flags;
} weft_config;

/** Counters of the runtime since weft_start. They are read without a lock: each is right, together
 * they are a moment's picture at best.
 */
typedef struct weft_stats {
    /** sizeof(weft_stats) */
    uint32_t size;
    /** 0 */
    uint32_t reserved0;
    /** fibers that have not ended */
    uint64_t fibers_live;
    /** the most fibers that were alive at once */
    uint64_t fibers_peak;
    /** fibers that were ever made */
    uint64_t fibers_spawned;
    /** switches from one stack to another */
    uint64_t switches;
    /** waits that really parked a fiber */
    uint64_t parks;
    /** times the system was asked for ready descriptors */
    uint64_t polls;
    /** ready descriptors it named */
    uint64_t events;
    /** stacks that wait for their next fiber */
    uint64_t stacks_cached;
    /** import slots that the seam points at weft */
    uint64_t slots_patched;
    /** OS threads that weft itself uses */
    uint64_t os_threads;
    /** interrupts that hosts acknowledged */
    uint64_t interrupts;
} weft_stats;

/** Returns the version of the library, to be compared with WEFT_VERSION of the header.
 *
 * @return major << 16 | minor << 8 | patch
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API uint32_t weft_version(void);

/** Compares what a caller was built against with what the library is. A binding calls it once, when
 * it loads the library and before anything else; the sizes show a wrong struct layout even between
 * equal versions.
 *
 * @param version      WEFT_VERSION of the header or spec that the caller was made from
 * @param config_size  sizeof(weft_config) as the caller sees it
 * @param stats_size   sizeof(weft_stats) as the caller sees it
 * @return WEFT_OK; WEFT_EMISMATCH when the caller is newer than the library, of another major
 *         version, of another minor version while the major one is 0, or lays a struct out
 *         differently
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_check(uint32_t version, uint32_t config_size, uint32_t stats_size);

/** Returns the text of a result code.
 *
 * @param code  a value of weft_status
 * @return a constant text without a full stop; "unknown status" for a number that is none
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API const char *weft_strerror(int code);

/** Returns the name of a result code as it stands in the header.
 *
 * @param code  a value of weft_status
 * @return a constant text such as "WEFT_ECANCELED"; "WEFT_UNKNOWN" for a number that is none
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API const char *weft_err_name(int code);

/** Returns the time that deadlines are compared with. It works before weft_start and after
 * weft_stop too.
 *
 * @return nanoseconds of the monotonic clock
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int64_t weft_now(void);

/** Starts the runtime. The calling OS thread becomes the main fiber and runs the others whenever it
 * parks.
 *
 * @param config  how to start; NULL for the defaults
 * @return WEFT_OK, WEFT_ESTARTED, WEFT_ENOMEM; WEFT_EINVAL when there are more processors than this
 *         version has, a stack size is absurd, or a flag is unknown; WEFT_EMISMATCH when
 *         config->size is not known; WEFT_ELIMIT when the system gives no descriptors, threads or
 *         address space; WEFT_ENOTSUP when the self-check finds that fibers cannot have
 *         thread-local storage with this libc
 *
 * A thread that is not a fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_start(const weft_config *config);

/** Stops the runtime and gives back all it holds, handles included. The main fiber is a plain OS
 * thread again, and weft_start may be called anew. Not possible once the seam has patched
 * something: that code would go on calling weft.
 *
 * @return WEFT_OK, WEFT_ENOTSTARTED; WEFT_ENOTFIBER when the caller is not the main fiber;
 *         WEFT_EBUSY when fibers are alive, nurseries or scopes are open, or the seam has patched
 *         something; WEFT_EFORKED when the runtime was started before a fork
 *
 * Only the main fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_stop(void);

/** Reads the counters of the runtime.
 *
 * @param out  where the counters go; size is set before
 * @return WEFT_OK, WEFT_ENOTSTARTED; WEFT_EINVAL when out is NULL; WEFT_EMISMATCH when out->size is
 *         not known
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_stats_read(weft_stats *out);

/* ---- Fibers ---------------------------------------------------------------------------------- */

/* Every fiber is a child of a nursery, which waits for it. It ends with one of four outcomes;
 * cancellation is one of its own and not an error.
 */

/** How a fiber, or the body of a nursery or scope, ended. Passed as int32_t. */
typedef enum weft_kind {
    /** it returned */
    WEFT_VALUE = 0,
    /** it failed; this cancels its siblings */
    WEFT_ERROR = 1,
    /** it unwound because its token was cancelled */
    WEFT_CANCELLED = 2,
    /** the program is to end (an interrupt from the keyboard, an exit); this cancels the root */
    WEFT_FATAL = 3,
} weft_kind;

/** Where a fiber is in its life. Passed as int32_t. */
typedef enum weft_fiber_state {
    /** it waits for a place in its nursery, or has not run yet */
    WEFT_FIBER_PENDING = 0,
    /** it runs, is ready to run or is parked */
    WEFT_FIBER_RUNNING = 1,
    /** it was cancelled and unwinds */
    WEFT_FIBER_CANCELLING = 2,
    /** it ended and has an outcome */
    WEFT_FIBER_DONE = 3,
} weft_fiber_state;

/** What kind of fiber to make. Bits to be combined, passed as uint32_t. */
typedef enum weft_spawn_flags {
    /** give it thread-local storage of its own, for code that believes it is a pthread */
    WEFT_SPAWN_THREAD = 1,
    /** cancel it when the nursery closes and only such fibers are left in it */
    WEFT_SPAWN_DAEMON = 2,
} weft_spawn_flags;

/** The body of a fiber.
 *
 * @param arg  what weft_spawn was given; may be NULL
 * @return 0 for WEFT_VALUE, WEFT_ECANCELED for WEFT_CANCELLED, another negative code for WEFT_ERROR
 *         with that code; weft_outcome_set overrides it
 */
typedef int (*weft_fn)(void *arg);

/** How something ended. */
typedef struct weft_outcome {
    /** sizeof(weft_outcome) */
    uint32_t size;
    /** what it was */
    int32_t kind;
    /** more about it: of a fiber its negative code, else as the call says; 0 if there is nothing */
    int32_t code;
} weft_outcome;

/** How to make a fiber. Zero means the default in each field. */
typedef struct weft_spawn_opts {
    /** sizeof(weft_spawn_opts) */
    uint32_t size;
    /** what kind of fiber */
    uint32_t flags;
    /** for people who look inside; NULL: none */
    const char *name;
    /** bytes of stack; 0 is the default of the kind of fiber */
    size_t stack;
    /** where in the program it is spawned, as "app.py:12"; NULL: not known */
    const char *site;
} weft_spawn_opts;

/** Makes a fiber that runs fn(arg) as a child of the nursery. It runs soon, not before the caller
 * parks. In a nursery with a limit it stays pending until there is a place; the call does not wait
 * for that.
 *
 * @param nursery  the owner of the new fiber
 * @param fn       the body; it is called once, or not at all when the fiber is cancelled while
 *                 pending
 * @param arg      handed to fn; it must stay valid until the fiber has ended; may be NULL
 * @param opts     how to make it; NULL for the defaults
 * @param out      the new fiber, to be given back by weft_fiber_release; may be NULL
 * @return WEFT_OK, WEFT_EFORKED, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ENOMEM; WEFT_EBADHANDLE
 *         when nursery is not the handle of an open nursery; WEFT_ECLOSED when the nursery has
 *         joined its last child; WEFT_EINVAL when fn is NULL, the stack size is absurd or a flag is
 *         unknown; WEFT_EMISMATCH when opts->size is not known; WEFT_ELIMIT when the system allows
 *         no more memory maps
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_spawn(weft_nursery *nursery, weft_fn fn, void *arg, const weft_spawn_opts *opts,
                        weft_fiber **out);

/** Announces that the next thread which the calling fiber creates by pthread_create is to be a
 * child of the nursery. It is how a host starts fibers by its own means and still has them owned.
 * In a nursery with a limit it waits until there is a place.
 *
 * @param nursery  the owner of the thread to come
 * @param opts     how to make it; NULL for the defaults. WEFT_SPAWN_THREAD is understood
 * @param out      the fiber to come, pending until then, to be given back by weft_fiber_release;
 *                 may be NULL
 * @return WEFT_OK, WEFT_EFORKED, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ECANCELED, WEFT_EINTR,
 *         WEFT_ENOMEM; WEFT_EBADHANDLE when nursery is not the handle of an open nursery;
 *         WEFT_EBUSY when an earlier adopt of this fiber still waits for its thread; WEFT_ECLOSED
 *         when the nursery has joined its last child; WEFT_EINVAL when the stack size is absurd or
 *         a flag is unknown; WEFT_EMISMATCH when opts->size is not known
 *
 * Any fiber may call it. It parks and can be cancelled. Since 0.1.0.
 */
WEFT_API int weft_adopt(weft_nursery *nursery, const weft_spawn_opts *opts, weft_fiber **out);

/** Takes a weft_adopt of the calling fiber back, because no thread was made. The fiber that was
 * announced never was; the handle that weft_adopt gave is given back too and reads WEFT_EBADHANDLE.
 * Without a pending adopt it does nothing.
 *
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_adopt_abort(void);

/** Waits until a fiber has ended and says how. A fiber may be joined many times, by many, and after
 * its nursery closed. Its failure is its nursery's business: the call returns WEFT_OK however the
 * fiber ended.
 *
 * @param fiber        the fiber to wait for; the handle stays valid
 * @param deadline_ns  when to give up, on the clock of weft_now; WEFT_NEVER to wait as long as it
 *                     takes
 * @param out          the outcome; size is set before; may be NULL
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ECANCELED,
 *         WEFT_EINTR; WEFT_EDEADLOCK when the fiber is the caller; WEFT_ETIMEDOUT when deadline_ns
 *         passed first; WEFT_EMISMATCH when out->size is not known
 *
 * Any fiber may call it. It parks and can be cancelled. Since 0.1.0.
 */
WEFT_API int weft_join(weft_fiber *fiber, int64_t deadline_ns, weft_outcome *out);

/** Cancels one fiber: its waits end with WEFT_ECANCELED. It does not wait for the fiber to end. The
 * first reason wins; a fiber that is done or being cancelled is left as it is.
 *
 * @param fiber  the fiber to cancel
 * @param text   why, for the error message of the cancelled; NULL: no text
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_fiber_cancel(weft_fiber *fiber, const char *text);

/** Reads where a fiber is in its life. Unless it is done, the answer may be old when it arrives.
 *
 * @param fiber  the fiber to look at
 * @param out    the state
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED; WEFT_EINVAL when out is NULL
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_fiber_state_get(weft_fiber *fiber, int32_t *out);

/** Gives a handle of a fiber back. The fiber runs on.
 *
 * @param fiber  the handle; it is not valid afterwards
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_fiber_release(weft_fiber *fiber);

/** Hands out a handle of the calling fiber.
 *
 * @param out  the caller, to be given back by weft_fiber_release
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ENOMEM; WEFT_EINVAL when out is NULL
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_self(weft_fiber **out);

/** Lets the fibers that are ready run first. It is not a wait and is never cut.
 *
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER
 *
 * Any fiber may call it. It parks, and cancellation does not cut it. Since 0.1.0.
 */
WEFT_API int weft_yield(void);

/** Parks the calling fiber for a time. 0 lets the others run once.
 *
 * @param ns  nanoseconds; WEFT_NEVER to sleep until cancelled
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ECANCELED, WEFT_EINTR; WEFT_EINVAL when
 *         ns is negative
 *
 * Any fiber may call it. It parks and can be cancelled. Since 0.1.0.
 */
WEFT_API int weft_sleep(int64_t ns);

/** Parks the calling fiber until a moment. A moment in the past lets the others run once.
 *
 * @param deadline_ns  when to go on, on the clock of weft_now; WEFT_NEVER to sleep until cancelled
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ECANCELED, WEFT_EINTR
 *
 * Any fiber may call it. It parks and can be cancelled. Since 0.1.0.
 */
WEFT_API int weft_sleep_until(int64_t deadline_ns);

/** Asks, in the middle of a long computation, whether the caller is cancelled, and lets others run
 * when its slice of time is over. It costs little when neither is the case.
 *
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ECANCELED
 *
 * Any fiber may call it. It parks and can be cancelled. Since 0.1.0.
 */
WEFT_API int weft_checkpoint(void);

/** Sets how the calling fiber will have ended, whatever its function returns. A host calls it last
 * in a fiber, when it knows what the language above made of it; the last call counts.
 *
 * @param kind  the outcome
 * @param code  what weft_join shows as the code; 0 or negative
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER; WEFT_EINVAL when kind is none of weft_kind or
 *         code is positive
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_outcome_set(int32_t kind, int32_t code);

/* ---- Nurseries, scopes and tokens ------------------------------------------------------------ */

/* A nursery owns fibers, a scope is a stretch of one fiber's code; both have a token, below the
 * token that was current where they were opened. They nest: the one opened last is closed first, by
 * the fiber that opened it.
 */

/** Why a token was cancelled. The first reason stays. Passed as int32_t. */
typedef enum weft_reason {
    /** it was not */
    WEFT_REASON_NONE = 0,
    /** somebody asked for it */
    WEFT_REASON_CANCEL = 1,
    /** a deadline passed */
    WEFT_REASON_DEADLINE = 2,
    /** a sibling failed */
    WEFT_REASON_FAILED = 3,
    /** a fiber ended with WEFT_FATAL */
    WEFT_REASON_FATAL = 4,
    /** the runtime stops */
    WEFT_REASON_SHUTDOWN = 5,
} weft_reason;

/** What kind of scope to open. Bits to be combined, passed as uint32_t. */
typedef enum weft_scope_flags {
    /** a cancellation from outside is seen only grace_ns later */
    WEFT_SCOPE_SHIELD = 1,
} weft_scope_flags;

/** How to open a nursery. Zero means the default in each field. */
typedef struct weft_nursery_opts {
    /** sizeof(weft_nursery_opts) */
    uint32_t size;
    /** how many children may run at once, the others wait pending; 0: no limit */
    uint32_t limit;
    /** for people who look inside; NULL: none */
    const char *name;
} weft_nursery_opts;

/** How to open a scope. There are no defaults: 0 is a deadline in the past. */
typedef struct weft_scope_opts {
    /** sizeof(weft_scope_opts) */
    uint32_t size;
    /** what kind of scope */
    uint32_t flags;
    /** when the scope cancels itself, on the clock of weft_now; WEFT_NEVER: not at all */
    int64_t deadline_ns;
    /** of a shield: nanoseconds that pass before it lets a cancellation through; WEFT_NEVER: it
     * holds for ever
     */
    int64_t grace_ns;
} weft_scope_opts;

/** The state of cancellation at one place of the tree. */
typedef struct weft_cancel_info {
    /** sizeof(weft_cancel_info) */
    uint32_t size;
    /** why it is cancelled; a reason that a shield still holds back shows already */
    int32_t reason;
    /** 1 when waits end with WEFT_ECANCELED here, 0 when they do not */
    uint32_t cancelled;
    /** the least of the deadlines that hold here; WEFT_NEVER: none */
    int64_t deadline_ns;
    /** the text of the reason, or empty; ends with NUL */
    char text[120];
} weft_cancel_info;

/** Opens a nursery. Its token becomes the calling fiber's current one until it is closed, and that
 * of its children from their start.
 *
 * @param opts  how to open it; NULL for the defaults
 * @param out   the nursery, to be closed by weft_nursery_close
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ENOMEM; WEFT_EINVAL when out is NULL;
 *         WEFT_EMISMATCH when opts->size is not known
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_nursery_open(const weft_nursery_opts *opts, weft_nursery **out);

/** Cancels the children of a nursery and the body of the fiber that opened it. It does not wait.
 * The first reason wins.
 *
 * @param nursery  the nursery to cancel; it stays open
 * @param text     why, for the error message of the cancelled; NULL: no text
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_nursery_cancel(weft_nursery *nursery, const char *text);

/** Waits until all children have ended and closes the nursery. Cancellation does not cut this wait:
 * it reaches the children, and the call still returns only when they are gone. A body that did not
 * end with WEFT_VALUE cancels the children first.
 *
 * What leaves is in out->kind:
 * * WEFT_VALUE: nothing; a cancellation by the nursery's own token ends here.
 * * WEFT_CANCELLED: a cancellation by an outer token, which travels on.
 * * WEFT_ERROR: children failed, out->code is how many; 0 if it was the body alone.
 * * WEFT_FATAL: a child or the body ended so.
 *
 * @param nursery    the nursery; the handle is consumed when the result is WEFT_OK
 * @param body_kind  how the code inside the nursery ended
 * @param out        what leaves the nursery; size is set before
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED, WEFT_ENOTFIBER; WEFT_EORDER
 *         when the caller did not open the nursery, or something opened inside it is still open;
 *         WEFT_EINTR when a signal handler ran; the nursery is open, call again; WEFT_EINVAL when
 *         body_kind is none of weft_kind or out is NULL; WEFT_EMISMATCH when out->size is not known
 *
 * Only the fiber that opened it may call it. It parks, and cancellation does not cut it. Since
 * 0.1.0.
 */
WEFT_API int weft_nursery_close(weft_nursery *nursery, int32_t body_kind, weft_outcome *out);

/** Reads the state of a nursery's own token.
 *
 * @param nursery  the nursery to look at
 * @param out      the state; size is set before
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED; WEFT_EINVAL when out is NULL;
 *         WEFT_EMISMATCH when out->size is not known
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_nursery_info(weft_nursery *nursery, weft_cancel_info *out);

/** Opens a scope: the code until weft_scope_close runs under a token of its own, with a deadline, a
 * shield, or both.
 *
 * @param opts  how to open it
 * @param out   the scope's token, to be closed by weft_scope_close
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ENOMEM; WEFT_EINVAL when opts or out is
 *         NULL, a flag is unknown or grace_ns is negative; WEFT_EMISMATCH when opts->size is not
 *         known
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_scope_open(const weft_scope_opts *opts, weft_token **out);

/** Closes a scope and says what leaves it. A WEFT_CANCELLED that the scope's own token caused is
 * absorbed, unless an outer cancellation is visible here too.
 *
 * When it is absorbed, out->kind is WEFT_VALUE and out->code says by what: WEFT_ETIMEDOUT by the
 * scope's deadline, WEFT_ECANCELED by weft_token_cancel. Otherwise out->kind is kind_in and
 * out->code is 0.
 *
 * @param scope    what weft_scope_open gave; the handle is consumed when the result is WEFT_OK
 * @param kind_in  how the code inside the scope ended
 * @param out      what leaves the scope; size is set before
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED, WEFT_ENOTFIBER; WEFT_EORDER
 *         when the caller did not open the scope, or something opened inside it is still open;
 *         WEFT_EINVAL when kind_in is none of weft_kind or out is NULL; WEFT_EMISMATCH when
 *         out->size is not known
 *
 * Only the fiber that opened it may call it. Since 0.1.0.
 */
WEFT_API int weft_scope_close(weft_token *scope, int32_t kind_in, weft_outcome *out);

/** Hands out a reference to the token of the innermost nursery or scope that the calling fiber is
 * in.
 *
 * @param out  the token, to be given back by weft_token_release
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER, WEFT_ENOMEM; WEFT_EINVAL when out is NULL
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_token_current(weft_token **out);

/** Cancels a token and all below it. It does not wait. The first reason wins; a token whose nursery
 * or scope is closed is left as it is.
 *
 * @param token  the token to cancel; the handle stays valid
 * @param text   why, for the error message of the cancelled; NULL: no text
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_token_cancel(weft_token *token, const char *text);

/** Reads the state of a token.
 *
 * @param token  the token to look at
 * @param out    the state; size is set before
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED; WEFT_EINVAL when out is NULL;
 *         WEFT_EMISMATCH when out->size is not known
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_token_info(weft_token *token, weft_cancel_info *out);

/** Gives back a reference that weft_token_current handed out. The token of an open scope is not
 * released but closed, by weft_scope_close.
 *
 * @param token  the reference; it is not valid afterwards
 * @return WEFT_OK, WEFT_EBADHANDLE, WEFT_EFORKED, WEFT_ENOTSTARTED; WEFT_EORDER when it came from
 *         weft_scope_open
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_token_release(weft_token *token);

/** Reads what holds for the calling fiber where it is now: whether its waits end with
 * WEFT_ECANCELED, why, and its effective deadline.
 *
 * @param out  the state; size is set before
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOTFIBER; WEFT_EINVAL when out is NULL; WEFT_EMISMATCH
 *         when out->size is not known
 *
 * Any fiber may call it. Since 0.1.0.
 */
WEFT_API int weft_cancel_state(weft_cancel_info *out);

/* ---- The seam and the host ------------------------------------------------------------------- */

/* The seam stands in for libc in objects that were not written for weft. The host is the language
 * runtime whose threads become fibers.
 */

/** Whose calls to libc go through the seam. Passed as int32_t. */
typedef enum weft_policy {
    /** nobody's: for C that calls weft itself */
    WEFT_SEAM_NONE = 0,
    /** those of the objects that are listed */
    WEFT_SEAM_LISTED = 1,
    /** those of every object but libc, the loader, weft and the libraries it stands on */
    WEFT_SEAM_PROCESS = 2,
} weft_policy;

/** A host's function that notes a signal for its main thread, as PyErr_SetInterruptEx does. It runs
 * in the fiber to be interrupted, in the middle of a libc call that the host makes, and must not
 * park.
 *
 * @param signal_number  the signal_number of weft_host
 * @return 0 when noted; anything else is taken as a refusal
 */
typedef int (*weft_interrupt_fn)(int signal_number);

/** What weft has to know of a language runtime. */
typedef struct weft_host {
    /** sizeof(weft_host) */
    uint32_t size;
    /** a signal that the host reserved: its handler asks weft_host_interrupt_ack and raises */
    uint32_t signal_number;
    /** called to interrupt a cancelled fiber; NULL: its calls end with ECANCELED at once */
    weft_interrupt_fn interrupt;
    /** part of the file name of the host's shared object, as "libpython": threads made there become
     * fibers; NULL: only those made by the main program, which always counts
     */
    const char *module;
} weft_host;

/** Points the import slots of loaded objects at weft, as far as the policy goes, and keeps doing so
 * for objects that are loaded later. It may be called late, and again with the same policy, and is
 * never taken back. In a thread that is not a fiber, a patched call does what it always did.
 *
 * @param policy   whose calls go through the seam
 * @param modules  for WEFT_SEAM_LISTED parts of the objects' file names, else NULL
 * @return WEFT_OK, WEFT_ENOTSTARTED, WEFT_ENOMEM; WEFT_EINVAL when policy is none of weft_policy,
 *         or modules does not fit it; WEFT_EBUSY when it was called with another policy before;
 *         WEFT_ENOTSUP when import slots cannot be changed on this system
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_seam_open(int32_t policy, const char *const *modules);

/** Introduces the language runtime, before weft_seam_open. What it says is copied; a later call
 * replaces it.
 *
 * @param host  the host
 * @return WEFT_OK, WEFT_ENOMEM; WEFT_EINVAL when host is NULL or signal_number is none of this
 *         system; WEFT_EMISMATCH when host->size is not known
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_host_set(const weft_host *host);

/** Asks, in the host's handler of its reserved signal, whether the signal is weft's way to cut a
 * wait of the calling fiber, and acknowledges it. Until then the fiber's interruptible calls end
 * with EINTR.
 *
 * @param out  why the fiber is cancelled, if it is; size is set before; may be NULL
 * @return 1 if an interrupt was pending for the calling fiber, which is now acknowledged; 0 if not,
 *         or if the caller is no fiber. It is not a result code
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_host_interrupt_ack(weft_cancel_info *out);

/** Gives a host page-aligned memory from a cache of anonymous mappings. A runtime that maps and
 * unmaps a block with every thread (CPython's data stack) spends more on that than on the fiber.
 * Together with weft_block_free it fits CPython's PyObjectArenaAllocator.
 *
 * @param context  not looked at; may be NULL
 * @param size     bytes
 * @return the block, with unspecified contents; NULL when there is no memory or size is 0
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API void *weft_block_alloc(void *context, size_t size);

/** Gives a block back, to the cache or to the system.
 *
 * @param context  not looked at; may be NULL
 * @param block    from weft_block_alloc, or an anonymous private mapping of exactly this size; NULL
 *                 does nothing
 * @param size     bytes, as it was allocated
 * @return WEFT_OK
 *
 * Any thread may call it. Since 0.1.0.
 */
WEFT_API int weft_block_free(void *context, void *block, size_t size);

#ifdef __cplusplus
}
#endif

#endif

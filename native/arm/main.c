/* Decodes one patch on a bare machine and tells what that took.
 *
 * The emulator loads sizes, old image and patch into memory that stands for flash (``bench/delta_arm.py``). The new image
 * goes to a file of the host; its caller compares. Instructions are counted by a timer of 25 MHz under ``-icount
 * shift=0``: there each instruction is one nanosecond, forty are one tick; a loop of known length measures that first.
 * The stack is painted before and looked through after.
 *
 * Source: ARM DUI 0471 (semihosting); ARM DAI 0385 (memory map of the board); CMSDK, DDI 0479 (timer).
 */
#ifdef OF_WINDOW /* the other decoder, under the same names */
#include "../delta/window.h"
#define mdl_io mdl_window_io
#define mdl_delta_need mdl_window_need
#define mdl_delta_begin mdl_window_begin
#define mdl_delta_read mdl_window_read
#define mdl_delta_left mdl_window_left
#else
#include "../delta/mdl_delta.h"
#endif

#define SIZES ((const volatile uint32_t *)0x21000000) /* old, patch, new; what to read at a time */
#define OLD ((const uint8_t *)0x21001000)
#define PATCH ((const uint8_t *)0x21801000)
#define FRESH ((uint8_t *)0x21A01000)
#define TIMER ((volatile uint32_t *)0x40000000) /* control, value, reload */

enum { RAM_BYTES = 1 << 20, PAINT = 0x5A5A5A5A, LOOPS = 1000000 };
enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE0 = 4, SYS_WRITE = 5, SYS_EXIT_EXTENDED = 0x20, WRITE_BINARY = 5 };

void *memcpy(void *to, const void *from, size_t n);
int main(void);
void leave(int code);
extern uint32_t stack_first[];

static uint32_t ram[RAM_BYTES / 4];

static int host(int call, const void *with) {
    register int r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = with;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void leave(int code) {
    const uint32_t how[2] = {0x20026, (uint32_t)code};
    for (;;)
        host(SYS_EXIT_EXTENDED, how);
}

static void tell(const char *what, uint32_t number) {
    char line[12], *at = line + sizeof line;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    host(SYS_WRITE0, what);
    host(SYS_WRITE0, " ");
    host(SYS_WRITE0, at);
}

static int read_old(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    (void)context;
    memcpy(to, OLD + at, n);
    return 0;
}

static int read_patch(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    (void)context;
    memcpy(to, PATCH + at, n);
    return 0;
}

#ifdef OF_WINDOW
static int read_new(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    (void)context;
    memcpy(to, FRESH + at, n);
    return 0;
}
#endif

/* ---- time ---- */

static uint32_t now(void) {
    return ~TIMER[1];
}

static uint32_t loop_ticks(void) {
    uint32_t began = now(), n = LOOPS;
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(n) : : "cc");
    return now() - began;
}

/* ---- stack ---- */

static uint32_t *top(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static void paint(void) {
    for (volatile uint32_t *p = stack_first, *end = top() - 16; p < end;)
        *p++ = (uint32_t)PAINT;
}

static uint32_t used(const uint32_t *from) {
    const volatile uint32_t *p = stack_first;
    while (*p == (uint32_t)PAINT)
        p++;
    return (uint32_t)((const char *)from - (const char *)p);
}

/* ---- the run ---- */

static int decode(const mdl_io *io, uint32_t piece, uint32_t ticks[2]) {
    uint32_t began = now();
    int error = mdl_delta_begin(ram, sizeof ram, io);
    ticks[0] = now() - began;
    began = now();
    for (uint32_t at = 0, n; !error && (n = mdl_delta_left(ram)) != 0; at += n) {
        n = n < piece ? n : piece;
        error = mdl_delta_read(ram, io, FRESH + at, n);
    }
    ticks[1] = now() - began;
    return error;
}

static int save(uint32_t bytes) {
    static const char NAME[] = "arm.bin";
    const uint32_t open[3] = {(uint32_t)NAME, WRITE_BINARY, sizeof NAME - 1};
    int file = host(SYS_OPEN, open);
    const uint32_t write[3] = {(uint32_t)file, (uint32_t)FRESH, bytes}, close[1] = {(uint32_t)file};
    return file < 0 || host(SYS_WRITE, write) || host(SYS_CLOSE, close);
}

int main(void) {
#ifdef OF_WINDOW
    mdl_io io = {0, read_old, read_patch, read_new, SIZES[0], SIZES[1], SIZES[2]};
#else
    mdl_io io = {0, read_old, read_patch, SIZES[0], SIZES[1], SIZES[2]};
#endif
    uint32_t need = 0, ticks[2] = {0, 0};
    TIMER[1] = TIMER[2] = 0xffffffffu;
    TIMER[0] = 1;
    tell("loop_ticks", loop_ticks());
    int error = mdl_delta_need(&io, &need);
    paint();
    const uint32_t *from = top();
    if (!error)
        error = decode(&io, SIZES[3], ticks);
    uint32_t stack = used(from);
    tell("error", (uint32_t)error);
    if (error)
        return error;
    tell("ram", need);
    tell("stack", stack);
    tell("begin_ticks", ticks[0]);
    tell("read_ticks", ticks[1]);
    return save(io.new_bytes) ? 98 : 0;
}

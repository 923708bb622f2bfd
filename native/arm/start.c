/* From reset to main: the table of vectors, data and bss. Any fault ends the run with a code of its own. */
#include <stdint.h>

extern uint32_t data_first[], data_end[], data_load[], bss_first[], bss_end[], stack_end[];

int main(void);
void leave(int code);
void reset(void);

enum { FAULT = 99 };

static void fault(void) {
    leave(FAULT);
}

void reset(void) {
    const uint32_t *from = data_load;
    for (uint32_t *to = data_first; to < data_end;)
        *to++ = *from++;
    for (uint32_t *to = bss_first; to < bss_end;)
        *to++ = 0;
    leave(main());
}

typedef union { void *at; void (*go)(void); } vector;

__attribute__((section(".vectors"), used)) static const vector VECTORS[16] = {
    {.at = stack_end}, {.go = reset}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault},
    {.go = fault},     {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}, {.go = fault}};

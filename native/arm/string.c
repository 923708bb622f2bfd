/* The few calls of a C library that the decoder makes; words where both sides are aligned. */
#include <stdint.h>
#include <string.h>

static void up(uint8_t *to, const uint8_t *from, size_t n) {
    if (!(((uintptr_t)to | (uintptr_t)from) & 3))
        for (; n >= 4; n -= 4, to += 4, from += 4)
            *(uint32_t *)to = *(const uint32_t *)from;
    while (n--)
        *to++ = *from++;
}

void *memcpy(void *to, const void *from, size_t n) {
    up(to, from, n);
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= n) {
        up(t, f, n);
        return to;
    }
    if (!(((uintptr_t)(t + n) | (uintptr_t)(f + n)) & 3))
        for (; n >= 4; n -= 4)
            *(uint32_t *)(t + n - 4) = *(const uint32_t *)(f + n - 4);
    while (n--)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int byte, size_t n) {
    uint8_t *t = to, b = (uint8_t)byte;
    if (!((uintptr_t)t & 3))
        for (uint32_t word = b * 0x01010101u; n >= 4; n -= 4, t += 4)
            *(uint32_t *)t = word;
    while (n--)
        *t++ = b;
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

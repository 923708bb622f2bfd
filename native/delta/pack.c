/* See pack.h. The interval has 32 bits and is narrowed by each bit; bytes of it that are settled go out. */
#include "pack.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

enum { RATE = 5 };

typedef struct {
    u16 chance[256]; /* that a bit is 1, of 65536; by the bits of the byte before it */
    u32 low, high;
} interval;

static void begin(interval *i) {
    for (int node = 0; node < 256; node++)
        i->chance[node] = 1 << 15;
    i->low = 0;
    i->high = 0xffffffffu;
}

/* Where the interval is cut: below and at it the bit is 1. A chance stays within 31 and 65504, so both sides hold numbers. */
static u32 middle(const interval *i, u32 chance) {
    return i->low + (u32)(((uint64_t)(i->high - i->low) * chance) >> 16);
}

static void narrow(interval *i, u16 *chance, u32 cut, int bit) {
    if (bit) {
        i->high = cut;
        *chance = (u16)(*chance + ((65535 - *chance) >> RATE));
    } else {
        i->low = cut + 1;
        *chance = (u16)(*chance - (*chance >> RATE));
    }
}

static int is_settled(const interval *i) {
    return !((i->low ^ i->high) & 0xff000000u);
}

static void shift(interval *i) {
    i->low <<= 8;
    i->high = i->high << 8 | 0xff;
}

uint32_t mdl_pack(const uint8_t *start, const uint8_t *state, uint32_t n, uint8_t *to, uint32_t room) {
    interval i;
    u32 size = 0;
    begin(&i);
    for (u32 at = 0; at < n; at++) {
        u32 value = start[at] ^ state[at], node = 1;
        for (int shifted = 7; shifted >= 0; shifted--) {
            int bit = value >> shifted & 1;
            u16 *chance = &i.chance[node];
            narrow(&i, chance, middle(&i, *chance), bit);
            node = node << 1 | (u32)bit;
            for (; is_settled(&i); shift(&i), size++)
                if (size < room)
                    to[size] = (u8)(i.high >> 24);
        }
    }
    for (int k = 0; k < 4; k++, size++) /* the low end, whole: it is inside */
        if (size < room)
            to[size] = (u8)(i.low >> (24 - 8 * k));
    return size;
}

int mdl_unpack(const uint8_t *from, uint32_t bytes, const uint8_t *start, uint8_t *state, uint32_t n) {
    interval i;
    u32 at_from = 0, code = 0;
    begin(&i);
    for (; at_from < 4; at_from++)
        code = code << 8 | (at_from < bytes ? from[at_from] : 0);
    for (u32 at = 0; at < n; at++) {
        u32 node = 1;
        for (int k = 0; k < 8; k++) {
            u16 *chance = &i.chance[node];
            u32 cut = middle(&i, *chance);
            int bit = code <= cut;
            narrow(&i, chance, cut, bit);
            node = node << 1 | (u32)bit;
            for (; is_settled(&i); shift(&i), at_from++)
                code = code << 8 | (at_from < bytes ? from[at_from] : 0);
        }
        state[at] = (u8)(start[at] ^ node);
    }
    return at_from != bytes || code != i.low;
}

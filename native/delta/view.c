/* Views of an image for the search: what stands where, operands taken out, operands as places. Host only. */
#include <stdlib.h>

#include "search.h"

static u32 half(const u8 *image, u32 bytes, u32 at) {
    return at + 1 < bytes ? image[at] | (u32)image[at + 1] << 8 : 0;
}

static void put(u8 *to, u32 at, u32 a, u32 b, int is_wide) {
    to[at] = (u8)a;
    to[at + 1] = (u8)(a >> 8);
    if (is_wide) {
        to[at + 2] = (u8)b;
        to[at + 3] = (u8)(b >> 8);
    }
}

void mdl_classify(const u8 *image, u32 bytes, u32 base, u32 old_bytes, const u32 (*range)[2], u32 ranges, u8 *kinds) {
    memset(kinds, PLAIN, bytes / 2 + 2);
    for (u32 at = 0; at + 1 < bytes;) {
        u32 a = half(image, bytes, at), b = half(image, bytes, at + 2), word = a | b << 16, kind = PLAIN;
        int has_word = at + 4 <= bytes, is_wide = mdl_is_wide(a) && has_word;
        if (has_word && !((base + at) & 3)) {
            if (word >= base && word - base < old_bytes)
                kind = POINTER;
            for (u32 i = 0; !kind && i < ranges; i++)
                if (word >= range[i][0] && word < range[i][1])
                    kind = RAM_WORD;
        }
        if (kind)
            is_wide = 1;
        else if (has_word)
            kind = mdl_kind(a, b);
        kinds[at / 2] = (u8)kind;
        if (is_wide)
            kinds[at / 2 + 1] = SECOND_HALF;
        at += is_wide ? 4 : 2;
    }
}

void mdl_blank(const u8 *image, u32 bytes, const u8 *kinds, u8 *to) {
    memcpy(to, image, bytes);
    for (u32 at = 0; at + 1 < bytes; at += 2) {
        u32 a = half(image, bytes, at), b = half(image, bytes, at + 2);
        switch (kinds[at / 2]) {
        case CALL: put(to, at, a & 0xF800, b & 0xD000, 1); break;
        case BRANCH_WIDE: put(to, at, a & 0xFBC0, b & 0xD000, 1); break;
        case LOAD_WIDE: put(to, at, a & 0xFF7F, b & 0xF000, 1); break;
        case LOAD:
        case ADDRESS:
        case BRANCH_IF: put(to, at, a & 0xFF00, 0, 0); break;
        case BRANCH: put(to, at, a & 0xF800, 0, 0); break;
        case BRANCH_ZERO: put(to, at, a & 0xFD07, 0, 0); break;
        case MOVE_LOW:
        case MOVE_HIGH: put(to, at, a & 0xFBF0, b & 0x8F00, 1); break;
        case POINTER: put(to, at, 0xFFFF, 0xFFF3, 1); break;
        case RAM_WORD: put(to, at, 0xFFFF, 0xFFF2, 1); break;
        default: break;
        }
    }
}

enum { PAGES = 256 }; /* of 64 KiB, in 16 MiB */

typedef struct { u32 old, end; i32 shift; } span;

static int by_old(const void *a, const void *b) {
    u32 x = ((const span *)a)->old, y = ((const span *)b)->old;
    return x < y ? -1 : x > y;
}

static u32 moved(const span *spans, u32 count, u32 place) {
    u32 low = 0, high = count, even = place & ~1u;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (spans[middle].old <= even)
            low = middle + 1;
        else
            high = middle;
    }
    return count ? place + (u32)spans[low ? low - 1 : 0].shift : place;
}

/* By how much the map is wrong about the pointers into each 64 KiB: what most of them say. */
static void find_off(const u8 *image, u32 bytes, const u8 *kinds, u32 base, const cover *covers, u32 count, const span *spans, u32 n,
                     const u8 *fresh, u32 new_bytes, u32 off[PAGES]) {
    u32 votes[PAGES] = {0};
    memset(off, 0, PAGES * sizeof *off);
    for (u32 i = 0; i < count; i++)
        for (u32 at = covers[i].old, end = at + covers[i].bytes; covers[i].in_map && !(at & 1) && at < end; at += 2) {
            u32 there = covers[i].fresh + at - covers[i].old;
            if (kinds[at / 2] != POINTER || at + 4 > bytes || there + 4 > new_bytes)
                continue;
            u32 old = (half(image, bytes, at) | half(image, bytes, at + 2) << 16) - base, page = old >> 16 & (PAGES - 1);
            u32 is = (half(fresh, new_bytes, there) | half(fresh, new_bytes, there + 2) << 16) - base - moved(spans, n, old);
            if (is == off[page])
                votes[page]++;
            else if (votes[page])
                votes[page]--;
            else
                off[page] = is, votes[page] = 1;
        }
}

int mdl_resolve(const u8 *image, u32 bytes, const u8 *kinds, u32 base, const cover *covers, u32 count, const u8 *fresh, u32 new_bytes,
                u8 *to) {
    u32 off[PAGES] = {0};
    span *spans = malloc((count + 1) * sizeof *spans);
    u32 n = 0;
    if (!spans)
        return -1;
    for (u32 i = 0; i < count; i++)
        if (covers[i].in_map)
            spans[n++] = (span){covers[i].old, covers[i].old + covers[i].bytes, (i32)(covers[i].fresh - covers[i].old)};
    qsort(spans, n, sizeof *spans, by_old);
    if (fresh)
        find_off(image, bytes, kinds, base, covers, count, spans, n, fresh, new_bytes, off);
    memcpy(to, image, bytes);
    for (u32 at = 0; at + 1 < bytes; at += 2) {
        u32 a = half(image, bytes, at), b = half(image, bytes, at + 2), kind = kinds[at / 2], t = 0;
        if (kind == PLAIN || kind == SECOND_HALF)
            continue;
        if (kind < MOVE_LOW)
            t = moved(spans, n, mdl_counter(base, kind, b, at) + (u32)mdl_distance(kind, a, b)) / 2;
        switch (kind) {
        case CALL: put(to, at, (a & 0xF800) | (t >> 11 & 0x7FF), (b & 0xD000) | (t & 0x7FF) | (t >> 22 & 1) << 13, 1); break;
        case BRANCH_WIDE: put(to, at, (a & 0xFBC0) | (t >> 11 & 63), (b & 0xD000) | (t & 0x7FF), 1); break;
        case LOAD_WIDE: put(to, at, a & 0xFF7F, (b & 0xF000) | (t & 0xFFF), 1); break;
        case LOAD:
        case ADDRESS: put(to, at, (a & 0xFF00) | (t / 2 & 255), 0, 0); break;
        case BRANCH_IF: put(to, at, (a & 0xFF00) | (t & 255), 0, 0); break;
        case BRANCH: put(to, at, (a & 0xF800) | (t & 0x7FF), 0, 0); break;
        case BRANCH_ZERO: put(to, at, (a & 0xFD07) | (t >> 5 & 1) << 9 | (t & 31) << 3, 0, 0); break;
        case MOVE_LOW:
        case MOVE_HIGH: put(to, at, a & 0xFBF0, b & 0x8F00, 1); break;
        case POINTER:
            t = (a | b << 16) - base;
            t = moved(spans, n, t) + off[t >> 16 & (PAGES - 1)] + base;
            put(to, at, t & 0xFFFF, t >> 16, 1);
            break;
        default: put(to, at, 0xFFFF, 0xFFF2, 1);
        }
    }
    free(spans);
    return 0;
}

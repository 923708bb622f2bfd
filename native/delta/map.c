/* The address map: where an old address went, from the covers that count for it.
 *
 * Entries are sorted by old offset. An offset belongs to the last entry that begins at or before it; it is inside, or
 * between that one and the next: then both shifts are offered.
 */
#include "internal.h"

enum { TO_THE_NEXT = 0x7FFF }; /* length of an entry that is longer than can be told: it ends where the next one begins */

static u32 old_of(map_entry e) {
    return e.low & 0xFFFFFF;
}

static u32 shift_of(map_entry e) {
    u32 shift = e.low >> 24 | (e.high & 0x1FFFF) << 8;
    return (shift ^ 0x1000000) - 0x1000000;
}

static int is_inside(map_entry e, u32 old) {
    u32 halves = e.high >> 17;
    return halves == TO_THE_NEXT || old - old_of(e) < 2 * halves;
}

static map_entry entry(u32 old, u32 shift, u32 bytes) {
    u32 halves = bytes / 2 < TO_THE_NEXT ? bytes / 2 : TO_THE_NEXT;
    return (map_entry){old | shift << 24, (shift >> 8 & 0x1FFFF) | halves << 17};
}

static void sift(map_entry *m, u32 at, u32 n) {
    for (u32 child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && old_of(m[child + 1]) > old_of(m[child]))
            child++;
        if (old_of(m[at]) >= old_of(m[child]))
            return;
        map_entry t = m[at];
        m[at] = m[child];
        m[child] = t;
    }
}

static void sort(map_entry *m, u32 n) {
    for (u32 i = n / 2; i-- > 0;)
        sift(m, i, n);
    for (u32 i = n; i-- > 1;) {
        map_entry t = m[0];
        m[0] = m[i];
        m[i] = t;
        sift(m, 0, i);
    }
}

/* Read all covers once. */
int mdl_map_build(run *r) {
    u32 n = 0;
    cover one;
    do {
        if (mdl_cover_next(r, &one))
            return r->error;
        if (!one.bytes || !one.in_map)
            continue;
        if (n == r->c->head.map_entries)
            return r->error = MDL_BAD_STREAM;
        r->map[n++] = entry(one.old, mdl_place(r->c, one.fresh) - one.old, one.bytes);
    } while (one.bytes);
    if (n != r->c->head.map_entries)
        return r->error = MDL_BAD_STREAM;
    sort(r->map, n);
    for (u32 i = 1; i < n; i++)
        if (old_of(r->map[i]) == old_of(r->map[i - 1]))
            return r->error = MDL_BAD_STREAM;
    return MDL_OK;
}

/* Where ``old`` went by the entry before and by the one after; whether it is inside the one before. */
int mdl_map(const run *r, u32 old, u32 *before, u32 *after) {
    u32 low = 0, high = r->c->head.map_entries;
    while (low < high) {
        u32 half = (low + high) / 2;
        if (old_of(r->map[half]) <= old)
            low = half + 1;
        else
            high = half;
    }
    const map_entry *b = low ? &r->map[low - 1] : NULL, *a = low < r->c->head.map_entries ? &r->map[low] : NULL;
    if (b && is_inside(*b, old)) {
        *before = *after = old + shift_of(*b);
        return 1;
    }
    *before = old + (b ? shift_of(*b) : a ? shift_of(*a) : 0);
    *after = old + (a ? shift_of(*a) : b ? shift_of(*b) : 0);
    return 0;
}

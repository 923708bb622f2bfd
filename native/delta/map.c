/* The address map: where an old address went, from the covers that count for it.
 *
 * Entries are sorted by old offset. An offset belongs to the last entry that begins at or before it; it is inside, or
 * between that one and the next: then both shifts are offered.
 */
#include "internal.h"

static void sift(map_entry *m, u32 at, u32 n) {
    for (u32 child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && m[child + 1].old > m[child].old)
            child++;
        if (m[at].old >= m[child].old)
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
        r->map[n++] = (map_entry){one.old, one.bytes, (i32)(mdl_place(r->c, one.fresh) - one.old)};
    } while (one.bytes);
    if (n != r->c->head.map_entries)
        return r->error = MDL_BAD_STREAM;
    sort(r->map, n);
    for (u32 i = 1; i < n; i++)
        if (r->map[i].old == r->map[i - 1].old)
            return r->error = MDL_BAD_STREAM;
    return MDL_OK;
}

/* Where ``old`` went by the entry before and by the one after; whether it is inside the one before. */
int mdl_map(const run *r, u32 old, u32 *before, u32 *after) {
    u32 low = 0, high = r->c->head.map_entries;
    while (low < high) {
        u32 half = (low + high) / 2;
        if (r->map[half].old <= old)
            low = half + 1;
        else
            high = half;
    }
    const map_entry *b = low ? &r->map[low - 1] : NULL, *a = low < r->c->head.map_entries ? &r->map[low] : NULL;
    if (b && old - b->old < b->bytes) {
        *before = *after = old + (u32)b->shift;
        return 1;
    }
    *before = old + (u32)(b ? b->shift : a ? a->shift : 0);
    *after = old + (u32)(a ? a->shift : b ? b->shift : 0);
    return 0;
}

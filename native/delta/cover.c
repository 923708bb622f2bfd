/* Covers: runs of the new image that are an old run, more or less.
 *
 * A cover is a gap since the one before, a shift (old offset - new offset), a length, and whether it counts for the
 * address map. Old often goes on where the last cover ended: something was put in. The four shifts used last are told by
 * number; another one is given as its difference to one of the last three. The stream of covers is read twice: once to build the map, once along with the content.
 */
#include "internal.h"

static void adaptive_start(u16 *cell, u32 n) {
    for (u32 i = 0; i < n; i++)
        cell[i] = 2048 << 4;
}

static void models_start(cover_reader *k) {
    adaptive_start(&k->flag[0][0][0], sizeof k->flag / sizeof(u16));
    adaptive_start(&k->sign[0][0], sizeof k->sign / sizeof(u16));
    adaptive_start(&k->odd, 1);
    adaptive_start(k->map, 2);
    adaptive_start(&k->goes_on[0][0], sizeof k->goes_on / sizeof(u16));
    adaptive_start(&k->base[0][0], sizeof k->base / sizeof(u16));
    mdl_number_start(&k->gap);
    mdl_number_start(&k->kept_bytes);
    mdl_number_start(&k->moved_bytes);
    mdl_number_start(&k->shift[0]);
    mdl_number_start(&k->shift[1]);
}

/* Begin with the first cover, at this offset of the patch. */
void mdl_covers_open(run *r, u32 at) {
    cover_reader *k = &r->c->covers;
    memset(k, 0, sizeof *k);
    models_start(k);
    k->left = r->c->head.covers;
    if (!r->w)
        mdl_source_open(r, &k->from, at, at + r->c->head.cover_bytes);
}

static u32 size_of(i32 change) {
    return change < 0 ? 0u - (u32)change : (u32)change;
}

/* From which of the last shifts a new one is told: an older one must be much nearer. */
static u32 nearest(const cover_reader *k, i32 shift) {
    u32 best = 0;
    for (u32 i = 1; i < BASES; i++)
        if (size_of((i32)((u32)shift - (u32)k->repeat[i])) < size_of((i32)((u32)shift - (u32)k->repeat[best])) / 3)
            best = i;
    return best;
}

/* A shift that is none of the last four: which of the last three it is told from, and the difference. */
static i32 new_shift(run *r, cover_reader *k, u32 near, i32 shift) {
    mdl_category(r, SPENT_SHIFT);
    u32 from = r->w ? nearest(k, shift) : 0;
    from = mdl_chance(r, &k->base[0][near], from != 0) ? 1 + (u32)mdl_chance(r, &k->base[1][near], from == 2) : 0;
    i32 change = (i32)((u32)shift - (u32)k->repeat[from]);
    int is_negative = mdl_chance(r, &k->sign[from][k->last_sign], change < 0), is_odd = mdl_chance(r, &k->odd, change & 1);
    k->last_sign = (u8)is_negative;
    u32 size = mdl_number(r, &k->shift[from != 0], size_of(change) / 2) * 2 + (u32)is_odd;
    return (i32)((u32)k->repeat[from] + (is_negative ? 0u - size : size));
}

/* Where the cover comes from: old goes on behind the last cover, or one of the last four shifts, or a new one. */
static i32 cover_shift(run *r, cover_reader *k, u32 gap, i32 shift) {
    u32 which = 0, near = gap == 0 ? 0 : gap < 16 ? 1 : 2;
    i32 on = (i32)(k->old_end - mdl_place(r->c, k->end + 2 * gap));
    mdl_category(r, SPENT_REPEAT);
    if (gap && mdl_chance(r, &k->goes_on[near == 2][k->last_repeat == REPEATS], shift == on)) {
        which = REPEATS;
        shift = on;
    } else {
        while (which < REPEATS && !mdl_chance(r, &k->flag[which][k->last_repeat][near], k->repeat[which] == shift))
            which++;
        shift = which < REPEATS ? k->repeat[which] : new_shift(r, k, near, shift);
    }
    memmove(k->repeat + 1, k->repeat, (which < REPEATS ? which : REPEATS - 1) * sizeof(i32));
    k->repeat[0] = shift;
    k->last_repeat = (u8)which;
    return shift;
}

/* Code one cover: ``next`` is written, or filled. */
int mdl_cover(run *r, cover *next) {
    cover_reader *k = &r->c->covers;
    codec *c = r->c;
    mdl_category(r, SPENT_GAP);
    u32 gap = mdl_number(r, &k->gap, (next->fresh - k->end) / 2);
    i32 shift = cover_shift(r, k, gap, (i32)(next->old - mdl_place(c, next->fresh)));
    mdl_category(r, SPENT_BYTES);
    u32 bytes = 2 * mdl_number(r, k->last_repeat < REPEATS ? &k->kept_bytes : &k->moved_bytes, next->bytes / 2);
    mdl_category(r, SPENT_MAP);
    int in_map = mdl_chance(r, &k->map[bytes > 255], next->in_map);
    u32 fresh = k->end + 2 * gap, old = mdl_place(c, fresh) + (u32)shift;
    u32 end = c->new_bytes + (c->new_bytes & 1);
    if (gap > end || fresh > end || bytes > end - fresh || !bytes || old > c->old_bytes
        || bytes > c->old_bytes - old + 1)
        return r->error = MDL_BAD_STREAM;
    k->end = fresh + bytes;
    k->old_end = old + bytes;
    *next = (cover){fresh, old, bytes, (u8)in_map};
    return r->error;
}

/* Read the next cover; bytes 0: there is none. */
int mdl_cover_next(run *r, cover *next) {
    cover_reader *k = &r->c->covers;
    memset(next, 0, sizeof *next);
    if (!k->left)
        return MDL_OK;
    k->left--;
    writer *w = r->w;
    source *from = r->from;
    r->w = NULL;
    r->from = &k->from;
    int error = mdl_cover(r, next);
    r->w = w;
    r->from = from;
    return error;
}

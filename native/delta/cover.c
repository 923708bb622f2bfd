/* Covers: runs of the new image that are an old run, more or less.
 *
 * A cover is a gap since the one before, a shift (old offset - new offset), a length, and whether it counts for the
 * address map. The four shifts used last are told by number; another one is given as its difference to the last. The
 * stream of covers is read twice: once to build the map, once along with the content.
 */
#include "internal.h"

static void adaptive_start(u16 *cell, u32 n) {
    for (u32 i = 0; i < n; i++)
        cell[i] = 2048 << 4;
}

static void models_start(cover_reader *k) {
    adaptive_start(&k->flag[0][0][0], sizeof k->flag / sizeof(u16));
    adaptive_start(&k->sign, 1);
    adaptive_start(&k->odd, 1);
    adaptive_start(k->map, 2);
    mdl_number_start(&k->gap);
    mdl_number_start(&k->kept_bytes);
    mdl_number_start(&k->moved_bytes);
    mdl_number_start(&k->shift);
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

/* Code one cover: ``next`` is written, or filled. */
int mdl_cover(run *r, cover *next) {
    cover_reader *k = &r->c->covers;
    codec *c = r->c;
    u32 gap = mdl_number(r, &k->gap, (next->fresh - k->end) / 2);
    i32 shift = (i32)(next->old - mdl_place(c, next->fresh));
    u32 which = 0, near = gap == 0 ? 0 : gap < 16 ? 1 : 2;
    while (which < REPEATS && !mdl_chance(r, &k->flag[which][k->last_repeat][near], k->repeat[which] == shift))
        which++;
    if (which == REPEATS) {
        i32 change = (i32)((u32)shift - (u32)k->repeat[0]);
        int is_negative = mdl_chance(r, &k->sign, change < 0), is_odd = mdl_chance(r, &k->odd, change & 1);
        u32 size = change < 0 ? 0u - (u32)change : (u32)change;
        size = mdl_number(r, &k->shift, size / 2) * 2 + (u32)is_odd;
        shift = (i32)((u32)k->repeat[0] + (is_negative ? 0u - size : size));
    } else {
        shift = k->repeat[which];
    }
    u32 last = which < REPEATS ? which : REPEATS - 1;
    memmove(k->repeat + 1, k->repeat, last * sizeof(i32));
    k->repeat[0] = shift;
    k->last_repeat = (u8)which;
    u32 bytes = 2 * mdl_number(r, which < REPEATS ? &k->kept_bytes : &k->moved_bytes, next->bytes / 2);
    int in_map = mdl_chance(r, &k->map[bytes > 255], next->in_map);
    u32 fresh = k->end + 2 * gap, old = mdl_place(c, fresh) + (u32)shift;
    u32 end = c->new_bytes + (c->new_bytes & 1);
    if (gap > end || fresh > end || bytes > end - fresh || !bytes || old > c->old_bytes
        || bytes > c->old_bytes - old + 1)
        return r->error = MDL_BAD_STREAM;
    k->end = fresh + bytes;
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

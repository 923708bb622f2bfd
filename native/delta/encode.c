/* The encoder: covers and images in, stream out. Host only; it runs the decoder's own code with a writer. */
#include <stdlib.h>

#include "encode.h"

void mdl_writer_end(writer *w);

typedef struct { const u8 *old; const u8 *patch; } memory;

static int old_of(void *context, u32 at, u8 *to, u32 n) {
    memcpy(to, ((memory *)context)->old + at, n);
    return 0;
}

static int patch_of(void *context, u32 at, u8 *to, u32 n) {
    memcpy(to, ((memory *)context)->patch + at, n);
    return 0;
}

static void put_word(u8 *p, u32 v) {
    for (int i = 0; i < 4; i++)
        p[i] = (u8)(v >> (8 * i));
}

static void begin_writing(writer *w, const u8 *fresh, u8 *out, u32 room, double *cost) {
    memset(w, 0, sizeof *w);
    w->fresh = fresh;
    w->out = out;
    w->out_room = room;
    w->high = 0xffffffffu;
    w->cost = cost;
}

/* Encode; gives the length of the stream, 0 when it does not fit or something is wrong with the covers. */
u32 mdl_encode(const u8 *old, u32 old_bytes, const u8 *fresh, u32 new_bytes, const cover *covers, const mdl_choice *choice, u8 *out,
               u32 room, double cost[MDL_CATEGORIES]) {
    u32 begin = HEAD_BYTES + choice->ranges * RANGE_BYTES, entries = 0;
    if (room < begin || choice->ranges > MAX_RANGES)
        return 0;
    for (u32 i = 0; i < choice->covers; i++)
        entries += covers[i].in_map;
    memset(out, 0, begin);
    out[0] = STREAM_VERSION;
    out[1] = (u8)choice->flags;
    put_word(out + 4, choice->base);
    put_word(out + 8, choice->covers);
    out[16] = (u8)entries;
    out[17] = (u8)(entries >> 8);
    out[18] = (u8)choice->slot_kib;
    out[19] = (u8)choice->log_flags;
    out[20] = (u8)choice->log_block;
    out[21] = (u8)choice->ranges;
    for (u32 i = 0; i < choice->ranges; i++) {
        put_word(out + HEAD_BYTES + 8 * i, choice->range[i][0]);
        put_word(out + HEAD_BYTES + 8 * i + 4, choice->range[i][1]);
    }
    memory m = {old, out};
    mdl_io io = {&m, old_of, patch_of, old_bytes, begin, new_bytes};
    head h;
    u32 low[MAX_RANGES], high[MAX_RANGES], need, result = 0;
    codec *c = NULL, *sized;
    writer w;
    run r;
    if (entries > 0xffff || mdl_delta_need(&io, &need) || !(c = calloc(1, need)))
        return 0;
    /* covers */
    if (mdl_head_read(&io, &h, low, high))
        goto end;
    h.covers = choice->covers;
    mdl_layout(c, &h);
    c->old_bytes = old_bytes;
    c->new_bytes = new_bytes;
    begin_writing(&w, fresh, out + begin, room - begin, cost);
    mdl_run(&r, c, &io, &w);
    mdl_covers_open(&r, 0);
    for (u32 i = 0; i < choice->covers; i++) {
        cover one = covers[i];
        if (mdl_cover(&r, &one) || one.old != covers[i].old || one.bytes != covers[i].bytes || one.fresh != covers[i].fresh)
            goto end;
    }
    mdl_writer_end(&w);
    if (w.out_bytes > w.out_room)
        goto end;
    put_word(out + 12, w.out_bytes);
    /* content */
    u32 content = begin + w.out_bytes;
    io.patch_bytes = content;
    if (mdl_delta_need(&io, &need) || !(sized = realloc(c, need)))
        goto end;
    c = sized;
    if (mdl_delta_begin(c, need, &io))
        goto end;
    if (!new_bytes)
        result = content;
    begin_writing(&w, fresh, out + content, room - content, cost);
    mdl_run(&r, c, &io, &w);
    u8 unit[4];
    for (u32 left = new_bytes; left && !r.error;) {
        u32 n = (u32)mdl_unit(&r, unit);
        if (!n || n > left)
            break;
        left -= n;
        if (!left) {
            mdl_writer_end(&w);
            if (w.out_bytes <= w.out_room)
                result = content + w.out_bytes;
        }
    }
end:
    free(c);
    return result;
}

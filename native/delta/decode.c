/* The public calls of the decoder: head, layout of the RAM block, reading. */
#include "internal.h"

enum { MAGIC = 0x4d444c31 };

static u32 word_at(const u8 *p) {
    return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* The head of the stream, checked; the ranges of words. */
int mdl_head_read(const mdl_io *io, head *h, u32 *low, u32 *high) {
    u8 raw[HEAD_BYTES], range[RANGE_BYTES];
    if (io->patch_bytes < HEAD_BYTES)
        return MDL_BAD_STREAM;
    if (io->read_patch(io->context, 0, raw, HEAD_BYTES))
        return MDL_BAD_IO;
    *h = (head){.base = word_at(raw + 4), .covers = word_at(raw + 8), .cover_bytes = word_at(raw + 12),
                .map_entries = (u16)(raw[16] | raw[17] << 8), .flags = raw[1], .slot_kib = raw[18], .log_flags = raw[19],
                .log_block = raw[20], .ranges = raw[21]};
    if (raw[0] != STREAM_VERSION || raw[1] & ~(FLAG_THUMB | FLAG_DESCENDING) || raw[2] || raw[3] || raw[22] || raw[23]
        || !h->slot_kib || h->log_flags < 4 || h->log_flags > 20 || h->ranges > MAX_RANGES
        || h->log_block < 12 || h->log_block > 20 || h->map_entries > h->covers || io->new_bytes > 0x1000000
        || io->old_bytes > 0x1000000 || h->covers > io->new_bytes)
        return MDL_BAD_STREAM;
    u32 begin = HEAD_BYTES + (u32)h->ranges * RANGE_BYTES;
    if (begin > io->patch_bytes || h->cover_bytes > io->patch_bytes - begin)
        return MDL_BAD_STREAM;
    for (u32 i = 0; i < h->ranges; i++) {
        if (io->read_patch(io->context, HEAD_BYTES + i * RANGE_BYTES, range, RANGE_BYTES))
            return MDL_BAD_IO;
        low[i] = word_at(range);
        high[i] = word_at(range + 4);
    }
    return MDL_OK;
}

/* Where map, chances and slots lie behind the struct. */
int mdl_layout(codec *c, const head *h) {
    u32 at = (u32)sizeof(codec);
    c->head = *h;
    c->map_at = at;
    at += (u32)h->map_entries * (u32)sizeof(map_entry);
    c->chance_at = at;
    at += (u32)2 << h->log_flags;
    c->slot_at = at;
    at += (u32)h->slot_kib << 10;
    c->total_bytes = at;
    return MDL_OK;
}

void mdl_run(run *r, void *ram, const mdl_io *io, writer *w) {
    codec *c = ram;
    *r = (run){c, io, w, &c->content, (map_entry *)((u8 *)ram + c->map_at), (u16 *)((u8 *)ram + c->chance_at), (u8 *)ram + c->slot_at, 0};
}

int mdl_delta_need(const mdl_io *io, uint32_t *need) {
    head h;
    u32 low[MAX_RANGES], high[MAX_RANGES];
    int error = mdl_head_read(io, &h, low, high);
    if (error)
        return error;
    *need = (u32)sizeof(codec) + (u32)h.map_entries * (u32)sizeof(map_entry) + ((u32)2 << h.log_flags) + ((u32)h.slot_kib << 10);
    return MDL_OK;
}

int mdl_delta_begin(void *ram, uint32_t ram_bytes, const mdl_io *io) {
    codec *c = ram;
    uint32_t need;
    int error = mdl_delta_need(io, &need);
    if (error)
        return error;
    if (ram_bytes < need || ((uintptr_t)ram & 3))
        return MDL_BAD_RAM;
    memset(ram, 0, need);
    head h;
    error = mdl_head_read(io, &h, c->range_low, c->range_high);
    if (error)
        return error;
    mdl_layout(c, &h);
    if (c->total_bytes > ram_bytes) /* the patch is another one than a moment ago */
        return MDL_BAD_IO;
    c->old_bytes = io->old_bytes;
    c->new_bytes = io->new_bytes;
    run r;
    mdl_run(&r, ram, io, NULL);
    mdl_models_start(&r);
    u32 begin = HEAD_BYTES + (u32)h.ranges * RANGE_BYTES;
    mdl_covers_open(&r, begin);
    if (!r.error)
        mdl_map_build(&r);
    if (!r.error)
        mdl_covers_open(&r, begin);
    if (!r.error)
        mdl_cover_next(&r, &c->now);
    c->has_cover = c->now.bytes != 0;
    if (!r.error)
        mdl_source_open(&r, &c->content, begin + h.cover_bytes, io->patch_bytes);
    if (!r.error)
        c->magic = MAGIC; /* only now may it be read from */
    return r.error;
}

int mdl_delta_read(void *ram, const mdl_io *io, uint8_t *to, uint32_t n) {
    codec *c = ram;
    if (c->magic != MAGIC || c->old_bytes != io->old_bytes || c->new_bytes != io->new_bytes)
        return MDL_BAD_RAM;
    if (n > c->new_bytes - c->done)
        return MDL_AT_END;
    run r;
    mdl_run(&r, ram, io, NULL);
    while (n) {
        if (c->pending_at == c->pending_bytes) {
            int bytes = mdl_unit(&r, c->pending);
            if (r.error) {
                c->magic = 0; /* what would come now is wrong */
                return r.error;
            }
            c->pending_bytes = (u8)bytes;
            c->pending_at = 0;
        }
        *to++ = c->pending[c->pending_at++];
        c->done++;
        n--;
    }
    return MDL_OK;
}

static int is_sound(const source *s) {
    return s->buffer_bytes <= sizeof s->buffer && s->at <= s->end && s->at - s->buffer_at <= s->buffer_bytes;
}

int mdl_delta_resume(void *ram, uint32_t ram_bytes, const mdl_io *io) {
    codec *c = ram;
    head h;
    uint32_t need, low[MAX_RANGES], high[MAX_RANGES];
    int error = mdl_delta_need(io, &need);
    if (error || (error = mdl_head_read(io, &h, low, high)))
        return error;
    if (ram_bytes < need || ((uintptr_t)ram & 3) || c->magic != MAGIC || c->old_bytes != io->old_bytes || c->new_bytes != io->new_bytes
        || memcmp(&c->head, &h, sizeof h) || c->done > c->new_bytes || c->pending_bytes > 4 || c->pending_at > c->pending_bytes
        || c->calls > CALLS || c->window_bytes > OLD_WINDOW || c->covers.last_repeat > REPEATS || c->covers.left > h.covers
        || c->content.end > io->patch_bytes || c->covers.from.end > io->patch_bytes || !is_sound(&c->content) || !is_sound(&c->covers.from))
        return MDL_BAD_RAM;
    mdl_layout(c, &h);
    if (c->total_bytes > ram_bytes)
        return MDL_BAD_IO;
    run r;
    mdl_run(&r, ram, io, NULL);
    return mdl_models_sound(&r) ? MDL_OK : MDL_BAD_RAM;
}

uint32_t mdl_delta_left(const void *ram) {
    const codec *c = ram;
    return c->magic == MAGIC ? c->new_bytes - c->done : 0;
}

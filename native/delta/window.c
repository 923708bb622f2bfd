/* The window coder: tokens, what they refer to, and the public calls of the decoder.
 *
 * Old image and what was given so far are one window: places below old_bytes are in the old image, the others in the
 * new one. A copy says how many bytes, and from how far back in this window. Everything else is literal bytes, for which
 * the place that the last copy would have gone on from gives a guess.
 */
#include "window_internal.h"

enum { MAGIC = 0x4d445731, POINTERS = 12 };

/* ---- the head ---- */

static u32 varint(const u8 *raw, u32 have, u32 *at, int *is_bad) {
    u32 value = 0;
    for (u32 shift = 0; shift < 28; shift += 7) {
        if (*at >= have)
            break;
        u8 byte = raw[(*at)++];
        value |= (u32)(byte & 127) << shift;
        if (!(byte & 128)) {
            *is_bad |= shift && !byte; /* not the shortest form */
            return value;
        }
    }
    *is_bad = 1;
    return 0;
}

int mdl_w_head(const mdl_window_io *io, w_head *h) {
    u8 raw[W_MAX_HEAD];
    u32 have = io->patch_bytes < W_MAX_HEAD ? io->patch_bytes : W_MAX_HEAD, at = 2;
    int is_bad = 0;
    memset(h, 0, sizeof *h);
    if (have < 2 || io->old_bytes > W_MAX_BYTES || io->new_bytes > W_MAX_BYTES)
        return MDL_BAD_STREAM;
    if (io->read_patch(io->context, 0, raw, have))
        return MDL_BAD_IO;
    h->is_small = raw[0] & 1;
    h->log_block = raw[0] & 4 ? 12 : 0;
    h->slot_kib = raw[1];
    if (raw[0] & 4)
        h->log_block = (u8)varint(raw, have, &at, &is_bad);
    if (raw[0] & 2) {
        h->prime_at = varint(raw, have, &at, &is_bad);
        h->prime_bytes = varint(raw, have, &at, &is_bad);
    }
    h->bytes = (u8)at;
    if (is_bad || raw[0] >> 4 != W_VERSION || raw[0] & 8 || !h->slot_kib || h->slot_kib > 56
        || (raw[0] & 4 && (h->log_block < 8 || h->log_block > 20)) || h->prime_bytes > io->old_bytes
        || h->prime_at > io->old_bytes - h->prime_bytes)
        return MDL_BAD_STREAM;
    return MDL_OK;
}

/* ---- the window ---- */

/* The byte at a place of the window, which is below old_bytes + done; 0 once reading failed. */
int mdl_w_at(w_run *r, u32 place) {
    w_state *s = r->s;
    if (place >= s->old_bytes && place - s->old_bytes >= r->from)
        return r->to[place - s->old_bytes - r->from];
    if (place - s->cache_at >= s->cache_bytes) {
        int is_old = place < s->old_bytes, failed;
        u32 zero = is_old ? 0 : s->old_bytes, end = is_old ? s->old_bytes : s->old_bytes + r->from;
        s->cache_at = zero + ((place - zero) & ~(u32)(W_CACHE - 1));
        s->cache_bytes = end - s->cache_at < W_CACHE ? end - s->cache_at : W_CACHE;
        failed = (is_old ? r->io->read_old : r->io->read_new)(r->io->context, s->cache_at - zero, s->cache, s->cache_bytes);
        if (failed) {
            r->error = MDL_BAD_IO;
            s->cache_bytes = 0;
            return 0;
        }
    }
    return s->cache[place - s->cache_at];
}

/* Bytes that may come next: as the last copy would go on; a pointer of a list of blocks; the first, moved as the last one was. */
void mdl_w_guesses(w_run *r, int guess[W_GUESSES]) {
    w_state *s = r->s;
    u32 distance = s->distance[0], block = s->head.log_block, in_block = s->done & (((u32)1 << block) - 1);
    guess[0] = guess[1] = guess[2] = guess[3] = -1;
    if (distance && distance <= s->old_bytes + s->done) {
        guess[0] = mdl_w_at(r, s->old_bytes + s->done - distance);
        if (s->shift)
            guess[3] = (guess[0] + (int)s->shift) & 255;
    }
    if (s->anchor && s->anchor != distance && s->anchor <= s->old_bytes + s->done)
        guess[1] = mdl_w_at(r, s->old_bytes + s->done - s->anchor);
    if (block && in_block < 4 * POINTERS) {
        u32 number = s->done >> block, back = (u32)1 << (in_block >> 2);
        if (number >= back)
            guess[2] = (number - back) >> (8 * (in_block & 3)) & 255;
    }
}

/* A byte was given. */
void mdl_w_given(w_state *s, u8 byte) {
    s->far = s->far << 8 | s->near >> 24;
    s->near = s->near << 8 | byte;
    s->done++;
}

/* ---- tokens ---- */

static u32 to_edge(const w_state *s, u32 place) {
    u32 block = (u32)1 << s->head.log_block;
    return block - ((place < s->old_bytes ? place : place - s->old_bytes) & (block - 1));
}

/* A number of blocks, as bytes. */
static u32 block_number(w_run *r, w_number *n, u32 bytes, u32 least) {
    u32 log = r->s->head.log_block, number = mdl_w_number(r, n, (bytes >> log) - least) + least;
    if (number > (u32)W_MAX_BYTES >> log) {
        r->error = MDL_BAD_STREAM;
        return 0;
    }
    return number << log;
}

static u32 copy_bytes(w_run *r, u32 kind, u32 distance, u32 bytes) {
    w_state *s = r->s;
    w_tokens *t = &s->tokens;
    u32 log = s->head.log_block, after = s->literals == 0, here = s->new_bytes - s->done, from = here;
    if (log) {
        here = to_edge(s, s->old_bytes + s->done);
        from = to_edge(s, s->old_bytes + s->done - distance);
    }
    u32 mask = ((u32)1 << log) - 1;
    int is_here = log ? bytes >= here && !((bytes - here) & mask) : bytes == here;
    int is_from = log && bytes >= from && !((bytes - from) & mask);
    if (mdl_w_flag(r, &t->edge[kind][after], is_here || is_from)) {
        if (!log)
            return here;
        u32 first = mdl_w_flag(r, &t->which_edge[kind], is_here) ? here : from;
        return first + block_number(r, &t->edges, bytes - first, 0);
    }
    return mdl_w_number(r, &t->length[kind], bytes - 1) + 1;
}

/* Whether a new distance is told from here, and not from the last long copy. */
int mdl_w_is_recent(u32 anchor, u32 distance) {
    return distance < (distance < anchor ? anchor - distance : distance - anchor);
}

static u32 new_distance(w_run *r, u32 distance, u8 *kind) {
    w_state *s = r->s;
    w_tokens *t = &s->tokens;
    u32 before = s->anchor, log = s->head.log_block, mask = ((u32)1 << log) - 1;
    *kind = mdl_w_flag(r, &t->recent[s->literals == 0], r->w && mdl_w_is_recent(s->anchor, distance)) ? W_FROM_HERE : W_FROM_ANCHOR;
    if (*kind == W_FROM_HERE)
        return mdl_w_number(r, &t->back, distance - 1) + 1;
    int is_less = mdl_w_flag(r, &t->sign[s->literals == 0], distance < before);
    u32 size = is_less ? before - distance : distance - before;
    if (log && mdl_w_flag(r, &t->in_blocks[s->literals == 0], size && !(size & mask)))
        size = block_number(r, &t->blocks, size, 1);
    else
        size = mdl_w_number(r, &t->distance, size - 1) + 1;
    return is_less ? before - size : before + size;
}

static void category(w_run *r, int number) {
#ifndef MDL_DECODER_ONLY
    if (r->w)
        r->w->category = number;
#else
    (void)r, (void)number;
#endif
}

/* The next token: 1 and the copy, or 0 and the literal byte; negative when the stream is bad. */
int mdl_w_token(w_run *r, w_copy *copy, u8 *literal) {
    w_state *s = r->s;
    w_tokens *t = &s->tokens;
    int guess[W_GUESSES];
    mdl_w_guesses(r, guess);
    category(r, 0);
    int is_copy = mdl_w_is_copy(r, guess[0], r->w && copy->bytes);
    category(r, is_copy ? 2 : 1);
    if (!is_copy) {
        u8 byte = *literal = mdl_w_byte(r, guess, *literal);
        for (int g = 0; g < W_GUESSES; g++)
            if (guess[g] >= 0)
                s->hits[g] = s->hits[g] << 1 | (byte == guess[g]);
        if (guess[0] >= 0 && byte != guess[0])
            s->shift = (byte - (u32)guess[0]) & 255;
        return r->error ? -1 : 0;
    }
    u32 index = 0, after = s->literals == 0;
    if (r->w)
        while (index <= W_DISTANCES && (index < W_DISTANCES ? s->distance[index] : s->anchor) != copy->distance)
            index++;
    if (mdl_w_flag(r, &t->again[(s->kinds & 15) | after << 4], index <= W_DISTANCES)) {
        u32 n = 0;
        while (n < W_DISTANCES && mdl_w_flag(r, &t->which[n][after << 1 | ((s->kinds & 3) >= W_FROM_ANCHOR)], n < index))
            n++;
        copy->kind = n ? W_EARLIER : W_LATEST;
        copy->distance = n < W_DISTANCES ? s->distance[n] : s->anchor;
    } else {
        copy->distance = new_distance(r, copy->distance, &copy->kind);
    }
    if (!copy->distance || copy->distance > s->old_bytes + s->done)
        return r->error = MDL_BAD_STREAM, -1;
    category(r, 3);
    copy->bytes = copy_bytes(r, copy->kind, copy->distance, copy->bytes);
    if (r->error || copy->bytes > s->new_bytes - s->done)
        return r->error = r->error ? r->error : MDL_BAD_STREAM, -1;
    return 1;
}

/* A copy begins. */
void mdl_w_push(w_state *s, const w_copy *copy) {
    u32 i = 0;
    while (i < W_DISTANCES - 1 && s->distance[i] != copy->distance)
        i++;
    for (; i; i--)
        s->distance[i] = s->distance[i - 1];
    s->distance[0] = copy->distance;
    if (copy->bytes >= W_ANCHOR_BYTES)
        s->anchor = copy->distance;
    s->kinds = s->kinds << 2 | copy->kind;
    s->literals = 0;
    s->left = copy->bytes;
}

/* ---- public ---- */

void mdl_w_run(w_run *r, void *ram, const mdl_window_io *io, w_writer *w) {
    memset(r, 0, sizeof *r);
    r->s = ram;
    r->io = io;
    r->w = w;
    r->slot = (u8 *)ram + sizeof(w_state);
}

static u32 need_of(const w_head *h) {
    return (u32)sizeof(w_state) + ((u32)h->slot_kib << 10);
}

int mdl_window_need(const mdl_window_io *io, uint32_t *need) {
    w_head h;
    int error = mdl_w_head(io, &h);
    if (!error)
        *need = need_of(&h);
    return error;
}

/* The models learn a part of the old image. Done by the first read, so that what begins is the same whatever stands there. */
void mdl_w_prime(w_run *r) {
    static const int NONE[W_GUESSES] = {-1, -1, -1, -1};
    w_state *s = r->s;
    r->is_priming = 1;
    for (u32 i = 0; i < s->head.prime_bytes && !r->error; i++) {
        u8 byte = (u8)mdl_w_at(r, s->head.prime_at + i);
        mdl_w_byte(r, NONE, byte);
        mdl_w_given(s, byte);
        s->done = 0; /* not counted */
    }
    r->is_priming = 0;
    s->is_primed = 1;
}

int mdl_window_begin(void *ram, uint32_t ram_bytes, const mdl_window_io *io) {
    w_head h;
    w_state *s = ram;
    w_run r;
    int error = mdl_w_head(io, &h);
    if (error)
        return error;
    if (ram_bytes < need_of(&h) || ((uintptr_t)ram & 3))
        return MDL_BAD_RAM;
    memset(ram, 0, need_of(&h));
    s->head = h;
    s->old_bytes = io->old_bytes;
    s->new_bytes = io->new_bytes;
    s->distance[0] = s->anchor = io->old_bytes;
    for (u32 i = 1; i < W_DISTANCES; i++)
        s->distance[i] = i;
    mdl_w_start(s);
    mdl_w_run(&r, ram, io, NULL);
    mdl_w_open(&r, h.bytes);
    if (!r.error)
        s->magic = MAGIC; /* only now may it be read from */
    return r.error;
}

/* Part of the copy in hand, as far as the call goes. */
static void copy_some(w_run *r, u8 *to, u32 n) {
    w_state *s = r->s;
    u32 n_now = s->left < n ? s->left : n;
    for (u32 i = 0; i < n_now && !r->error;) {
        u32 place = s->old_bytes + s->done - s->distance[0], run = n_now - i;
        if (place < s->old_bytes && run >= W_CACHE) { /* a long run of old bytes goes straight there */
            run = run < s->old_bytes - place ? run : s->old_bytes - place;
            if (r->io->read_old(r->io->context, place, to + i, run))
                r->error = MDL_BAD_IO;
            for (u32 k = run > 8 ? run - 8 : 0; k < run && !r->error; k++)
                mdl_w_given(s, to[i + k]);
            s->done += r->error || run <= 8 ? 0 : run - 8;
        } else {
            run = 1;
            to[i] = (u8)mdl_w_at(r, place);
            mdl_w_given(s, to[i]);
        }
        i += run;
    }
    s->left -= n_now;
}

int mdl_window_read(void *ram, const mdl_window_io *io, uint8_t *to, uint32_t n) {
    w_state *s = ram;
    w_run r;
    if (s->magic != MAGIC || s->old_bytes != io->old_bytes || s->new_bytes != io->new_bytes)
        return MDL_BAD_RAM;
    if (n > s->new_bytes - s->done)
        return MDL_AT_END;
    mdl_w_run(&r, ram, io, NULL);
    r.to = to;
    r.from = s->done;
    if (!s->is_primed)
        mdl_w_prime(&r);
    while (s->done - r.from < n && !r.error) {
        u32 at = s->done - r.from;
        if (s->left) {
            copy_some(&r, to + at, n - at);
            continue;
        }
        w_copy copy = {0, 0, 0};
        u8 literal = 0;
        int token = mdl_w_token(&r, &copy, &literal);
        if (token > 0) {
            mdl_w_push(s, &copy);
        } else if (token == 0) {
            to[at] = literal;
            mdl_w_given(s, literal);
            s->literals++;
        }
    }
    if (r.error)
        s->magic = 0; /* what would come now is wrong */
    return r.error;
}

int mdl_window_resume(void *ram, uint32_t ram_bytes, const mdl_window_io *io) {
    w_state *s = ram;
    w_head h;
    w_run r;
    int error = mdl_w_head(io, &h);
    if (error)
        return error;
    if (ram_bytes < need_of(&h) || ((uintptr_t)ram & 3) || s->magic != MAGIC || s->old_bytes != io->old_bytes
        || s->new_bytes != io->new_bytes || memcmp(&s->head, &h, sizeof h) || s->done > s->new_bytes || s->left > s->new_bytes - s->done
        || (s->left && (!s->distance[0] || s->distance[0] > s->old_bytes + s->done)) || s->buffer_bytes > sizeof s->buffer
        || s->at > io->patch_bytes || s->at - s->buffer_at > s->buffer_bytes || s->cache_bytes > W_CACHE || s->range < 1 << 20
        || s->range >= 1 << 28 || s->code >= s->range)
        return MDL_BAD_RAM;
    mdl_w_run(&r, ram, io, NULL);
    return mdl_w_is_sound(&r) ? MDL_OK : MDL_BAD_RAM;
}

uint32_t mdl_window_left(const void *ram) {
    const w_state *s = ram;
    return s->magic == MAGIC ? s->new_bytes - s->done : 0;
}

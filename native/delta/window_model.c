/* The window coder's chances: an arithmetic coder of 28 bits, cells, numbers, and bytes mixed from contexts.
 *
 * A byte is eight decisions along a tree. Of each context the decisions of half a byte live in one slot of sixteen bytes -
 * a check and fifteen bit histories; what a history means is learned, too. Beside the contexts there are guesses, whole
 * bytes that may come; weights that follow the error mix all of it.
 *
 * Nothing here leaves 31 bits with a sign, so that an interpreter with small integers can do the same.
 */
#include "window_internal.h"
#include "window_tables.h"

enum { LIMIT = 15, COPY_RATE = 6, BYTE_RATE = 9, RATE_SHIFT = 16, MEANING_SHIFT = 6, PROBES = 3, SEEN_BEFORE = 4, MAX_WEIGHT = 65535 };
enum { RANGE_LOW = 1 << 20, MAX_OVERRUN = 8 };

static const u16 RATE[16] = {32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282, 6554, 5958, 5461, 5041, 4681, 4369, 4096, 3855};

/* ---- the arithmetic coder ---- */

static u8 next_byte(w_run *r) {
    w_state *s = r->s;
    if (s->at >= r->io->patch_bytes) { /* the writer leaves out zeros; more than a few are missing bytes */
        if (++s->overrun > MAX_OVERRUN)
            r->error = MDL_BAD_STREAM;
        return 0;
    }
    if (s->at - s->buffer_at >= s->buffer_bytes) {
        u32 n = r->io->patch_bytes - s->at;
        s->buffer_at = s->at;
        s->buffer_bytes = n < sizeof s->buffer ? n : (u32)sizeof s->buffer;
        if (r->io->read_patch(r->io->context, s->at, s->buffer, s->buffer_bytes)) {
            r->error = MDL_BAD_IO;
            s->buffer_bytes = 0;
            return 0;
        }
    }
    return s->buffer[s->at++ - s->buffer_at];
}

void mdl_w_open(w_run *r, u32 at) {
    w_state *s = r->s;
    s->at = at;
    s->range = 1 << 24;
    for (int i = 0; i < 3; i++)
        s->code = s->code << 8 | next_byte(r);
}

static int read_bit(w_run *r, u32 chance) {
    w_state *s = r->s;
    u32 bound = (s->range >> 12) * chance;
    int bit = s->code < bound;
    if (bit) {
        s->range = bound;
    } else {
        s->code -= bound;
        s->range -= bound;
    }
    while (s->range < RANGE_LOW) {
        s->range <<= 8;
        s->code = s->code << 8 | next_byte(r);
    }
    return bit;
}

#ifndef MDL_DECODER_ONLY
/* Price of a bit in parts of 256 of a bit: the logarithm by squaring. */
u32 mdl_w_cost(u32 chance, int bit) {
    u32 p = bit ? chance : 4096 - chance, log = 256, part = 0;
    u64 x = (u64)p << 18; /* 1.0 is 1 << 30 */
    while (x < (u64)1 << 29) {
        x <<= 1;
        log += 256;
    }
    for (int i = 0; i < 9; i++) {
        x = x * x >> 29;
        part <<= 1;
        if (x >= (u64)1 << 30) {
            x >>= 1;
            part |= 1;
        }
    }
    return log - (part >> 1) - (part & 1);
}

static void carry_in(w_writer *w) {
    u32 carry = w->low >> 24;
    w->low &= 0xFFFFFF;
    for (u32 i = w->out_bytes; carry && i-- > 0;)
        if (i < w->out_room) {
            carry += w->out[i];
            w->out[i] = (u8)carry;
            carry >>= 8;
        }
}

static void put_top(w_writer *w) {
    if (w->out_bytes < w->out_room)
        w->out[w->out_bytes] = (u8)(w->low >> 16);
    w->out_bytes++;
    w->low = w->low << 8 & 0xFFFFFF;
}

static void write_bit(w_writer *w, u32 chance, int bit) {
    u32 bound = (w->range >> 12) * chance;
    w->spent[w->category] += w->cost[bit ? chance : 4096 - chance];
    if (bit) {
        w->range = bound;
    } else {
        w->low += bound;
        w->range -= bound;
        carry_in(w);
    }
    while (w->range < RANGE_LOW) {
        put_top(w);
        w->range <<= 8;
    }
}

/* The number inside the interval that ends in the most zeros; up to four zero bytes are left out. */
void mdl_w_writer_end(w_writer *w) {
    u32 last = w->low + w->range - 1, n = 27;
    while ((last & ~(((u32)1 << n) - 1)) < w->low)
        n--;
    w->low = last & ~(((u32)1 << n) - 1);
    carry_in(w);
    for (int i = 0; i < 3; i++)
        put_top(w);
    for (u32 i = 0; i < 4 && w->out_bytes && w->out_bytes <= w->out_room && !w->out[w->out_bytes - 1]; i++)
        w->out_bytes--;
}
#endif

/* One bit, whose chance of being 1 is of 4096: known already while priming, written when there is a writer, else read. */
int mdl_w_bit(w_run *r, u32 chance, int bit) {
    if (r->is_priming)
        return bit;
#ifndef MDL_DECODER_ONLY
    if (r->w) {
        write_bit(r->w, chance, bit);
        return bit;
    }
#endif
    return read_bit(r, chance);
}

/* ---- cells and numbers ---- */

static u32 clip(u32 chance) {
    return chance < 1 ? 1 : chance > 4095 ? 4095 : chance;
}

static void adapt(u16 *cell, int bit) {
    i32 seen = *cell & 15, chance = *cell >> 4;
    chance += (((bit ? 4095 : 0) - chance) * (i32)RATE[seen]) >> 16;
    *cell = (u16)(chance << 4 | (seen < LIMIT ? seen + 1 : seen));
}

int mdl_w_flag(w_run *r, u16 *cell, int bit) {
    bit = mdl_w_bit(r, clip(*cell >> 4), bit);
    adapt(cell, bit);
    return bit;
}

u32 mdl_w_number(w_run *r, w_number *n, u32 value) {
    u32 x = value + 1, want = 0, bits = 0, got = 1, node = 1;
    if (r->w)
        while (x >> (want + 1))
            want++;
    while (bits < W_PREFIX - 1 && mdl_w_flag(r, &n->prefix[bits], bits < want))
        bits++;
    for (u32 i = bits; i-- > 0;) {
        int bit = (int)(x >> i & 1);
        if (bits < W_FULL || i + 2 >= bits) {
            bit = mdl_w_flag(r, bits < W_FULL ? &n->tree[bits][got] : &n->top[bits][got], bit);
        } else if (i < 4) {
            bit = mdl_w_flag(r, &n->low[node], bit);
            node = node << 1 | (u32)bit;
        } else {
            bit = mdl_w_bit(r, 2048, bit);
        }
        got = got << 1 | (u32)bit;
    }
    return got - 1;
}

/* ---- mixing ---- */

static u32 squash(i32 x) {
    x = x > 2047 ? 2047 : x < -2047 ? -2047 : x;
    i32 i = (x >> 7) + 16, w = x & 127;
    return (u32)(SQUASH[i] * (128 - w) + SQUASH[i + 1] * w + 64) >> 7;
}

static u32 mixed(const i32 *weight, const i32 *input, int n) {
    i32 sum = 0;
    for (int i = 0; i < n; i++)
        sum += weight[i] * input[i];
    return clip(squash(sum >> 14));
}

static void learn(i32 *weight, const i32 *input, int n, u32 chance, int bit, i32 rate) {
    i32 error = ((bit << 12) - (i32)chance) * rate;
    for (int i = 0; i < n; i++) {
        i32 next = weight[i] + ((input[i] * error + (1 << (RATE_SHIFT - 1))) >> RATE_SHIFT);
        weight[i] = next > MAX_WEIGHT ? MAX_WEIGHT : next < -MAX_WEIGHT ? -MAX_WEIGHT : next;
    }
}

static u32 least(u32 a, u32 b) {
    return a < b ? a : b;
}

/* Whether a copy comes next. */
int mdl_w_is_copy(w_run *r, int guess, int bit) {
    w_state *s = r->s;
    w_tokens *t = &s->tokens;
    u32 a = least(s->literals, 14) << 2 | (s->kinds & 3);
    if (s->head.log_block) {
        u32 mask = ((u32)1 << s->head.log_block) - 1, source = s->old_bytes + s->done - s->distance[0];
        if (!(s->done & mask))
            a = W_HERE_EDGE;
        else if (!((source < s->old_bytes ? source : source - s->old_bytes) & mask))
            a = W_SOURCE_EDGE;
    }
    u16 *cell[4] = {&t->copy_a[a], &t->copy_b[s->near & 255], &t->copy_c[s->hits[0] & 255], &t->copy_d[guess < 0 ? 0 : guess]};
    i32 input[5], *weight = t->copy_weight[least(s->literals, W_STATES - 1)];
    for (int i = 0; i < 4; i++)
        input[i] = STRETCH[*cell[i] >> 4];
    input[4] = 256;
    u32 chance = mixed(weight, input, 5);
    bit = mdl_w_bit(r, chance, bit);
    learn(weight, input, 5, chance, bit, COPY_RATE);
    for (int i = 0; i < 4; i++)
        adapt(cell[i], bit);
    return bit;
}

/* ---- bytes ---- */

static u32 step(u32 h, u32 b) {
    h = (h + b) * 1013 & 0xFFFFF;
    return h ^ h >> 9;
}

static u32 fold(u32 seed, u32 bytes, int n) {
    u32 h = step(seed, 77);
    for (int i = 0; i < n; i++, bytes >>= 8)
        h = step(h, bytes & 255);
    return h;
}

static int is_word(u32 c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c >= 128;
}

/* The word so far, at most eight bytes of it, and what stands before. */
static u32 word(const w_state *s) {
    u32 h = 6, c = 0;
    for (int i = 0; i < 8; i++) {
        c = (i < 4 ? s->near >> (8 * i) : s->far >> (8 * i - 32)) & 255;
        if (!is_word(c))
            break;
        h = step(h, c);
    }
    return step(h, is_word(c) ? 0 : c);
}

static int contexts(const w_state *s, const int guess[W_GUESSES], u32 h[W_CONTEXTS]) {
    u32 n = s->near, p = (u32)(guess[0] + 1), since = least(s->literals, 3);
    h[0] = fold(1, n, 1);
    h[1] = fold(2, n, 2);
    h[2] = fold(3, n, 3);
    h[3] = fold(4, p | since << 9, 2);
    if (s->head.is_small)
        return W_SMALL_CONTEXTS;
    h[4] = word(s);
    h[5] = fold(5, 0, 0);
    return W_CONTEXTS;
}

static u32 slots_of(const w_state *s) {
    return (u32)s->head.slot_kib << 6;
}

/* The slot of a context's half byte: the one with its check, else the least used of three; NULL when it may not take one. */
static u8 *slot_of(w_run *r, u32 hash, int may_take) {
    u32 slots = slots_of(r->s), at = (hash >> 8) * slots >> 12;
    u8 check = (u8)(hash & 255 ? hash & 255 : 1), *weakest = NULL;
    for (u32 i = 0; i < PROBES; i++) {
        u8 *slot = r->slot + 16 * at;
        if (slot[0] == check)
            return slot;
        if (!weakest || (slot[0] ? WEIGHT[slot[1]] : 0) < (weakest[0] ? WEIGHT[weakest[1]] : 0))
            weakest = slot;
        at = at + 1 == slots ? 0 : at + 1;
    }
    if (!may_take)
        return NULL;
    memset(weakest, 0, 16);
    weakest[0] = check;
    return weakest;
}

typedef struct {
    u8 *slot[W_CONTEXTS];
    i32 input[W_MAX_INPUTS];
    u16 *cell[W_GUESSES];
    u32 hash[W_CONTEXTS];
    int n, set, is_learning;
} w_mix;

static void inputs(w_run *r, w_mix *m, const int guess[W_GUESSES], u32 node, int i) {
    w_state *s = r->s;
    w_bytes *b = &s->bytes;
    u32 path = i > 3 ? node : (node & ((1u << (3 - i)) - 1)) | 1u << (3 - i);
    int known = 0;
    for (int j = 0; j < m->n; j++) {
        u8 h = m->slot[j] ? m->slot[j][path] : 0;
        m->input[j] = h ? STRETCH[b->meaning[j][h] >> 4] : 0;
        known += h != 0;
    }
    int state = 0;
    for (int g = 0; g < W_GUESSES; g++) {
        m->cell[g] = NULL;
        m->input[m->n + g] = 0;
        if (guess[g] < 0)
            continue;
        if (((u32)guess[g] | 256) >> (i + 1) != node) {
            state = g ? state : 2;
            continue;
        }
        u32 where = g == 2 ? (s->done & (((u32)1 << s->head.log_block) - 1)) >> 2 : s->literals;
        m->cell[g] = &b->guess[g][(s->hits[g] & 7) << 6 | least(where, 7) << 3 | (u32)i];
        i32 x = STRETCH[*m->cell[g] >> 4];
        m->input[m->n + g] = guess[g] >> i & 1 ? x : -x;
        state = g ? state : 1;
    }
    m->input[m->n + W_GUESSES] = 256;
    m->set = 3 * known + state;
}

static void find_slots(w_run *r, w_mix *m, u32 node) {
    for (int j = 0; j < m->n; j++) {
        if (node > 1)
            m->hash[j] = step(m->hash[j], node);
        m->slot[j] = slot_of(r, m->hash[j], m->is_learning);
    }
}

/* One byte. */
u8 mdl_w_byte(w_run *r, const int guess[W_GUESSES], u8 value) {
    w_bytes *b = &r->s->bytes;
    w_mix m;
    u32 node = 1;
    m.is_learning = 1;
    m.n = contexts(r->s, guess, m.hash);
    int n = m.n + W_GUESSES + 1;
    for (int i = 7; i >= 0; i--) {
        if (i == 7 || i == 3)
            find_slots(r, &m, node);
        inputs(r, &m, guess, node, i);
        i32 *weight = b->weight[m.set];
        u32 chance = mixed(weight, m.input, n), path = i > 3 ? node : (node & ((1u << (3 - i)) - 1)) | 1u << (3 - i);
        int bit = mdl_w_bit(r, chance, value >> i & 1);
        learn(weight, m.input, n, chance, bit, BYTE_RATE);
        for (int j = 0; j < m.n; j++) {
            u8 *history = &m.slot[j][path];
            u16 *meaning = &b->meaning[j][*history];
            *meaning = (u16)(*meaning + (((bit ? 65535 : 0) - (i32)*meaning) >> MEANING_SHIFT));
            *history = NEXT[2 * *history + bit];
        }
        for (int g = 0; g < W_GUESSES; g++)
            if (m.cell[g])
                adapt(m.cell[g], bit == (guess[g] >> i & 1));
        node = node << 1 | (u32)bit;
    }
    return (u8)node;
}

#ifndef MDL_DECODER_ONLY
/* What a byte would cost now, without guesses; nothing is learned. */
u32 mdl_w_price(w_run *r, u8 value) {
    static const int NONE[W_GUESSES] = {-1, -1, -1, -1};
    w_mix m;
    u32 node = 1, cost = 0;
    m.is_learning = 0;
    m.n = contexts(r->s, NONE, m.hash);
    for (int i = 7; i >= 0; i--) {
        if (i == 7 || i == 3)
            find_slots(r, &m, node);
        inputs(r, &m, NONE, node, i);
        int bit = value >> i & 1;
        u32 chance = mixed(r->s->bytes.weight[m.set], m.input, m.n + W_GUESSES + 1);
        cost += r->w->cost[bit ? chance : 4096 - chance];
        node = node << 1 | (u32)bit;
    }
    return cost;
}
#endif

/* ---- beginning, going on ---- */

static void fill(u16 *cell, u32 n, u32 chance) {
    for (u32 i = 0; i < n; i++)
        cell[i] = (u16)(chance << 4);
}

static void begin_with(u16 *cell, const u8 *chance, u32 n) {
    for (u32 i = 0; i < n; i++)
        cell[i] = (u16)(chance[i] << 8 | SEEN_BEFORE);
}

#define BEGIN_WITH(cell, table) begin_with(cell, table, sizeof table)

void mdl_w_start(w_state *s) {
    w_bytes *b = &s->bytes;
    w_tokens *t = &s->tokens;
    fill((u16 *)t->copy_a, 64 + 3 * 256, 2048);
    fill(t->again, (u32)((sizeof *t - offsetof(w_tokens, again)) / 2), 2048);
    for (u32 i = 0; i < 64; i++)
        begin_with(&t->copy_a[i], &COPY_CHANCE[i >> 2], 1);
    begin_with(&t->copy_a[W_SOURCE_EDGE], &SOURCE_EDGE_CHANCE[0], 1);
    BEGIN_WITH(t->again, AGAIN_CHANCE);
    BEGIN_WITH(t->which[0], WHICH_CHANCE);
    BEGIN_WITH(t->recent, OTHERS_CHANCE);
    BEGIN_WITH(t->distance.prefix, DISTANCE_CHANCE);
    BEGIN_WITH(t->blocks.prefix, BLOCKS_CHANCE);
    BEGIN_WITH(t->back.prefix, BACK_CHANCE);
    BEGIN_WITH(t->length[W_LATEST].prefix, LATEST_CHANCE);
    BEGIN_WITH(t->length[W_EARLIER].prefix, EARLIER_CHANCE);
    BEGIN_WITH(t->length[W_FROM_ANCHOR].prefix, FROM_ANCHOR_CHANCE);
    BEGIN_WITH(t->length[W_FROM_HERE].prefix, FROM_HERE_CHANCE);
    BEGIN_WITH(t->edges.prefix, EDGES_CHANCE);
    for (int i = 0; i < W_STATES; i++)
        for (int j = 0; j < 5; j++)
            t->copy_weight[i][j] = j == 0 ? 10000 : j < 4 ? 6000 : 0;
    int inputs = W_GUESSES + (s->head.is_small ? W_SMALL_CONTEXTS : W_CONTEXTS);
    for (int i = 0; i < W_SETS; i++)
        for (int j = 0; j < W_MAX_INPUTS; j++)
            b->weight[i][j] = j < inputs ? 4000 : 0;
    for (int j = 0; j < W_CONTEXTS; j++)
        memcpy(b->meaning[j], START, sizeof START);
    fill(b->guess[0], W_GUESSES * 512, 3072);
}

/* Whether what was saved can be gone on with: histories that exist, weights inside their bounds. */
int mdl_w_is_sound(const w_run *r) {
    const w_state *s = r->s;
    for (u32 i = 0; i < slots_of(s) * 16; i++)
        if ((i & 15) && r->slot[i] >= W_HISTORIES)
            return 0;
    for (int i = 0; i < W_SETS; i++)
        for (int j = 0; j < W_MAX_INPUTS; j++)
            if (s->bytes.weight[i][j] > MAX_WEIGHT || s->bytes.weight[i][j] < -MAX_WEIGHT)
                return 0;
    for (int i = 0; i < W_STATES; i++)
        for (int j = 0; j < 5; j++)
            if (s->tokens.copy_weight[i][j] > MAX_WEIGHT || s->tokens.copy_weight[i][j] < -MAX_WEIGHT)
                return 0;
    return 1;
}

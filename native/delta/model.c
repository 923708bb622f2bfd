/* Chances: what the next bit will be, and how sure that is.
 *
 * Single decisions (flags) are told apart by contexts; each context hashes to one cell of sixteen bits: twelve of chance,
 * four of how often it was seen. Bytes are eight decisions along a tree; a context's decisions of two bits live in
 * one slot of four bytes - a check and three bit histories. What a history means is learned, too. Contexts that seldom
 * say but one thing keep only that: which byte came the last time, and how often in turn. All guesses are mixed by
 * weights that follow the error (logistic mixing).
 *
 * All of it is integer arithmetic with stated widths, so every machine gets the same.
 */
#include "internal.h"
#include "tables.h"

enum { LIMIT = 11, FLAG_RATE = 8, BYTE_RATE = 28, HISTORY_SHIFT = 6, RUN_SHIFT = 5, PROBES = 4, MAX_WEIGHT = 1 << 29 };
enum { FLAG_START = 8000, BYTE_START = 20000 }; /* weights; that of the constant begins with 0 */

static const u16 RATE[16] = {32768, 21845, 16384, 13107, 10923, 9362, 8192, 7282, 6554, 5958, 5461, 5041, 4681, 4369, 4096, 3855};
static const u8 TRUST[16] = {0, 10, 14, 16, 18, 19, 20, 21, 22, 23, 24, 24, 25, 25, 26, 26};

u32 mdl_hash(u32 a, u32 b) {
    u32 h = a * 0x9E3779B1u ^ b * 0x85EBCA6Bu;
    h ^= h >> 15;
    h *= 0x2C1B3C6Du;
    return h ^ h >> 13;
}

static u32 squash(i64 x) {
    return SQUASH[(x > 2047 ? 2047 : x < -2047 ? -2047 : x) + 2048];
}

static void adapt(u16 *cell, int bit) {
    u32 seen = *cell & 15;
    i32 chance = *cell >> 4;
    chance += ((bit ? 4095 : 0) - chance) * (i32)RATE[seen] / 65536;
    *cell = (u16)(chance << 4 | (seen < LIMIT ? seen + 1 : seen));
}

static u32 sixteen(u32 chance12) {
    return chance12 < 1 ? 16 : chance12 > 4095 ? 65520 : chance12 << 4;
}

void mdl_number_start(number_model *m) {
    for (int i = 0; i < NUMBER_CELLS; i++)
        m->cell[i] = 2048 << 4;
}

static void weights_start(i32 *weight, u32 sets, u32 inputs, i32 value) {
    for (u32 i = 0; i < sets; i++)
        for (u32 j = 0; j <= inputs; j++)
            weight[i * (inputs + 1) + j] = j < inputs ? value : 0;
}

void mdl_models_start(run *r) {
    models *m = &r->c->models;
    for (u32 i = 0; i < (u32)1 << r->c->head.log_flags; i++)
        r->chance[i] = 2048 << 4;
    for (int i = 0; i < MODELS; i++) {
        for (int j = 0; j < SLOT_INPUTS; j++)
            memcpy(m->chance[i][j], START, sizeof START); /* HISTORY_ROOM >= HISTORIES */
        for (int j = 0; j < RUN_INPUTS; j++)
            for (u32 k = 0; k < RUN_COUNTS; k++)
                m->run_chance[i][j][k] = (u16)(65535 - 65536 / (2 * k + 2));
    }
    weights_start(&m->known_weight[0][0][0], MODELS * (BYTE_INPUTS + 1), BYTE_INPUTS, BYTE_START);
    weights_start(&m->place_weight[0][0][0], MODELS * 8, BYTE_INPUTS, BYTE_START);
    weights_start(&m->flag_weight[0][0], FLAG_SETS, FLAG_INPUTS, FLAG_START);
    for (int i = 0; i < NUMBERS; i++)
        mdl_number_start(&m->number[i]);
}

static int weights_sound(const i32 *weight, u32 count) {
    for (u32 i = 0; i < count; i++)
        if (weight[i] < -MAX_WEIGHT || weight[i] > MAX_WEIGHT)
            return 0;
    return 1;
}

/* Whether what was saved can be gone on with: histories that exist, weights that are far from overflowing. */
int mdl_models_sound(const run *r) {
    const models *m = &r->c->models;
    for (u32 i = 0; i < (u32)r->c->head.slot_kib << 10; i++)
        if ((i & 3) && r->slot[i] >= HISTORIES) /* byte 0 of each slot is its check */
            return 0;
    return weights_sound(&m->known_weight[0][0][0], sizeof m->known_weight / sizeof(i32))
        && weights_sound(&m->place_weight[0][0][0], sizeof m->place_weight / sizeof(i32))
        && weights_sound(&m->flag_weight[0][0], sizeof m->flag_weight / sizeof(i32));
}

/* One decision with one cell. */
int mdl_chance(run *r, u16 *cell, int bit) {
    bit = mdl_bit(r, sixteen(*cell >> 4), bit);
    adapt(cell, bit);
    return bit;
}

/* One decision in n contexts. */
int mdl_flag(run *r, u32 set, const u32 *contexts, int n, int bit) {
    u16 *cell[FLAG_INPUTS];
    i32 input[FLAG_INPUTS];
    i32 *weight = r->c->models.flag_weight[set];
    u32 mask = ((u32)1 << r->c->head.log_flags) - 1;
    i64 sum = (i64)weight[FLAG_INPUTS] * 256;
    for (int i = 0; i < n; i++) {
        cell[i] = &r->chance[mdl_hash(contexts[i], 0x777) & mask];
        input[i] = STRETCH[*cell[i] >> 4] * TRUST[*cell[i] & 15] / 16;
        sum += (i64)weight[i] * input[i];
    }
    u32 chance = squash(sum >> 16);
    bit = mdl_bit(r, sixteen(chance), bit);
    i32 error = ((bit << 12) - (i32)chance) * FLAG_RATE;
    weight[FLAG_INPUTS] += (256 * error + 0x2000) >> 14;
    for (int i = 0; i < n; i++)
        weight[i] += (input[i] * error + 0x2000) >> 14;
    for (int i = 0; i < n; i++)
        adapt(cell[i], bit);
    return bit;
}

/* The slot of a context's two bits: the one with its check, else the least used of four. */
static u8 *slot_of(run *r, u32 hash) {
    u32 slots = 256 * (u32)r->c->head.slot_kib, first = hash >> 8;
    u8 check = (u8)(hash ? hash : 1), *least = NULL;
    if (!check)
        check = 1;
    for (u32 i = 0; i < PROBES; i++) {
        u8 *slot = r->slot + 4 * ((first + i) % slots);
        if (slot[0] == check)
            return slot;
        if (!least || (slot[0] ? WEIGHT[slot[1]] : 0) < (least[0] ? WEIGHT[least[1]] : 0))
            least = slot;
    }
    memset(least, 0, 4);
    least[0] = check;
    return least;
}

/* The run of a context: the one with its check, else the shorter of two, emptied; the other one ages. */
static byte_run *run_of(run *r, u32 hash) {
    u32 at = hash >> 16 & (RUNS - 1), check = hash & 0xFFFF ? hash & 0xFFFF : 1;
    byte_run *one = &r->c->runs[at], *other = &r->c->runs[at ^ 1];
    if (one->check == check)
        return one;
    if (other->check == check)
        return other;
    if (other->count < one->count) {
        byte_run *t = one;
        one = other;
        other = t;
    }
    if (other->count)
        other->count--;
    *one = (byte_run){(u16)check, 0, 0};
    return one;
}

/* What is known while a byte is coded. */
typedef struct {
    u8 *slot[SLOT_INPUTS];
    byte_run *run[RUN_INPUTS];
    u16 *goes_on[RUN_INPUTS]; /* chance that the run goes on; NULL: it has broken off, or there is none */
    i32 input[BYTE_INPUTS + 1];
    int slots, runs;
} octet;

/* What each context says about bit ``i``; gives how many say anything. */
static int inputs(models *m, octet *o, u32 model, u32 node, u32 path, int i) {
    int known = 0;
    for (int j = 0; j < o->slots; j++) {
        u8 h = o->slot[j][path];
        o->input[j] = h ? STRETCH[m->chance[model][j][h] >> 4] : 0;
        known += h != 0;
    }
    for (int j = 0; j < o->runs; j++) {
        const byte_run *one = o->run[j];
        int is_on = one->count && (one->byte | 256u) >> (i + 1) == node;
        o->goes_on[j] = NULL;
        o->input[SLOT_INPUTS + j] = 0;
        if (is_on) {
            o->goes_on[j] = &m->run_chance[model][j][one->count < RUN_COUNTS ? one->count : RUN_COUNTS - 1];
            i32 x = STRETCH[*o->goes_on[j] >> 4];
            o->input[SLOT_INPUTS + j] = one->byte >> i & 1 ? x : -x;
            known++;
        }
    }
    return known;
}

static void follow(u16 *chance, int bit, int shift) {
    *chance = (u16)(*chance + (((bit ? 65535 : 0) - (i32)*chance) >> shift));
}

static void learn(models *m, octet *o, u32 model, u32 path, int i, int bit) {
    for (int j = 0; j < o->slots; j++) {
        u8 *history = &o->slot[j][path];
        follow(&m->chance[model][j][*history], bit, HISTORY_SHIFT);
        *history = NEXT[2 * *history + bit];
    }
    for (int j = 0; j < o->runs; j++)
        if (o->goes_on[j])
            follow(o->goes_on[j], (o->run[j]->byte >> i & 1) == bit, RUN_SHIFT);
}

static i64 mixed(const i32 *weight, const i32 *input) {
    i64 sum = 0;
    for (int j = 0; j <= BYTE_INPUTS; j++)
        sum += (i64)weight[j] * input[j];
    return sum;
}

static void correct(i32 *weight, const i32 *input, i64 sum, int bit) {
    i32 error = ((bit << 12) - (i32)squash(sum >> 16)) * BYTE_RATE;
    for (int j = 0; j <= BYTE_INPUTS; j++)
        weight[j] += (input[j] * error + 0x2000) >> 14;
}

/* One byte in some contexts: first those with slots, then those with runs. */
int mdl_byte(run *r, u32 model, const u32 *contexts, int slots, int runs, int value) {
    models *m = &r->c->models;
    octet o = {.slots = slots, .runs = runs, .input = {[BYTE_INPUTS] = 256}};
    u32 node = 1, path = 1;
    for (int j = 0; j < runs; j++)
        o.run[j] = run_of(r, mdl_hash(contexts[slots + j], model << 24));
    for (int i = 7; i >= 0; i--) {
        if (i & 1) {
            path = 1;
            for (int j = 0; j < slots; j++)
                o.slot[j] = slot_of(r, mdl_hash(contexts[j], model << 24 | (i == 7 ? 0 : node)));
        }
        i32 *by_known = m->known_weight[model][inputs(m, &o, model, node, path, i)], *by_place = m->place_weight[model][i];
        i64 first = mixed(by_known, o.input), second = mixed(by_place, o.input);
        int bit = mdl_bit(r, sixteen(squash((first + second) >> 17)), value >> i & 1);
        correct(by_known, o.input, first, bit);
        correct(by_place, o.input, second, bit);
        learn(m, &o, model, path, i, bit);
        node = node << 1 | (u32)bit;
        path = path << 1 | (u32)bit;
    }
    for (int j = 0; j < runs; j++) {
        byte_run *one = o.run[j];
        int is_same = one->count && one->byte == (u8)node;
        *one = (byte_run){one->check, (u8)node, (u8)(!is_same ? 1 : one->count < 255 ? one->count + 1 : 255)};
    }
    return (int)(node & 255);
}

/* A number: its length in bits, one flag each; then its bits, the first two in the context of those before. */
u32 mdl_number(run *r, number_model *m, u32 value) {
    u32 x = value + 1, bits = 0;
    if (r->w)
        while (x >> (bits + 1))
            bits++;
    u32 n = 0;
    while (n < PREFIX - 1 && mdl_chance(r, &m->cell[n], n < bits))
        n++;
    u32 got = 1;
    for (u32 i = n; i-- > 0;) {
        u32 depth = n - 1 - i;
        u16 *cell = depth < 2 ? &m->cell[PREFIX + n * 3 + (depth ? 1 + (got & 1) : 0)] : &m->cell[PREFIX * 4 + i];
        got = got << 1 | (u32)mdl_chance(r, cell, x >> i & 1);
    }
    return got - 1;
}

/* Chances: what the next bit will be, and how sure that is.
 *
 * Single decisions (flags) are told apart by contexts; each context hashes to one cell of sixteen bits: twelve of chance,
 * four of how often it was seen. Bytes are eight decisions along a tree; a context's decisions of half a byte live in
 * one slot of sixteen bytes - a check and fifteen bit histories. What a history means is learned, too. Both kinds of
 * guesses are mixed by weights that follow the error (logistic mixing).
 *
 * All of it is integer arithmetic with stated widths, so every machine gets the same.
 */
#include "internal.h"
#include "tables.h"

enum { LIMIT = 9, FLAG_RATE = 6, BYTE_RATE = 16, HISTORY_SHIFT = 6, PROBES = 3, MAX_WEIGHT = 1 << 29 };

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

void mdl_models_start(run *r) {
    models *m = &r->c->models;
    for (u32 i = 0; i < (u32)1 << r->c->head.log_flags; i++)
        r->chance[i] = 2048 << 4;
    for (int i = 0; i < MODELS; i++) {
        for (int j = 0; j < BYTE_INPUTS; j++)
            memcpy(m->chance[i][j], START, sizeof START); /* HISTORY_ROOM >= HISTORIES */
        for (int j = 0; j <= BYTE_INPUTS; j++)
            for (int k = 0; k <= BYTE_INPUTS; k++)
                m->byte_weight[i][j][k] = 20000;
    }
    for (int i = 0; i < FLAG_SETS; i++)
        for (int j = 0; j < MAX_INPUTS; j++)
            m->flag_weight[i][j] = 20000;
    for (int i = 0; i < NUMBERS; i++)
        mdl_number_start(&m->number[i]);
}

/* Whether what was saved can be gone on with: histories that exist, weights that are far from overflowing. */
int mdl_models_sound(const run *r) {
    const models *m = &r->c->models;
    for (u32 i = 0; i < (u32)r->c->head.slot_kib << 10; i++)
        if ((i & 15) && r->slot[i] >= HISTORIES) /* byte 0 of each slot is its check */
            return 0;
    for (int i = 0; i < MODELS; i++)
        for (int j = 0; j <= BYTE_INPUTS; j++)
            for (int k = 0; k <= BYTE_INPUTS; k++)
                if (m->byte_weight[i][j][k] > MAX_WEIGHT || m->byte_weight[i][j][k] < -MAX_WEIGHT)
                    return 0;
    for (int i = 0; i < FLAG_SETS; i++)
        for (int j = 0; j < MAX_INPUTS; j++)
            if (m->flag_weight[i][j] > MAX_WEIGHT || m->flag_weight[i][j] < -MAX_WEIGHT)
                return 0;
    return 1;
}

/* One decision with one cell. */
int mdl_chance(run *r, u16 *cell, int bit) {
    bit = mdl_bit(r, sixteen(*cell >> 4), bit);
    adapt(cell, bit);
    return bit;
}

/* One decision in n contexts. */
int mdl_flag(run *r, u32 set, const u32 *contexts, int n, int bit) {
    u16 *cell[MAX_INPUTS];
    i32 input[MAX_INPUTS];
    i32 *weight = r->c->models.flag_weight[set];
    u32 mask = ((u32)1 << r->c->head.log_flags) - 1;
    i64 sum = 0;
    for (int i = 0; i < n; i++) {
        cell[i] = &r->chance[mdl_hash(contexts[i], 0x777) & mask];
        input[i] = STRETCH[*cell[i] >> 4] * TRUST[*cell[i] & 15] / 16;
        sum += (i64)weight[i] * input[i];
    }
    input[n] = 256;
    sum += (i64)weight[n] * 256;
    u32 chance = squash(sum >> 16);
    bit = mdl_bit(r, sixteen(chance), bit);
    i32 error = ((bit << 12) - (i32)chance) * FLAG_RATE;
    for (int i = 0; i <= n; i++)
        weight[i] += (input[i] * error + 0x2000) >> 14;
    for (int i = 0; i < n; i++)
        adapt(cell[i], bit);
    return bit;
}

/* The slot of a context's half byte: the one with its check, else the least used of three. */
static u8 *slot_of(run *r, u32 hash) {
    u32 slots = 64 * (u32)r->c->head.slot_kib, first = hash >> 8;
    u8 check = (u8)(hash ? hash : 1), *least = NULL;
    if (!check)
        check = 1;
    for (u32 i = 0; i < PROBES; i++) {
        u8 *slot = r->slot + 16 * ((first + i) % slots);
        if (slot[0] == check)
            return slot;
        if (!least || (slot[0] ? WEIGHT[slot[1]] : 0) < (least[0] ? WEIGHT[least[1]] : 0))
            least = slot;
    }
    memset(least, 0, 16);
    least[0] = check;
    return least;
}

/* One byte in n contexts. */
int mdl_byte(run *r, u32 model, const u32 *contexts, int n, int value) {
    models *m = &r->c->models;
    u8 *slot[BYTE_INPUTS], *history;
    i32 input[BYTE_INPUTS + 1];
    u32 node = 1, path = 1;
    for (int i = 7; i >= 0; i--) {
        if (i == 7 || i == 3) {
            path = 1;
            for (int j = 0; j < n; j++)
                slot[j] = slot_of(r, mdl_hash(contexts[j], model << 24 | (i == 3 ? node : 0)));
        }
        i64 sum = 0;
        int known = 0;
        for (int j = 0; j < n; j++) {
            u8 h = slot[j][path];
            input[j] = h ? STRETCH[m->chance[model][j][h] >> 4] : 0;
            known += h != 0;
        }
        i32 *weight = m->byte_weight[model][known];
        for (int j = 0; j < n; j++)
            sum += (i64)weight[j] * input[j];
        input[n] = 256;
        sum += (i64)weight[n] * 256;
        u32 chance = squash(sum >> 16);
        int bit = mdl_bit(r, sixteen(chance), value >> i & 1);
        i32 error = ((bit << 12) - (i32)chance) * BYTE_RATE;
        for (int j = 0; j <= n; j++)
            weight[j] += (input[j] * error + 0x2000) >> 14;
        for (int j = 0; j < n; j++) {
            history = &slot[j][path];
            u16 *learned = &m->chance[model][j][*history];
            *learned = (u16)(*learned + (((bit ? 65535 : 0) - (i32)*learned) >> HISTORY_SHIFT));
            *history = NEXT[2 * *history + bit];
        }
        node = node << 1 | (u32)bit;
        path = path << 1 | (u32)bit;
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

/* Operands of ARM Thumb code and address words: what they were, and what they should be after the move.
 *
 * A branch holds the distance to its target. If the target moved by the map, and the branch moved by its cover, the new
 * distance is known. The same goes for literal loads, for pointers into the image, for MOVW/MOVT pairs. A word that points
 * into RAM moved as its neighbours did. What an old target became is remembered: it becomes the same the next time.
 *
 * Source: ARM Architecture Reference Manual, ARMv7-M, A7.7 (encodings).
 */
#include "internal.h"

enum { BEHIND = 4096 };     /* targets so far behind the image move with it */
enum { PAIR_REACH = 16 }; /* halfwords between MOVW and MOVT */
enum { IN_RAM, FAR_AWAY };
enum { OFF_NEAR = 9, OFF_PAGE = 10, NEAR_BITS = 10, PAGE_BITS = 16 }; /* how wrong the map is about addresses */
enum { FAR_SHIFT = 0x100000 }; /* words that moved farther did not just move */
enum { SEEN_BRANCH = 1, SEEN_POINTER, SEEN_RAM, SEEN_MOVE };

static i32 extend(u32 value, int bits) {
    return (i32)(value << (32 - bits)) >> (32 - bits);
}

int mdl_is_wide(u32 a) {
    return (a & 0xF800) == 0xE800 || (a & 0xF000) == 0xF000;
}

u32 mdl_kind(u32 a, u32 b) {
    if (mdl_is_wide(a)) {
        if ((a & 0xF800) == 0xF000) {
            if ((b & 0xD000) == 0xD000 || (b & 0xD000) == 0xC000 || (b & 0xD000) == 0x9000)
                return CALL;
            if ((b & 0xD000) == 0x8000 && (a >> 6 & 15) < 14)
                return BRANCH_WIDE;
            if (!(b & 0x8000) && (a & 0xFBF0) == 0xF240)
                return MOVE_LOW;
            if (!(b & 0x8000) && (a & 0xFBF0) == 0xF2C0)
                return MOVE_HIGH;
        }
        return (a & 0xFF7F) == 0xF85F ? LOAD_WIDE : PLAIN;
    }
    switch (a >> 11) {
    case 0x09: return LOAD;
    case 0x14: return ADDRESS;
    case 0x1A:
    case 0x1B: return (a >> 8 & 15) < 14 ? BRANCH_IF : PLAIN;
    case 0x1C: return BRANCH;
    default: return (a & 0xF500) == 0xB100 ? BRANCH_ZERO : PLAIN;
    }
}

/* What the distance counts from: the instruction and four bytes; a load, and a call of ARM code, from the word in which that is. */
u32 mdl_counter(u32 base, u32 kind, u32 b, u32 at) {
    u32 odd = base & 2;
    int from_word = kind == LOAD || kind == LOAD_WIDE || kind == ADDRESS || (kind == CALL && (b & 0xD000) == 0xC000);
    return from_word ? ((at + 4 + odd) & ~3u) - odd : at + 4;
}

i32 mdl_distance(u32 kind, u32 a, u32 b) {
    u32 s = a >> 10 & 1, j1 = b >> 13 & 1, j2 = b >> 11 & 1;
    switch (kind) {
    case CALL: return extend(s << 24 | (j1 ^ s ^ 1) << 23 | (j2 ^ s ^ 1) << 22 | (a & 0x3FF) << 12 | (b & 0x7FF) << 1, 25);
    case BRANCH_WIDE: return extend(s << 20 | j2 << 19 | j1 << 18 | (a & 0x3F) << 12 | (b & 0x7FF) << 1, 21);
    case LOAD_WIDE: return a & 0x80 ? (i32)(b & 0xFFF) : -(i32)(b & 0xFFF);
    case LOAD:
    case ADDRESS: return (i32)(a & 255) * 4;
    case BRANCH: return extend((a & 0x7FF) << 1, 12);
    case BRANCH_IF: return extend((a & 255) << 1, 9);
    default: return (i32)((a >> 9 & 1) << 6 | (a >> 3 & 31) << 1);
    }
}

static u32 with_distance(u32 kind, u32 a, u32 b, i32 distance_) {
    u32 d = (u32)distance_;
    u32 s = d >> 24 & 1;
    switch (kind) {
    case CALL:
        return ((a & 0xF800) | s << 10 | (d >> 12 & 0x3FF))
            | ((b & 0xD000) | ((d >> 23 & 1) ^ s ^ 1) << 13 | ((d >> 22 & 1) ^ s ^ 1) << 11 | (d >> 1 & 0x7FF)) << 16;
    case BRANCH_WIDE:
        return ((a & 0xFBC0) | (d >> 20 & 1) << 10 | (d >> 12 & 0x3F))
            | ((b & 0xD000) | (d >> 18 & 1) << 13 | (d >> 19 & 1) << 11 | (d >> 1 & 0x7FF)) << 16;
    case LOAD_WIDE:
        return ((a & 0xFF7F) | (distance_ >= 0 ? 0x80u : 0)) | ((b & 0xF000) | ((distance_ < 0 ? 0u - d : d) & 0xFFF)) << 16;
    case LOAD:
    case ADDRESS: return (a & 0xFF00) | (d >> 2 & 255);
    case BRANCH: return (a & 0xF800) | (d >> 1 & 0x7FF);
    case BRANCH_IF: return (a & 0xFF00) | (d >> 1 & 255);
    default: return (a & 0xFD07) | (d >> 6 & 1) << 9 | (d >> 1 & 31) << 3;
    }
}

static u32 immediate(u32 a, u32 b) {
    return (a & 15) << 12 | (a >> 10 & 1) << 11 | (b >> 12 & 7) << 8 | (b & 255);
}

static u32 with_immediate(u32 a, u32 b, u32 v) {
    return ((a & 0xFBF0) | (v >> 12 & 15) | (v >> 11 & 1) << 10) | ((b & 0x8F00) | (v >> 8 & 7) << 12 | (v & 255)) << 16;
}

/* ---- what was seen ---- */

static u32 *recall(pair *table, u32 size, u32 value, u32 what) {
    pair *p = &table[mdl_hash(value, what) & (size - 1)];
    return p->key == (value ^ what << 28) + 1 ? &p->value : NULL;
}

static void remember(pair *table, u32 size, u32 value, u32 what, u32 became) {
    pair *p = &table[mdl_hash(value, what) & (size - 1)];
    p->key = (value ^ what << 28) + 1;
    p->value = became;
}

/* How its neighbours outside the image moved; gives what was found, and the number of shifts from bit 8 on. */
static u32 neighbours(run *r, u32 what, u32 value, u32 shift[3]) {
    u32 n = 0, found = 0, *p;
    if ((p = recall(r->c->near_seen, NEAR_SEEN, value >> 5, 4 * what + 1)))
        shift[n++] = *p, found |= 2;
    if ((p = recall(r->c->near_seen, NEAR_SEEN, value >> 8, 4 * what + 2)))
        shift[n++] = *p, found |= 4;
    shift[n++] = r->c->last_shift[what];
    return found | n << 8;
}

static void neighbour_moved(run *r, u32 what, u32 value, u32 shift) {
    r->c->last_shift[what] = shift;
    remember(r->c->near_seen, NEAR_SEEN, value >> 5, 4 * what + 1, shift);
    remember(r->c->near_seen, NEAR_SEEN, value >> 8, 4 * what + 2, shift);
}

/* By how much the map was wrong about addresses near this one: another part of the image may run elsewhere. */
static u32 off_map(run *r, u32 value) {
    u32 *off = recall(r->c->near_seen, NEAR_SEEN, value >> NEAR_BITS, OFF_NEAR);
    if (!off)
        off = recall(r->c->near_seen, NEAR_SEEN, value >> PAGE_BITS, OFF_PAGE);
    return off ? *off : r->c->last_off;
}

static void was_off(run *r, u32 value, u32 off) {
    r->c->last_off = off;
    remember(r->c->near_seen, NEAR_SEEN, value >> NEAR_BITS, OFF_NEAR, off);
    remember(r->c->near_seen, NEAR_SEEN, value >> PAGE_BITS, OFF_PAGE, off);
}

/* ---- guesses ---- */

static void guess(operand *o, u32 value) {
    for (u32 i = 0; i < o->guesses; i++)
        if (o->guess[i] == value)
            return;
    if (o->guesses < MAX_GUESSES)
        o->guess[o->guesses++] = value;
}

/* Where an offset of the old image went: one offset, or two when it lies between covers. */
static u32 moved(run *r, operand *o, u32 target, u32 to[2]) {
    u32 odd = target & 1;
    if (mdl_map(r, target - odd, &to[0], &to[1])) {
        to[0] += odd;
        o->source |= 2;
        return 1;
    }
    to[0] += odd;
    to[1] += odd;
    o->source |= to[0] == to[1] ? 4 : 6;
    return 2;
}

static void guess_branch(run *r, operand *o, u32 a, u32 b, u32 old_pc, u32 new_pc) {
    u32 target = old_pc + (u32)mdl_distance(o->kind, a, b), to[4], n = 0, *known = NULL;
    o->value = target;
    if (o->bytes == 4 && o->kind != LOAD_WIDE && (known = recall(r->c->seen, SEEN, target, SEEN_BRANCH)))
        to[n++] = *known, o->source = 1;
    if (target < r->c->old_bytes + BEHIND)
        n += moved(r, o, target, to + n);
    else if (o->kind == CALL) {
        u32 shift[3], found = neighbours(r, FAR_AWAY, target, shift);
        o->source |= found & 6;
        for (u32 i = 0; i < found >> 8 && n < 3; i++)
            to[n++] = target + shift[i];
    } else {
        to[n++] = target;
    }
    for (u32 i = 0; i < n; i++)
        guess(o, with_distance(o->kind, a, b, (i32)(to[i] - new_pc)));
}

/* Where an address in the image went: by the map and what it was wrong by nearby, then by the map alone. */
static u32 address_moved(run *r, operand *o, u32 address, u32 to[3]) {
    u32 base = r->c->head.base, n = moved(r, o, address - base, to + 1);
    for (u32 i = 1; i <= n; i++)
        to[i] += base;
    o->mapped = to[1];
    to[0] = to[1] + off_map(r, address);
    return n + 1;
}

static void guess_word(run *r, operand *o, u32 word) {
    u32 to[3], *known;
    o->value = word;
    if ((known = recall(r->c->seen, SEEN, word, o->kind == POINTER ? SEEN_POINTER : SEEN_RAM)))
        guess(o, *known), o->source = 1;
    if (o->kind == POINTER) {
        u32 n = address_moved(r, o, word, to);
        for (u32 i = 0; i < n; i++)
            guess(o, to[i]);
    } else {
        u32 shift[3], found = neighbours(r, IN_RAM, word, shift);
        o->source |= found & 6;
        for (u32 i = 0; i < found >> 8; i++)
            guess(o, word + shift[i]);
    }
}

/* The other half of a MOVW/MOVT pair, with the same register. */
static int find_pair(run *r, u32 old, u32 a, u32 b, u32 kind, u32 *value) {
    u32 reg = b >> 8 & 15;
    for (u32 i = 2; i < PAIR_REACH; i++) {
        if (kind == MOVE_HIGH ? old < 2 * i : old + 2 * i + 4 > r->c->old_bytes)
            return 0;
        u32 word = mdl_old(r, kind == MOVE_HIGH ? old - 2 * i : old + 2 * i), x = word & 0xFFFF, y = word >> 16;
        if ((y & 0x8000) || (y >> 8 & 15) != reg)
            continue;
        if (kind == MOVE_LOW && (x & 0xFBF0) == 0xF2C0)
            return *value = immediate(x, y) << 16 | immediate(a, b), 1;
        if ((x & 0xFBF0) == 0xF240)
            return kind == MOVE_HIGH ? (*value = immediate(a, b) << 16 | immediate(x, y), 1) : 0;
    }
    return 0;
}

static void guess_move(run *r, operand *o, u32 a, u32 b, u32 old) {
    u32 value, to[4], n = 0, *known, base = r->c->head.base;
    o->value = 0;
    if (!find_pair(r, old, a, b, o->kind, &value)) {
        o->source = 7;
        return;
    }
    o->value = value;
    if ((known = recall(r->c->seen, SEEN, value, SEEN_MOVE)))
        to[n++] = *known, o->source = 1;
    if (value >= base && value - base < r->c->old_bytes)
        n += address_moved(r, o, value, to + n);
    else {
        u32 shift[3];
        o->source |= neighbours(r, IN_RAM, value, shift) & 6;
        to[n++] = value + shift[0];
    }
    for (u32 i = 0; i < n; i++)
        guess(o, with_immediate(a, b, o->kind == MOVE_LOW ? to[i] & 0xFFFF : to[i] >> 16));
}

static int is_ram(const codec *c, u32 word) {
    for (u32 i = 0; i < c->head.ranges; i++)
        if (word >= c->range_low[i] && word < c->range_high[i])
            return 1;
    return 0;
}

/* What stands at ``old`` and what it should be at ``place``; kind PLAIN: no operand. Gives whether it is 32 bits wide. */
u32 mdl_operand(run *r, u32 old, u32 place, u32 left, operand *o) {
    codec *c = r->c;
    u32 word = mdl_old(r, old), a = word & 0xFFFF, b = word >> 16;
    memset(o, 0, sizeof *o);
    o->place = place;
    o->bytes = 4;
    int has_word = left >= 4 && old + 4 <= c->old_bytes;
    if (!(c->head.flags & FLAG_THUMB))
        return 0;
    if (has_word && !((c->head.base + old) & 3)) {
        if (word >= c->head.base && word - c->head.base < c->old_bytes)
            o->kind = POINTER;
        else if (is_ram(c, word))
            o->kind = RAM_WORD;
        if (o->kind) {
            guess_word(r, o, word);
            guess(o, word);
            return 1;
        }
    }
    if (!has_word)
        return mdl_is_wide(a);
    o->kind = mdl_kind(a, b);
    o->bytes = mdl_is_wide(a) ? 4 : 2;
    switch (o->kind) {
    case PLAIN: break;
    case MOVE_LOW:
    case MOVE_HIGH: guess_move(r, o, a, b, old); break;
    default: guess_branch(r, o, a, b, mdl_counter(c->head.base, o->kind, b, old), mdl_counter(c->head.base, o->kind, b, place));
    }
    if (o->kind)
        guess(o, o->bytes == 4 ? word : a);
    return mdl_is_wide(a);
}

/* Remember what it became. */
void mdl_operand_seen(run *r, const operand *o, u32 actual) {
    codec *c = r->c;
    u32 a = actual & 0xFFFF, b = actual >> 16;
    u32 became;
    int was_first = o->guess[0] == actual;
    switch (o->kind) {
    case CALL:
    case BRANCH_WIDE:
        became = mdl_counter(c->head.base, o->kind, b, o->place) + (u32)mdl_distance(o->kind, a, b);
        if (!was_first)
            remember(c->seen, SEEN, o->value, SEEN_BRANCH, became);
        if (o->kind == CALL && o->value >= c->old_bytes + BEHIND)
            neighbour_moved(r, FAR_AWAY, o->value, became - o->value);
        break;
    case POINTER:
        if (!was_first)
            remember(c->seen, SEEN, o->value, SEEN_POINTER, actual);
        was_off(r, o->value, actual - o->mapped);
        break;
    case RAM_WORD:
        if (!was_first)
            remember(c->seen, SEEN, o->value, SEEN_RAM, actual);
        if (actual - o->value + FAR_SHIFT < 2 * FAR_SHIFT)
            neighbour_moved(r, IN_RAM, o->value, actual - o->value);
        break;
    case MOVE_LOW:
        if (o->value) {
            became = (o->value & 0xFFFF0000u) | immediate(a, b);
            if (!was_first)
                remember(c->seen, SEEN, o->value, SEEN_MOVE, became);
            if (o->value < c->head.base || o->value - c->head.base >= c->old_bytes)
                neighbour_moved(r, IN_RAM, o->value, became - o->value);
            else
                was_off(r, o->value, became - o->mapped);
        }
        break;
    default: break;
    }
}

/* Target of a call in the new image, or NO_TARGET. */
u32 mdl_call_target(u32 place, u32 a, u32 b) {
    return mdl_is_wide(a) && mdl_kind(a, b) == CALL && (b & 0xD000) == 0xD000 ? place + 4 + (u32)mdl_distance(CALL, a, b) : NO_TARGET;
}

u32 mdl_call_to(u32 place, u32 target) {
    return with_distance(CALL, 0xF000, 0xD000, (i32)(target - place - 4));
}

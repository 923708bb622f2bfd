/* The stream's units: one halfword or one 32-bit operand at a time.
 *
 *     in a cover   operand     which guess is right, else its bytes
 *                  halfword    as the old one, else its bytes
 *     else         fresh       its bytes; a call's target may be one called before
 *
 * The high byte of a halfword goes first: it tells more about the low one than the other way round.
 */
#include "internal.h"

enum { CLASS_SECOND = 32 }; /* classes of halfwords: by the operation, or second ones by the first's */
enum { SET_PLAIN = OPERAND_SETS, SET_CALL = OPERAND_SETS + PLAIN_SETS };

u32 mdl_call_target(u32 place, u32 a, u32 b);
u32 mdl_call_to(u32 place, u32 target);

static u32 id(u32 number, u32 value) {
    return mdl_hash(number, value);
}

static u32 at_most(u32 value, u32 limit) {
    return value < limit ? value : limit;
}

/* Where an offset in the order of the stream lies in the image. */
u32 mdl_place(const codec *c, u32 at) {
    if (!(c->head.flags & FLAG_DESCENDING))
        return at;
    u32 block = (u32)1 << c->head.log_block, count = (c->new_bytes + block - 1) >> c->head.log_block;
    u32 first = c->new_bytes - (count - 1) * block;
    first += first & 1;
    if (at < first || count == 1)
        return (count - 1) * block + at;
    u32 number = (at - first) >> c->head.log_block;
    return number > count - 2 ? c->new_bytes : (count - 2 - number) * block + ((at - first) & (block - 1));
}

/* Bytes of the image from here to the end of the run that lies as the stream does. */
u32 mdl_block_left(const codec *c, u32 at) {
    u32 place = mdl_place(c, at), end = c->new_bytes;
    if (c->head.flags & FLAG_DESCENDING) {
        u32 block = (u32)1 << c->head.log_block, next = (place & ~(block - 1)) + block;
        end = next < end ? next : end;
    }
    return end > place ? end - place : 0;
}

/* Four bytes of the old image; zeros behind its end. */
u32 mdl_old(run *r, u32 at) {
    codec *c = r->c;
    u32 word = 0;
    for (u32 i = 0; i < 4 && at + i < c->old_bytes; i++) {
        u32 x = at + i;
        if (x - c->window_at >= c->window_bytes) {
            c->window_at = x & ~(u32)(OLD_WINDOW - 1);
            c->window_bytes = c->old_bytes - c->window_at < OLD_WINDOW ? c->old_bytes - c->window_at : OLD_WINDOW;
            if (r->io->read_old(r->io->context, c->window_at, c->window, c->window_bytes)) {
                r->error = MDL_BAD_IO;
                c->window_bytes = 0;
                return 0;
            }
        }
        word |= (u32)c->window[x - c->window_at] << (8 * i);
    }
    return word;
}

static u32 actual(const run *r, u32 place, u32 bytes) {
    u32 word = 0;
    for (u32 i = 0; i < bytes && place + i < r->c->new_bytes; i++)
        word |= (u32)r->w->fresh[place + i] << (8 * i);
    return word;
}

/* ---- bytes ---- */

static u32 operand_bytes(run *r, const operand *o, u32 value) {
    u32 got = 0, h1 = r->c->h1;
    for (u32 q = 0; q < o->bytes; q += 2) {
        u32 was = o->guess[0] >> (8 * q) & 0xFFFF, k = o->kind;
        u32 high[] = {id(20 + k, q << 16 | was >> 8), id(61, was >> 8 | q << 20), id(100 + k, q), id(65, h1 >> 8 | q << 16),
                      id(80 + k, h1), id(63, was)};
        u32 a = (u32)mdl_byte(r, MODEL_OPERAND_HIGH, high, 4, 2, value >> (8 * q + 8) & 255);
        u32 low[] = {id(120 + k, q << 16 | a), id(72, (was & 255) << 8 | a), id(140 + k, q), id(75, (was & 255) << 4 | q),
                     id(71, was << 8 | a), id(73, h1 << 8 | a)};
        u32 b = (u32)mdl_byte(r, MODEL_OPERAND_LOW, low, 4, 2, value >> (8 * q) & 255);
        got |= (a << 8 | b) << (8 * q);
    }
    return got;
}

/* A halfword that is another one: it may have changed as the last one of its class did, or be the one behind it. */
static u32 changed_bytes(run *r, u32 was, u32 behind, u32 class, u32 value) {
    codec *c = r->c;
    u32 h1 = c->h1, like = (was + c->change[class]) & 0xFFFF;
    u32 high[] = {id(90, was >> 8 | h1 >> 8 << 8), id(92, was >> 8), id(94, h1 >> 8), id(86, like >> 8),
                  id(91, was), id(93, h1), id(95, mdl_hash(c->h2, h1))};
    u32 a = (u32)mdl_byte(r, MODEL_CHANGED_HIGH, high, 4, 3, value >> 8), same = a == was >> 8;
    u32 low[] = {id(97, a), id(171, same << 8 | (was & 255)), id(170, (behind & 255) << 1 | (a == behind >> 8)),
                 id(87, (like & 255) << 1 | (a == like >> 8)),
                 id(98, (was & 255) << 9 | same << 8 | a), id(96, was << 1 | same), id(99, h1 << 8 | a)};
    u32 is = a << 8 | (u32)mdl_byte(r, MODEL_CHANGED_LOW, low, 4, 3, value & 255);
    c->change[class] = (u16)(is - was);
    return is;
}

static u32 fresh_high(run *r, u32 place, u32 value) {
    u32 h1 = r->c->h1, h2 = r->c->h2, s = r->c->is_open;
    u32 high[] = {id(110, h1 >> 8 | s << 8), id(113, h2 >> 8 << 8 | h1 >> 8 | s << 16), id(114, (place & 2) | s),
                  id(111, h1 | s << 16), id(112, h2 >> 8 << 16 | h1)};
    return (u32)mdl_byte(r, MODEL_FRESH_HIGH, high, 3, 2, value);
}

static u32 fresh_low(run *r, u32 a, u32 value) {
    u32 h1 = r->c->h1, h2 = r->c->h2, s = r->c->is_open;
    u32 low[] = {id(116, a | s << 8), id(160, h1 >> 8 << 8 | a | s << 16),
                 id(117, (h1 & 255) << 8 | a), id(118, h1 << 8 | a), id(119, (h2 & 255) << 8 | a)};
    return (u32)mdl_byte(r, MODEL_FRESH_LOW, low, 2, 3, value);
}

/* ---- units ---- */

static void called(codec *c, u32 target) {
    u32 at = 0;
    while (at < c->calls && c->call[at] != target)
        at++;
    if (at == c->calls) {
        if (c->calls < CALLS)
            c->calls++;
        at = c->calls - 1;
    }
    memmove(c->call + 1, c->call, at * sizeof(u32));
    c->call[0] = target;
}

/* Which guess is right; ``guesses`` when none is. */
static u32 which_guess(run *r, const operand *o, u32 left, u32 begun, u32 value) {
    codec *c = r->c;
    u32 k = o->kind, s = o->source, z = 0;
    for (; z < o->guesses; z++) {
        u32 near = begun < 64 ? begun / 4 : 16 + at_most(left / 4, 16);
        u32 contexts[6] = {id(50, k << 12 | (z * 64 + o->guesses * 8 + s)), id(51, k << 24 | z << 16 | (c->kind_past[k] & 0xFF) << 8 | s),
                           id(52, z << 16 | (c->misses & 0xFF) << 8 | s), id(53, at_most(c->run, 15) << 8 | k | z << 16),
                           id(54, z << 24 | s << 20 | k << 16 | (c->kind_past[k] & 15) << 4 | (c->misses & 15)),
                           id(55, near | z << 8 | s << 12)};
        if (mdl_flag(r, k * 4 + z, contexts, 6, o->guess[z] == value))
            break;
    }
    return z;
}

static u32 operand_unit(run *r, const operand *o, u32 left, u32 begun) {
    codec *c = r->c;
    u32 value = r->w ? actual(r, o->place, o->bytes) : 0;
    mdl_category(r, SPENT_GUESS + (int)o->kind);
    u32 hit = which_guess(r, o, left, begun, value);
    if (hit < o->guesses) {
        value = o->guess[hit];
    } else {
        mdl_category(r, SPENT_OPERAND + (int)o->kind);
        value = operand_bytes(r, o, value);
    }
    c->kind_past[o->kind] = c->kind_past[o->kind] << 2 | (hit == o->guesses ? 3 : hit > 2 ? 2 : hit);
    c->misses = c->misses << 1 | (hit != 0);
    c->run = hit ? 0 : c->run + 1;
    u32 target = o->kind == CALL ? mdl_call_target(o->place, value & 0xFFFF, value >> 16) : NO_TARGET;
    if (target != NO_TARGET)
        called(c, target);
    mdl_operand_seen(r, o, value);
    return value;
}

static u32 plain_unit(run *r, u32 word, u32 place, u32 begun) {
    codec *c = r->c;
    u32 was = word & 0xFFFF, value = r->w ? actual(r, place, 2) : 0, run_ = c->run;
    u32 class = c->is_second ? CLASS_SECOND + (c->h1 >> 8 & 15) : was >> 11;
    u32 contexts[6] = {id(180, at_most(run_, 40)), id(181, c->misses & 0xFFF), id(182, was >> 8 | at_most(run_, 3) << 8),
                       id(183, was | (run_ > 0) << 16), id(184, c->h1 >> 8 | (c->misses & 3) << 8),
                       id(185, at_most(begun / 2, 63) | (c->misses & 3) << 6)};
    mdl_category(r, SPENT_SAME);
    int is_same = mdl_flag(r, SET_PLAIN + at_most(run_, 15), contexts, 6, value == was);
    c->misses = c->misses << 1 | !is_same;
    c->run = is_same ? run_ + 1 : 0;
    mdl_category(r, SPENT_CHANGED);
    return is_same ? was : changed_bytes(r, was, word >> 16, class, value);
}

static u32 fresh_unit(run *r, u32 place, u32 room, u32 *bytes) {
    codec *c = r->c;
    u32 value = r->w ? actual(r, place, 4) : 0;
    mdl_category(r, SPENT_FRESH_HIGH);
    u32 a = fresh_high(r, place, value >> 8 & 255);
    c->run = 0;
    c->misses <<= 1;
    *bytes = 2;
    mdl_category(r, SPENT_KNOWN_CALL);
    if ((c->head.flags & FLAG_THUMB) && (a & 0xF8) == 0xF0 && room >= 4) {
        u32 target = r->w ? mdl_call_target(place, value & 0xFFFF, value >> 16) : 0, at = 0;
        while (r->w && at < c->calls && c->call[at] != target)
            at++;
        u32 contexts[2] = {id(190, a), id(191, c->h1 >> 8)};
        if (mdl_flag(r, SET_CALL, contexts, 2, r->w && target != NO_TARGET && at < c->calls && mdl_call_to(place, target) == value)) {
            at = mdl_number(r, &c->models.number[NUMBER_CALL], at);
            if (at >= c->calls) {
                r->error = MDL_BAD_STREAM;
                return 0;
            }
            target = c->call[at];
            called(c, target);
            *bytes = 4;
            return mdl_call_to(place, target);
        }
    }
    mdl_category(r, SPENT_FRESH_LOW);
    return a << 8 | fresh_low(r, a, value & 255);
}

/* The next unit: its bytes, and how many. */
int mdl_unit(run *r, u8 out[4]) {
    codec *c = r->c;
    if (c->has_cover && c->at >= c->now.fresh + c->now.bytes) {
        if (mdl_cover_next(r, &c->now))
            return 0;
        c->has_cover = c->now.bytes != 0;
        c->is_second = 0;
    }
    u32 place = mdl_place(c, c->at), room = mdl_block_left(c, c->at), bytes = 2, value, step;
    if (!room) {
        r->error = MDL_BAD_STREAM;
        return 0;
    }
    if (c->has_cover && c->at >= c->now.fresh) {
        u32 begun = c->at - c->now.fresh, old = c->now.old + begun, left = c->now.bytes - begun;
        operand o;
        o.kind = PLAIN;
        u32 wide = 0;
        if (!c->is_second && !(old & 1) && room >= 4)
            wide = mdl_operand(r, old, place, left, &o);
        if (o.kind) {
            value = operand_unit(r, &o, left, begun);
            bytes = o.bytes;
            c->is_second = 0;
        } else {
            value = plain_unit(r, mdl_old(r, old), place, begun);
            c->is_second = !c->is_second && wide;
        }
    } else {
        u32 gap = c->has_cover ? c->now.fresh - c->at : room;
        value = fresh_unit(r, place, gap < room ? gap : room, &bytes);
    }
    for (u32 i = 0; i < bytes; i++)
        out[i] = (u8)(value >> (8 * i));
    for (u32 i = 0; i < bytes; i += 2) {
        c->h2 = c->h1;
        c->h1 = value >> (8 * i) & 0xFFFF;
        c->is_open = !c->is_open && mdl_is_wide(c->h1);
    }
    step = bytes;
    if (room < bytes)
        bytes = room; /* the last byte of an odd image */
    c->at += step;
    return (int)bytes;
}

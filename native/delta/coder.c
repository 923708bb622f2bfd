/* The arithmetic coder: an interval of 32 bits that every bit narrows by its chance.
 *
 *     low ........ middle | middle + 1 ........ high
 *        bit is 1                 bit is 0
 *
 * A chance is that of a 1, of 65536, never 0. Once low and high agree in their first byte, that byte is settled.
 */
#include "internal.h"

enum { MAX_OVERRUN = 8 }; /* four that the writer leaves out, four that the reader looks ahead */

static u32 middle(u32 low, u32 high, u32 chance16) {
    u32 span = high - low;
    return low + (span >> 16) * chance16 + (((span & 0xffff) * chance16) >> 16);
}

static u8 next_byte(run *r, source *s) {
    if (s->at >= s->end) { /* the writer leaves out bytes that do not matter; more than a few are missing ones */
        if (++s->overrun > MAX_OVERRUN)
            r->error = MDL_BAD_STREAM;
        return 0;
    }
    if (s->at - s->buffer_at >= s->buffer_bytes) {
        u32 n = s->end - s->at;
        if (n > sizeof s->buffer)
            n = sizeof s->buffer;
        s->buffer_at = s->at;
        s->buffer_bytes = n;
        if (r->io->read_patch(r->io->context, s->at, s->buffer, n)) {
            r->error = MDL_BAD_IO;
            s->buffer_bytes = 0;
            return 0;
        }
    }
    return s->buffer[s->at++ - s->buffer_at];
}

void mdl_source_open(run *r, source *s, u32 at, u32 end) {
    memset(s, 0, sizeof *s);
    s->high = 0xffffffffu;
    s->at = at;
    s->end = end;
    for (int i = 0; i < 4; i++)
        s->code = s->code << 8 | next_byte(r, s);
}

int mdl_source_bit(run *r, source *s, u32 chance16) {
    u32 m = middle(s->low, s->high, chance16);
    int bit = s->code <= m;
    if (bit)
        s->high = m;
    else
        s->low = m + 1;
    while (!((s->low ^ s->high) & 0xff000000u)) {
        s->low <<= 8;
        s->high = s->high << 8 | 0xff;
        s->code = s->code << 8 | next_byte(r, s);
    }
    return bit;
}

#ifndef MDL_DECODER_ONLY
#include <math.h>

static void put(writer *w, u8 byte) {
    if (w->out_bytes < w->out_room)
        w->out[w->out_bytes] = byte;
    w->out_bytes++;
}

static void write_bit(writer *w, u32 chance16, int bit) {
    u32 m = middle(w->low, w->high, chance16);
    if (w->cost)
        w->cost[w->category] -= log2((bit ? chance16 : 65536 - chance16) / 65536.0);
    if (bit)
        w->high = m;
    else
        w->low = m + 1;
    while (!((w->low ^ w->high) & 0xff000000u)) {
        put(w, (u8)(w->high >> 24));
        w->low <<= 8;
        w->high = w->high << 8 | 0xff;
    }
}

/* The interval's last bytes; a reader takes missing ones for zero. */
void mdl_writer_end(writer *w) {
    for (u32 low = w->low, n = 0; n < 4; n++) { /* the shortest number inside: all zeros behind the first byte, if possible */
        u32 keep = 0xffffffffu << (24 - 8 * n), x = low + ~keep;
        if (x < low)
            x = 0xffffffffu;
        x &= keep;
        if (x >= low && x <= w->high) {
            for (u32 i = 0; i <= n; i++)
                put(w, (u8)(x >> (24 - 8 * i)));
            break;
        }
    }
    for (u32 n = 0; n < 4 && w->out_bytes && w->out_bytes <= w->out_room && !w->out[w->out_bytes - 1]; n++)
        w->out_bytes--;
}
#endif

/* What the next bits are for. */
void mdl_category(run *r, int number) {
    if (r->w)
        r->w->category = number;
}

/* One bit: written when there is a writer, else read. */
int mdl_bit(run *r, u32 chance16, int bit) {
#ifndef MDL_DECODER_ONLY
    if (r->w) {
        write_bit(r->w, chance16, bit);
        return bit;
    }
#else
    (void)bit;
#endif
    return mdl_source_bit(r, r->from, chance16);
}

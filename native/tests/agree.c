/* The whole way on one machine: views, search, encoding, decoding. Built by several compilers, whose streams must agree.
 *
 *     agree OLD NEW STREAM BASE FIRST END
 *
 * BASE is the load address, FIRST and END the range of RAM words. Writes STREAM; ends with 0 when decoding gave NEW.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../delta/encode.h"
#include "../delta/search.h"

enum { ROOM = 1 << 20 };
static u8 old[ROOM + 8], fresh[ROOM + 8], left[ROOM + 8], right[ROOM + 8], kinds[2][ROOM], out[ROOM], given[ROOM];
static i32 suffixes[ROOM];
static u32 old_bytes, new_bytes, out_bytes;

static u32 file(const char *name, u8 *to) {
    FILE *f = fopen(name, "rb");
    if (!f)
        exit(2);
    u32 bytes = (u32)fread(to, 1, ROOM, f);
    fclose(f);
    return bytes;
}

static int by_text(const void *a, const void *b) {
    u32 x = (u32)*(const i32 *)a, y = (u32)*(const i32 *)b, n = old_bytes - (x > y ? x : y);
    int order = memcmp(left + x, left + y, n);
    return order ? order : x > y ? -1 : 1; /* the shorter one is a beginning of the other */
}

static u32 search(cover *covers, u32 limit) {
    static const mdl_costs COSTS = {190, 230, 120, 40, 1, 16, 500, 300};
    for (u32 i = 0; i < old_bytes; i++)
        suffixes[i] = (i32)i;
    qsort(suffixes, old_bytes, sizeof *suffixes, by_text);
    i32 count = mdl_search(left, old_bytes, right, new_bytes, suffixes, &COSTS, covers, ROOM / 64);
    if (count < 0 || mdl_choose_map(covers, (u32)count, old_bytes, limit) < 0)
        exit(3);
    return (u32)count;
}

static int read_old(void *context, u32 at, u8 *to, u32 n) {
    (void)context;
    memcpy(to, old + at, n);
    return 0;
}

static int read_patch(void *context, u32 at, u8 *to, u32 n) {
    (void)context;
    memcpy(to, out + at, n);
    return 0;
}

static int decode(void) {
    mdl_io io = {NULL, read_old, read_patch, old_bytes, out_bytes, new_bytes};
    u32 need;
    if (mdl_delta_need(&io, &need))
        return 1;
    void *ram = malloc(need);
    int error = !ram || mdl_delta_begin(ram, need, &io) || mdl_delta_read(ram, &io, given, new_bytes);
    free(ram);
    return error || memcmp(given, fresh, new_bytes);
}

int main(int arguments, char **argument) {
    static cover covers[ROOM / 64];
    static double cost[MDL_CATEGORIES];
    if (arguments != 7)
        return 2;
    old_bytes = file(argument[1], old);
    new_bytes = file(argument[2], fresh);
    mdl_choice choice = {.base = (u32)strtoul(argument[4], NULL, 0), .flags = FLAG_THUMB, .slot_kib = 8, .log_flags = 10, .log_block = 12,
                         .ranges = 1, .range = {{(u32)strtoul(argument[5], NULL, 0), (u32)strtoul(argument[6], NULL, 0)}}};
    const u32(*range)[2] = (const u32(*)[2])choice.range;
    mdl_classify(old, old_bytes, choice.base, old_bytes, range, 1, kinds[0]);
    mdl_classify(fresh, new_bytes, choice.base, old_bytes, range, 1, kinds[1]);
    mdl_blank(old, old_bytes, kinds[0], left);
    mdl_blank(fresh, new_bytes, kinds[1], right);
    choice.covers = search(covers, 0xffff);
    if (mdl_resolve(old, old_bytes, kinds[0], choice.base, covers, choice.covers, fresh, new_bytes, left)
        || mdl_resolve(fresh, new_bytes, kinds[1], choice.base, NULL, 0, NULL, 0, right))
        return 4;
    choice.covers = search(covers, 1000);
    out_bytes = mdl_encode(old, old_bytes, fresh, new_bytes, covers, &choice, out, ROOM, cost);
    if (!out_bytes || decode())
        return 5;
    FILE *f = fopen(argument[3], "wb");
    return !f || fwrite(out, 1, out_bytes, f) != out_bytes || fclose(f) ? 6 : 0;
}

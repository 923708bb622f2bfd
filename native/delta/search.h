/* The search for covers; host only. */
#ifndef MDL_SEARCH_H
#define MDL_SEARCH_H

#include "internal.h"

/* Costs in sixteenths of a bit. */
typedef struct {
    i32 fresh;     /* a halfword outside covers */
    i32 miss;      /* a halfword of a cover that differs */
    i32 near_miss; /* one of which only the low byte differs */
    i32 again;     /* a miss behind a miss costs so much more */
    i32 hit;       /* a halfword of a cover that does not differ */
    i32 hit_after; /* likewise, behind a miss */
    i32 moved;     /* a cover with a new shift */
    i32 kept;      /* a cover with a shift used lately */
} mdl_costs;

/* What stands at each halfword of an image: a kind, or SECOND_HALF. */
enum { SECOND_HALF = 255 };
void mdl_classify(const u8 *image, u32 bytes, u32 base, u32 old_bytes, const u32 (*range)[2], u32 ranges, u8 *kinds);

/* The image with its operands taken out. */
void mdl_blank(const u8 *image, u32 bytes, const u8 *kinds, u8 *to);

/* The image with its operands as places in the new image, which is fresh. covers, fresh NULL: it is the new one itself. */
int mdl_resolve(const u8 *image, u32 bytes, const u8 *kinds, u32 base, const cover *covers, u32 count, const u8 *fresh,
                u32 new_bytes, u8 *to);

/* The cheapest covers of fresh by old; suffixes: the suffix array of old. Gives their number, at most room; -1: no memory. */
i32 mdl_search(const u8 *old, u32 old_bytes, const u8 *fresh, u32 new_bytes, const i32 *suffixes, const mdl_costs *costs, cover *covers, u32 room);

/* Choose the covers for the map: long ones first, at most limit, none that is half there already. */
int mdl_choose_map(cover *covers, u32 count, u32 old_bytes, u32 limit);

#endif

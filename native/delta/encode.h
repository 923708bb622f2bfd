/* The encoder's calls; host only. */
#ifndef MDL_ENCODE_H
#define MDL_ENCODE_H

#include "internal.h"



typedef struct {
    u32 base;
    u32 covers;
    u32 flags;
    u32 slot_kib, log_flags, log_block;
    u32 ranges;
    u32 range[MAX_RANGES][2];
} mdl_choice;

u32 mdl_encode(const u8 *old, u32 old_bytes, const u8 *fresh, u32 new_bytes, const cover *covers, const mdl_choice *choice, u8 *out,
               u32 room, double cost[MDL_CATEGORIES]);

#endif

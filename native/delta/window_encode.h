/* The window encoder: for the host only; takes memory as it needs. */
#ifndef MDL_WINDOW_ENCODE_H
#define MDL_WINDOW_ENCODE_H

#include "window.h"

typedef struct {
    uint32_t is_small, slot_kib, log_block; /* log_block 0: no blocks */
    uint32_t prime_at, prime_bytes;
    uint32_t passes;                        /* times that the tokens are chosen */
} mdl_window_choice;

/* The stream; 0 when there is no memory or no room. suffixes: of old and new, one behind the other. spent: parts of 256 of a bit
 * on copy or not, literals, sources, lengths. */
uint32_t mdl_window_encode(const uint8_t *window, uint32_t old_bytes, uint32_t new_bytes, const int32_t *suffixes,
                           const mdl_window_choice *choice, uint8_t *out, uint32_t room, uint64_t spent[4]);

#endif

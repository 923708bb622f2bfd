/* A decoder's RAM, packed for a checkpoint: what differs from the RAM it began with, a byte at a time.
 *
 * Each byte is XORed with the one that stood there when decoding began, and coded bit by bit, high bit first, with a
 * chance that the bits of the byte before it choose. 600 bytes of stack; nothing else is needed.
 *
 * Format: docs/spec/in-place.md.
 */
#ifndef MDL_PACK_H
#define MDL_PACK_H

#include <stdint.h>

/* The packed length; more than room: only room bytes were written. */
uint32_t mdl_pack(const uint8_t *start, const uint8_t *state, uint32_t n, uint8_t *to, uint32_t room);

/* The state from the packed bytes; start and state may be the same. 0, or 1 when the bytes are not exactly those of a state. */
int mdl_unpack(const uint8_t *from, uint32_t bytes, const uint8_t *start, uint8_t *state, uint32_t n);

#endif

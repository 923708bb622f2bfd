/* The delta decoder of Moduline: gives a new image from an old one and a patch, in order, a few bytes at a time.
 *
 * For boot loaders and microcontrollers: C99, no heap, no floating point, no global state. All that must survive a
 * power cut is in the caller's RAM block; save it, and the decoder goes on from there. What is computed is the same on
 * every machine.
 *
 *     uint32_t need;
 *     if (mdl_delta_need(io, &need) == MDL_OK && need <= sizeof ram && mdl_delta_begin(ram, sizeof ram, io) == MDL_OK)
 *         while (mdl_delta_left(ram))
 *             if (mdl_delta_read(ram, io, block, n) != MDL_OK) ...
 *
 * The stream is not trusted: whatever it holds, nothing outside the RAM block is written and reads stay inside the
 * stated sizes. Whether the result is right is for a hash to say.
 *
 * Format: docs/spec/delta-stream.md.
 */
#ifndef MDL_DELTA_H
#define MDL_DELTA_H

#include <stddef.h>
#include <stdint.h>

enum {
    MDL_OK = 0,
    MDL_BAD_STREAM = 1, /* the patch breaks a rule of the format */
    MDL_BAD_RAM = 2,    /* too little RAM, or it holds no decoder */
    MDL_BAD_IO = 3,     /* a callback failed */
    MDL_AT_END = 4      /* more was asked for than there is */
};

/* Where the bytes come from. Both give exactly n bytes and return 0. */
typedef struct mdl_io {
    void *context;
    int (*read_old)(void *context, uint32_t at, uint8_t *to, uint32_t n);
    int (*read_patch)(void *context, uint32_t at, uint8_t *to, uint32_t n);
    uint32_t old_bytes;
    uint32_t patch_bytes;
    uint32_t new_bytes;
} mdl_io;

/* RAM that this patch needs, bytes. */
int mdl_delta_need(const mdl_io *io, uint32_t *need);

/* Begin; ram must be aligned to four bytes. */
int mdl_delta_begin(void *ram, uint32_t ram_bytes, const mdl_io *io);

/* Go on with RAM that was saved after a read, on the same machine; keep a check value beside it: this looks only at what could do harm. */
int mdl_delta_resume(void *ram, uint32_t ram_bytes, const mdl_io *io);

/* The next n bytes of the new image. */
int mdl_delta_read(void *ram, const mdl_io *io, uint8_t *to, uint32_t n);

/* Bytes not given yet. */
uint32_t mdl_delta_left(const void *ram);

#endif

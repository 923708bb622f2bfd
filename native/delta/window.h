/* The window decoder of Moduline: gives a new image from an old one and a patch that copies from the old image and from
 * what it gave before. For scripts, images of file systems, and code that is not ARM.
 *
 * For boot loaders and microcontrollers: C99, no heap, no floating point, no global state. All that must survive a
 * power cut is in the caller's RAM block; save it after a read, and the decoder goes on from there.
 *
 *     uint32_t need;
 *     if (mdl_window_need(io, &need) == MDL_OK && need <= sizeof ram && mdl_window_begin(ram, sizeof ram, io) == MDL_OK)
 *         while (mdl_window_left(ram))
 *             if (mdl_window_read(ram, io, block, n) != MDL_OK) ...
 *
 * What earlier calls of ``mdl_window_read`` gave must be readable by ``read_new``; what the call in hand has given is
 * taken from its own buffer. So ``block`` may be written to flash after each call.
 *
 * The stream is not trusted: whatever it holds, nothing outside the RAM block and the buffer is written, reads stay
 * inside the stated sizes, and the work is bounded by them. Whether the result is right is for a hash to say.
 *
 * Format: docs/spec/window-stream.md.
 */
#ifndef MDL_WINDOW_H
#define MDL_WINDOW_H

#include "mdl_delta.h"

/* Where the bytes come from. All give exactly n bytes and return 0. Offsets of read_new count along the stream. */
typedef struct mdl_window_io {
    void *context;
    int (*read_old)(void *context, uint32_t at, uint8_t *to, uint32_t n);
    int (*read_patch)(void *context, uint32_t at, uint8_t *to, uint32_t n);
    int (*read_new)(void *context, uint32_t at, uint8_t *to, uint32_t n);
    uint32_t old_bytes;
    uint32_t patch_bytes;
    uint32_t new_bytes;
} mdl_window_io;

/* RAM that this patch needs, bytes. */
int mdl_window_need(const mdl_window_io *io, uint32_t *need);

/* Begin; ram must be aligned to four bytes. The first read looks at the part of the old image that the patch learns from. */
int mdl_window_begin(void *ram, uint32_t ram_bytes, const mdl_window_io *io);

/* Go on with RAM that was saved after a read, on the same machine; keep a check value beside it: this looks only at what could do harm. */
int mdl_window_resume(void *ram, uint32_t ram_bytes, const mdl_window_io *io);

/* The next n bytes of the new image. */
int mdl_window_read(void *ram, const mdl_window_io *io, uint8_t *to, uint32_t n);

/* Bytes not given yet. */
uint32_t mdl_window_left(const void *ram);

#endif

/* What the files of the window coder share. Encoder and decoder run the same code; with a writer it writes. */
#ifndef MDL_WINDOW_INTERNAL_H
#define MDL_WINDOW_INTERNAL_H

#include <string.h>

#include "window.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t i32;
typedef uint64_t u64;


enum { W_VERSION = 1, W_MAX_BYTES = 1 << 24, W_MAX_HEAD = 12 };
enum { W_MAX_INPUTS = 11, W_CONTEXTS = 6, W_SMALL_CONTEXTS = 4, W_GUESSES = 4, W_HISTORY_ROOM = 176, W_DISTANCES = 4, W_CACHE = 64, W_ANCHOR_BYTES = 24 };
enum { W_SETS = 3 * (W_CONTEXTS + 1), W_STATES = 8 };
enum { W_HERE_EDGE = 60, W_SOURCE_EDGE = 61 }; /* whether a copy comes: at the edge of a block */

typedef struct {
    u32 prime_at, prime_bytes; /* of the old image: what the models learn from before the first byte */
    u8 is_small, slot_kib, log_block;
    u8 bytes; /* of the head itself */
} w_head;

/* A number: how many bits it has, one flag each; then its bits. */
enum { W_PREFIX = 25, W_FULL = 6 };
typedef struct { u16 prefix[W_PREFIX], tree[W_FULL][32], top[W_PREFIX][4], low[16]; } w_number;

enum { W_LATEST, W_EARLIER, W_FROM_ANCHOR, W_FROM_HERE, W_KINDS }; /* of copies: by what their distance is told */

typedef struct {
    u16 copy_a[64], copy_b[256], copy_c[256], copy_d[256];
    i32 copy_weight[W_STATES][5];
    u16 again[32], which[W_DISTANCES][4];
    u16 recent[2], sign[2], in_blocks[2], edge[W_KINDS][2], which_edge[W_KINDS];
    w_number distance, blocks, back, length[W_KINDS], edges;
} w_tokens;

typedef struct {
    i32 weight[W_SETS][W_MAX_INPUTS];
    u16 meaning[W_CONTEXTS][W_HISTORY_ROOM];
    u16 guess[W_GUESSES][512];
} w_bytes;

typedef struct {
    u32 magic;
    w_head head;
    u32 old_bytes, new_bytes;
    u32 is_primed;              /* the models have learnt from the old image */
    u32 done;                   /* bytes given */
    u32 left;                   /* of the copy in hand */
    u32 distance[W_DISTANCES];  /* the latest first; of a copy: where it goes, minus where it comes from */
    u32 anchor;                 /* the distance of the last long copy */
    u32 near, far;              /* the last four bytes, the four before */
    u32 literals;               /* since the last copy */
    u32 kinds;                  /* the last copies, two bits each */
    u32 hits[W_GUESSES];        /* whether the last guesses were right, a bit each */
    u32 shift;                  /* new minus old byte, where they last differed */
    u32 range, code, at, overrun, buffer_at, buffer_bytes;
    u32 cache_at, cache_bytes;
    u8 buffer[64], cache[W_CACHE];
    w_tokens tokens;
    w_bytes bytes;
} w_state;

#ifndef MDL_DECODER_ONLY
typedef struct {
    u8 *out;
    u32 out_room, out_bytes, low, range;
    const u8 *fresh;
    u64 spent[4]; /* parts of 256 of a bit, by category */
    u16 cost[4096]; /* of a one */
    int category;
} w_writer;
#else
typedef struct w_writer w_writer;
#endif

typedef struct {
    w_state *s;
    const mdl_window_io *io;
    w_writer *w;
    u8 *slot;      /* 16 bytes each */
    const u8 *to;  /* what this call has given */
    u32 from;      /* offset of to[0] */
    int error;
    u8 is_priming;
} w_run;

/* window_model.c */
void mdl_w_start(w_state *s);
int mdl_w_bit(w_run *r, u32 chance, int bit);
int mdl_w_flag(w_run *r, u16 *cell, int bit);
u32 mdl_w_number(w_run *r, w_number *n, u32 value);
int mdl_w_is_copy(w_run *r, int guess, int bit);
u8 mdl_w_byte(w_run *r, const int guess[W_GUESSES], u8 value);
u32 mdl_w_price(w_run *r, u8 value);
int mdl_w_is_sound(const w_run *r);
void mdl_w_open(w_run *r, u32 at);

/* window.c */
typedef struct { u32 bytes, distance; u8 kind; } w_copy;
int mdl_w_head(const mdl_window_io *io, w_head *h);
void mdl_w_prime(w_run *r);
int mdl_w_at(w_run *r, u32 place);
void mdl_w_guesses(w_run *r, int guess[W_GUESSES]);
int mdl_w_token(w_run *r, w_copy *copy, u8 *literal);
int mdl_w_is_recent(u32 anchor, u32 distance);
void mdl_w_push(w_state *s, const w_copy *copy);
void mdl_w_given(w_state *s, u8 byte);
void mdl_w_run(w_run *r, void *ram, const mdl_window_io *io, w_writer *w);

#ifndef MDL_DECODER_ONLY
u32 mdl_w_cost(u32 chance, int bit);
void mdl_w_writer_end(w_writer *w);
#endif

#endif

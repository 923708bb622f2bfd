/* What the files of the delta coder share. Encoder and decoder run the same code; only ``coder.is_writing`` differs. */
#ifndef MDL_INTERNAL_H
#define MDL_INTERNAL_H

#include <string.h>

#include "mdl_delta.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t i32;
typedef int64_t i64;

/* ---- the stream's head, 24 bytes and 8 for each range of words ---- */

enum { HEAD_BYTES = 24, RANGE_BYTES = 8, MAX_RANGES = 16, STREAM_VERSION = 2 };
enum { FLAG_THUMB = 1, FLAG_DESCENDING = 2 };

typedef struct {
    u32 base;        /* address at which both images run */
    u32 covers;      /* number of covers */
    u32 cover_bytes; /* length of the cover stream */
    u16 map_entries; /* covers that count for the address map */
    u8 flags;
    u8 slot_kib;     /* histories: 256 slots of 4 bytes in each KiB */
    u8 log_flags;    /* single chances: 2 bytes << log_flags */
    u8 log_block;    /* descending: size of the blocks */
    u8 ranges;       /* ranges of RAM words */
    u8 reserved;
} head;

/* ---- binary arithmetic coder, 32 bit ---- */

typedef struct {
    u32 low, high, code;
    u32 at, end;      /* of the patch, for reading */
    u8 buffer[64];
    u32 buffer_at;    /* patch offset of buffer[0] */
    u32 buffer_bytes;
    u32 overrun;      /* bytes read behind the end */
} source;

/* ---- models ---- */

enum { FLAG_INPUTS = 6 };
enum { MODEL_OPERAND_HIGH, MODEL_OPERAND_LOW, MODEL_CHANGED_HIGH, MODEL_CHANGED_LOW, MODEL_FRESH_HIGH, MODEL_FRESH_LOW, MODELS };
enum { SLOT_INPUTS = 4, RUN_INPUTS = 3, BYTE_INPUTS = SLOT_INPUTS + RUN_INPUTS, HISTORY_ROOM = 176 };
enum { RUNS = 512, RUN_COUNTS = 8 };
enum { OPERAND_SETS = 16 * 4, PLAIN_SETS = 16, CALL_SETS = 2, FLAG_SETS = OPERAND_SETS + PLAIN_SETS + CALL_SETS };
enum { NUMBER_CALL, NUMBERS };
enum { PREFIX = 24, NUMBER_CELLS = PREFIX + PREFIX * 3 + PREFIX };

typedef struct { u16 cell[NUMBER_CELLS]; } number_model;

/* What byte came in a context the last time, and how many times in turn. */
typedef struct { u16 check; u8 byte, count; } byte_run;

typedef struct {
    i32 known_weight[MODELS][BYTE_INPUTS + 1][BYTE_INPUTS + 1]; /* by how many contexts have something to say */
    i32 place_weight[MODELS][8][BYTE_INPUTS + 1];               /* by the bit's place in the byte */
    i32 flag_weight[FLAG_SETS][FLAG_INPUTS + 1];
    u16 chance[MODELS][SLOT_INPUTS][HISTORY_ROOM]; /* what a history means */
    u16 run_chance[MODELS][RUN_INPUTS][RUN_COUNTS]; /* how often a run of this length goes on */
    number_model number[NUMBERS];
} models;

/* ---- covers ---- */

typedef struct { u32 fresh; u32 old; u32 bytes; u8 in_map; } cover; /* fresh: offset in the new image */

enum { REPEATS = 4, BASES = 3 };
typedef struct {
    source from;
    u32 left;          /* covers not read yet */
    u32 end;           /* of the last cover, in the new image */
    i32 repeat[REPEATS];
    u32 old_end;       /* of the last cover, in the old image */
    u8 last_repeat, last_sign;
    u16 flag[REPEATS][REPEATS + 1][3];
    u16 sign[BASES][2], odd, map[2], goes_on[2][2], base[2][3];
    number_model gap, kept_bytes, moved_bytes, shift[2];
} cover_reader;

typedef struct { u32 low, high; } map_entry; /* old offset 24 bits, shift 25, halfwords 15 */

/* ---- what was seen ---- */

#define NO_TARGET 0xffffffffu
enum { SEEN = 512, NEAR_SEEN = 512, CALLS = 128, OLD_WINDOW = 128, CHANGES = 48 };
typedef struct { u32 key, value; } pair;

/* ---- the whole ---- */

typedef struct codec codec;

/* What an operand in a cover may have become. */
enum {
    PLAIN, CALL, BRANCH_WIDE, LOAD_WIDE, LOAD, ADDRESS, BRANCH, BRANCH_IF, BRANCH_ZERO, MOVE_LOW, MOVE_HIGH, POINTER, RAM_WORD, KINDS
};
enum { MAX_GUESSES = 4 };
typedef struct operand {
    u32 kind;
    u32 bytes;                /* 2 or 4 */
    u32 guess[MAX_GUESSES];
    u32 guesses;
    u32 source;               /* where the guesses are from, 0..7 */
    u32 value;                /* old target or word, the key under which what it became is remembered */
    u32 mapped;               /* of an address in the image: what the map makes of it */
    u32 place;                /* new offset */
} operand;

/* What the bits are spent on. */
enum {
    SPENT_GAP, SPENT_REPEAT, SPENT_SHIFT, SPENT_BYTES, SPENT_MAP, SPENT_SAME, SPENT_CHANGED, SPENT_FRESH_HIGH, SPENT_FRESH_LOW,
    SPENT_KNOWN_CALL, SPENT_GUESS = 16, SPENT_OPERAND = 32, MDL_CATEGORIES = 48
};

/* Encoder only: takes bits instead of giving them. */
typedef struct {
    const u8 *fresh;  /* the new image */
    u8 *out;
    u32 out_bytes, out_room;
    u32 low, high;
    double *cost;     /* bits by category (encode.h), or NULL */
    int category;
} writer;

struct codec {
    u32 magic;
    head head;
    u32 range_low[MAX_RANGES], range_high[MAX_RANGES];
    u32 old_bytes, new_bytes;
    u32 done;           /* bytes given */
    u32 at;             /* bytes decoded: offset in the order of the stream */
    u8 pending[4];      /* decoded and not given */
    u8 pending_bytes, pending_at;
    cover now;          /* the cover that ``at`` is in or before; bytes 0: no more */
    u8 has_cover;
    u8 is_second;       /* the next halfword of the cover is the second of a plain 32-bit instruction */
    u32 run, misses;    /* halfwords since the last miss; the last misses, one bit each */
    u32 h1, h2;         /* halfwords before */
    u32 kind_past[16];
    u32 last_shift[2]; /* of RAM words; of targets outside the image */
    u32 last_off;      /* by how much the map was wrong about an address, the last time */
    u32 is_open;       /* the halfword before looks like the first of a wide instruction */
    u16 change[CHANGES]; /* new - old of the last halfword of this class that changed */
    u32 calls;
    u32 call[CALLS];
    pair seen[SEEN];
    pair near_seen[NEAR_SEEN];
    byte_run runs[RUNS];
    source content;
    cover_reader covers;
    models models;
    u8 window[OLD_WINDOW];
    u32 window_at, window_bytes;
    u32 map_at, chance_at, slot_at, total_bytes; /* offsets behind this struct */
};

/* A run of the codec: state, callbacks, and the writer when encoding. */
typedef struct {
    codec *c;
    const mdl_io *io;
    writer *w;    /* NULL: decoding */
    source *from; /* where bits come from when decoding */
    map_entry *map;
    u16 *chance;
    u8 *slot;
    int error;
} run;

/* model.c */
void mdl_models_start(run *r);
int mdl_models_sound(const run *r);
int mdl_flag(run *r, u32 set, const u32 *contexts, int n, int bit);
int mdl_byte(run *r, u32 model, const u32 *contexts, int slots, int runs, int value);
u32 mdl_number(run *r, number_model *m, u32 value);
int mdl_chance(run *r, u16 *cell, int bit);
void mdl_number_start(number_model *m);
u32 mdl_hash(u32 a, u32 b);

/* coder.c */
void mdl_source_open(run *r, source *s, u32 at, u32 end);
int mdl_source_bit(run *r, source *s, u32 chance16);
int mdl_bit(run *r, u32 chance16, int bit);
void mdl_category(run *r, int number);

/* cover.c */
void mdl_covers_open(run *r, u32 at);
int mdl_cover(run *r, cover *next);
int mdl_cover_next(run *r, cover *next);
u32 mdl_place(const codec *c, u32 at);
u32 mdl_block_left(const codec *c, u32 at);

/* map.c */
int mdl_map_build(run *r);
int mdl_map(const run *r, u32 old, u32 *before, u32 *after);

/* unit.c */
int mdl_unit(run *r, u8 out[4]);
u32 mdl_old(run *r, u32 at);

/* operand.c */
int mdl_is_wide(u32 a);
u32 mdl_kind(u32 a, u32 b);
i32 mdl_distance(u32 kind, u32 a, u32 b);
u32 mdl_counter(u32 base, u32 kind, u32 b, u32 at);
u32 mdl_operand(run *r, u32 old, u32 place, u32 left, struct operand *o);
void mdl_operand_seen(run *r, const struct operand *o, u32 actual);

/* layout */
int mdl_head_read(const mdl_io *io, head *h, u32 *low, u32 *high);
int mdl_layout(codec *c, const head *h);
void mdl_run(run *r, void *ram, const mdl_io *io, writer *w);

#endif

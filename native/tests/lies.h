/* Lies to a decoder, a given number of times, each from its own seed. Built with sanitizers by a test.
 *
 *     PROGRAM OLD NEW STREAM FIRST COUNT
 *
 * Every block is allocated at its exact size, so that a sanitizer sees the first byte too far; the callbacks refuse to
 * be asked for more than was stated or given. Prints how often each answer came. Ends with 1 at the first answer that is
 * wrong: a true stream that gives another image, a short block that was taken, an error that was forgotten.
 *
 * Who includes this defines first: io_of_coder (type), CODER(verb), PROGRAM, HEAD_OF(stream, bytes), IO(world, new_bytes).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 32768 }; /* read of an image whose stated size is a lie */
enum { TRUNCATED, FLIPPED, HEAD, SPLICED, SIZES, OTHER_OLD, IO_FAILS, SHORT_RAM, MISALIGNED, TOO_MUCH, MOVED, UNSTABLE, DAMAGED, KINDS };
static const char *const NAME[KINDS] = {"truncated", "flipped", "head", "spliced", "sizes", "other old", "io fails",
                                        "short ram", "misaligned", "too much", "moved", "unstable", "damaged ram"};
enum { RIGHT = 5, OTHER, ANSWERS };
static const char *const ANSWER[ANSWERS] = {"", "bad stream", "bad ram", "bad io", "at end", "right", "other"};

typedef struct { uint8_t *at; uint32_t bytes; } buffer;
typedef struct { buffer old, patch, given; uint32_t old_stated, patch_stated, known, calls, fails_at, flips; } world;

static uint64_t dice;
static uint32_t seed;

static uint32_t roll(uint32_t sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return sides ? (uint32_t)(dice >> 33) % sides : 0;
}

static void wrong(const char *what) {
    printf("seed %u: %s\n", (unsigned)seed, what);
    exit(1);
}

static buffer reserve(uint32_t bytes) {
    buffer b = {malloc(bytes ? bytes : 1), bytes};
    if (!b.at)
        wrong("no memory");
    return b;
}

static buffer copy_of(buffer from) {
    buffer b = reserve(from.bytes);
    memcpy(b.at, from.at, from.bytes);
    return b;
}

static buffer file(const char *name) {
    FILE *f = fopen(name, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        wrong(name);
    buffer b = reserve((uint32_t)ftell(f));
    rewind(f);
    if (fread(b.at, 1, b.bytes, f) != b.bytes)
        wrong(name);
    fclose(f);
    return b;
}

static int give(world *w, buffer from, uint32_t stated, uint32_t at, uint8_t *to, uint32_t n) {
    if (at > stated || n > stated - at)
        wrong("asked for bytes behind the stated end");
    if (++w->calls == w->fails_at)
        return 1;
    if (at > from.bytes || n > from.bytes - at) /* stated more than there is */
        return 1;
    memcpy(to, from.at + at, n);
    return 0;
}

static int read_old(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    world *w = context;
    return give(w, w->old, w->old_stated, at, to, n);
}

static int read_patch(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    world *w = context;
    int failed = give(w, w->patch, w->patch_stated, at, to, n);
    if (w->flips && n && !roll(w->flips)) /* another patch than the last time */
        to[roll(n)] ^= (uint8_t)(1u << roll(8));
    return failed;
}

#ifdef READS_BACK
static int read_new(void *context, uint32_t at, uint8_t *to, uint32_t n) {
    world *w = context;
    return give(w, w->given, w->known, at, to, n);
}
#endif

/* A lie about the stream or the image. */
static void lie(int kind, world *w, io_of_coder *io) {
    uint8_t *p = w->patch.at;
    uint32_t n = w->patch.bytes, head = HEAD_OF(p, n);
    head = n < head ? n : head;
    switch (kind) {
    case TRUNCATED: /* cut to its exact size */
        w->patch.bytes = w->patch_stated = io->patch_bytes = roll(n);
        w->patch.at = realloc(p, w->patch.bytes ? w->patch.bytes : 1);
        break;
    case FLIPPED:
        for (uint32_t k = 1 + roll(8); k; k--)
            p[roll(n)] ^= (uint8_t)(1u << roll(8));
        break;
    case HEAD:
        for (uint32_t k = 1 + roll(4); k; k--)
            p[roll(head)] = (uint8_t)(roll(3) ? roll(256) : roll(2) * 255);
        break;
    case SPLICED: {
        uint32_t from = roll(n), to = roll(n), bytes = roll(n - (from > to ? from : to)) + 1;
        memmove(p + to, p + from, bytes);
        break;
    }
    case SIZES:
        if (roll(2))
            io->new_bytes = roll(4) ? io->new_bytes + roll(9) - 4 : roll(1u << 25);
        else
            w->old_stated = io->old_bytes = roll(4) ? io->old_bytes + roll(9) - 4 : roll(1u << 25);
        break;
    case OTHER_OLD:
        for (uint32_t k = roll(2) ? 1 + roll(64) : w->old.bytes; k && w->old.bytes; k--)
            w->old.at[roll(w->old.bytes)] = (uint8_t)roll(256);
        break;
    case IO_FAILS: w->fails_at = 1 + roll(roll(2) ? 8 : 200); break;
    case UNSTABLE: w->flips = 1 + roll(roll(2) ? 4 : 100); break;
    default: break;
    }
}

static int after_error(void *ram, const io_of_coder *io, world *w, int error) {
    uint8_t one;
    w->fails_at = w->flips = 0;
    if (CODER(read)(ram, io, &one, 1) == MDL_OK)
        wrong("an error was forgotten: the next read gave bytes");
    return error;
}

/* Another place for the RAM block, in which some bytes are others when it is damaged. */
static int carry(int kind, buffer *ram, const io_of_coder *io) {
    buffer next = copy_of(*ram);
    memset(ram->at, 0xA5, ram->bytes);
    free(ram->at);
    *ram = next;
    if (kind == DAMAGED && !roll(2)) {
        uint32_t bytes = roll(2) ? 1 + roll(16) : 1 + roll(ram->bytes), at = roll(roll(ram->bytes - bytes + 1) + 1);
        for (uint32_t k = 0; k < bytes; k++)
            ram->at[at + k] = (uint8_t)roll(256);
    }
    return CODER(resume)(ram->at, ram->bytes, io);
}

/* Read all in pieces; what earlier pieces gave is all that may be read back. */
static int read_all(int kind, buffer *ram, io_of_coder *io, world *w) {
    for (uint32_t at = 0; at < w->given.bytes;) {
        uint32_t n = 1 + roll(roll(2) ? 7 : 4096);
        n = n < w->given.bytes - at ? n : w->given.bytes - at;
        buffer piece = reserve(n);
        int error = CODER(read)(ram->at, io, piece.at, n);
        memcpy(w->given.at + at, piece.at, error ? 0 : n);
        free(piece.at);
        if (error)
            return after_error(ram->at, io, w, error);
        at += n;
        w->known = at;
        if ((kind == MOVED || kind == DAMAGED) && (error = carry(kind, ram, io)) != MDL_OK)
            return error;
        if (kind == DAMAGED)
            w->known = w->given.bytes; /* a damaged count of what was given may ask for any of it */
        if (kind != DAMAGED && CODER(left)(ram->at) != io->new_bytes - at)
            wrong("another number of bytes is left");
    }
    return MDL_OK;
}

static int decode(int kind, world *w, io_of_coder *io, buffer fresh) {
    uint32_t need;
    int error = CODER(need)(io, &need);
    if (error)
        return error;
    buffer block = reserve(need + 1), ram = {block.at, need};
    if (kind == SHORT_RAM) {
        block.at = realloc(block.at, need - 1);
        error = CODER(begin)(block.at, need - 1, io);
        free(block.at);
        return error == MDL_BAD_RAM ? error : (wrong("a block one byte too short was taken"), 0);
    }
    if (kind == MISALIGNED) {
        error = CODER(begin)(block.at + 1, need, io);
        free(block.at);
        return error == MDL_BAD_RAM ? error : (wrong("a misaligned block was taken"), 0);
    }
    ram = reserve(need);
    free(block.at);
    error = CODER(begin)(ram.at, need, io);
    w->given = reserve(io->new_bytes < MOST_BYTES ? io->new_bytes : MOST_BYTES);
    memset(w->given.at, 0, w->given.bytes);
    if (error)
        error = after_error(ram.at, io, w, error);
    else
        error = read_all(kind, &ram, io, w);
    if (!error && kind == TOO_MUCH) {
        uint8_t more;
        error = CODER(read)(ram.at, io, &more, roll(2) ? 1 : 0xffffffffu);
    }
    if (!error)
        error = w->given.bytes == fresh.bytes && !memcmp(w->given.at, fresh.at, fresh.bytes) ? RIGHT : OTHER;
    free(w->given.at);
    free(ram.at);
    return error;
}

int main(int count_, char **argument) {
    if (count_ != 6)
        wrong(PROGRAM " OLD NEW STREAM FIRST COUNT");
    buffer old = file(argument[1]), fresh = file(argument[2]), patch = file(argument[3]);
    uint32_t first = (uint32_t)strtoul(argument[4], NULL, 10), count = (uint32_t)strtoul(argument[5], NULL, 10);
    static unsigned answers[KINDS][ANSWERS];
    for (seed = first; seed < first + count; seed++) {
        int kind = (int)(seed % KINDS);
        dice = seed * 0x9E3779B97F4A7C15u;
        world w = {copy_of(old), copy_of(patch), {NULL, 0}, old.bytes, patch.bytes, 0, 0, 0, 0};
        io_of_coder io = IO(w, fresh.bytes);
        lie(kind, &w, &io);
        int answer = decode(kind, &w, &io, fresh);
        if ((kind == MOVED || kind == IO_FAILS) && answer == OTHER)
            wrong("a true stream gave another image");
        answers[kind][answer]++;
        free(w.old.at);
        free(w.patch.at);
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (int answer = 0; answer < ANSWERS; answer++)
            if (answers[kind][answer])
                printf("%s: %s: %u\n", NAME[kind], ANSWER[answer], answers[kind][answer]);
    free(old.at);
    free(fresh.at);
    free(patch.at);
    return 0;
}

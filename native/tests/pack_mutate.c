/* Seeded lies about packed checkpoints: mdl_unpack and mdl_pack stay inside their buffers, and what was packed comes back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../delta/pack.h"

static uint32_t seed;

static uint32_t next_number(void) {
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static void fill(uint8_t *to, uint32_t n, int kind) {
    for (uint32_t at = 0; at < n; at++)
        to[at] = (uint8_t)(kind == 0 ? 0 : kind == 1 ? 255 : kind == 2 ? next_number() : next_number() % 8 ? 0 : next_number());
}

int main(int argc, char **argv) {
    uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000, refused = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        seed = round;
        uint32_t n = next_number() % 600, room = n + n / 32 + 64;
        uint8_t *start = malloc(n + 1), *state = malloc(n + 1), *back = malloc(n + 1), *packed = malloc(room);
        fill(start, n, (int)(next_number() % 4));
        fill(state, n, (int)(next_number() % 4));
        uint32_t size = mdl_pack(start, state, n, packed, room);
        if (size > room || mdl_unpack(packed, size, start, back, n) || memcmp(back, state, n)) {
            printf("round %u: what was packed did not come back\n", round);
            return 1;
        }
        uint32_t less = next_number() % (size + 1);
        uint8_t *little = malloc(less + 1);
        if (mdl_pack(start, state, n, little, less) != size || memcmp(little, packed, less)) {
            printf("round %u: another length in little room\n", round);
            return 1;
        }
        memcpy(little, packed, less); /* truncated, then changed */
        refused += mdl_unpack(little, less, start, back, n) != 0;
        for (int k = 0; less && k < 3; k++)
            little[next_number() % less] = (uint8_t)next_number();
        refused += mdl_unpack(little, less, start, start, n) != 0;
        free(start), free(state), free(back), free(packed), free(little);
    }
    printf("%u rounds, %u refused\n", rounds, refused);
    return 0;
}

/* The window encoder: which copies and which literals make the shortest stream.
 *
 * A shortest path over the new image. Each place remembers the cheapest way to it and the latest distances on that way.
 * Prices are those of the models at the end of the pass before, and, for literals, what each byte would have cost where
 * it stands; so the path is chosen a few times. Sources come from the neighbours in a suffix array of old and new.
 */
#include "window_encode.h"

#include <stdlib.h>

#include "window_internal.h"

enum { NEIGHBOURS = 24, NEAR = 64, CLOSE = 12, HASHES = 65536, SHORT = 48, LONG = 1024, SHADOW = 24, LEAST_NEW = 3, UNKNOWN = 1152 };

typedef struct {
    u64 cost;
    u32 from, bytes, distance; /* bytes 0: a literal */
    u32 latest[W_DISTANCES], anchor;
    u8 literals, kinds, is_first_new;
} node;

typedef struct {
    const u8 *window, *fresh;
    u32 old_bytes, new_bytes, log_block;
    const i32 *suffixes;
    i32 *rank, *common; /* place in the suffix array; bytes in common with the suffix before */
    u32 *list, *head;   /* places by the hash of four bytes, in order; where each hash begins */
    node *at;
    u16 *price;         /* of each literal byte */
    u16 cost[4096];     /* of a one, parts of 256 of a bit */
    u32 hit[4], miss[4];
    u32 length[W_KINDS][2][SHORT + 1];
    u64 least[SHORT + 1]; /* of the place in hand: the cheapest source of so many bytes */
    const w_state *s;   /* whose chances are the prices */
} search;

/* ---- the window, read ---- */

static int give_old(void *context, u32 at, u8 *to, u32 n) {
    memcpy(to, ((const search *)context)->window + at, n);
    return 0;
}

static int give_new(void *context, u32 at, u8 *to, u32 n) {
    memcpy(to, ((const search *)context)->fresh + at, n);
    return 0;
}

/* ---- the suffix array's other halves ---- */

static void find_common(search *x, u32 total) {
    u32 h = 0;
    for (u32 i = 0; i < total; i++)
        x->rank[x->suffixes[i]] = (i32)i;
    for (u32 i = 0; i < total; i++) {
        if (x->rank[i]) {
            u32 j = (u32)x->suffixes[x->rank[i] - 1], most = total - (i > j ? i : j);
            while (h < most && x->window[i + h] == x->window[j + h])
                h++;
            x->common[x->rank[i]] = (i32)h;
            h -= h != 0;
        } else {
            h = 0;
        }
    }
}

/* ---- prices ---- */

static u32 flag_price(const search *x, u16 cell, int bit) {
    u32 chance = cell >> 4;
    return x->cost[bit ? (chance ? chance : 1) : 4096 - (chance ? chance : 1)];
}

static u32 number_price(const search *x, const w_number *n, u32 value) {
    u32 v = value + 1, bits = 0, got = 1, low = 1, price = 0;
    while (v >> (bits + 1))
        bits++;
    for (u32 i = 0; i <= bits && i < W_PREFIX - 1; i++)
        price += flag_price(x, n->prefix[i], i < bits);
    for (u32 i = bits; i-- > 0;) {
        int bit = (int)(v >> i & 1);
        if (bits < W_FULL || i + 2 >= bits) {
            price += flag_price(x, bits < W_FULL ? n->tree[bits][got] : n->top[bits][got], bit);
        } else if (i < 4) {
            price += flag_price(x, n->low[low], bit);
            low = low << 1 | (u32)bit;
        } else {
            price += 256;
        }
        got = got << 1 | (u32)bit;
    }
    return price;
}

static u32 edge_left(const search *x, u32 place) {
    u32 block = (u32)1 << x->log_block;
    return block - ((place < x->old_bytes ? place : place - x->old_bytes) & (block - 1));
}

static u32 length_price(const search *x, u32 kind, u32 after, u32 place, u32 distance, u32 bytes) {
    const w_tokens *t = &x->s->tokens;
    u32 mask = ((u32)1 << x->log_block) - 1;
    if (!x->log_block) {
        if (bytes == x->new_bytes - place)
            return flag_price(x, t->edge[kind][after], 1);
    } else {
        u32 here = edge_left(x, x->old_bytes + place), from = edge_left(x, x->old_bytes + place - distance);
        int is_here = bytes >= here && !((bytes - here) & mask), is_from = bytes >= from && !((bytes - from) & mask);
        if (is_here || is_from)
            return flag_price(x, t->edge[kind][after], 1) + flag_price(x, t->which_edge[kind], is_here)
                   + number_price(x, &t->edges, (bytes - (is_here ? here : from)) >> x->log_block);
    }
    u32 price = bytes <= SHORT ? x->length[kind][after][bytes] : number_price(x, &t->length[kind], bytes - 1);
    return price + flag_price(x, t->edge[kind][after], 0);
}

static u32 copy_flag_price(const search *x, const node *n, u32 place, int bit) {
    u32 a = (n->literals < 14 ? n->literals : 14u) << 2 | (n->kinds & 3);
    if (x->log_block) {
        u32 mask = ((u32)1 << x->log_block) - 1, source = x->old_bytes + place - n->latest[0];
        if (!(place & mask))
            a = W_HERE_EDGE;
        else if (!((source < x->old_bytes ? source : source - x->old_bytes) & mask))
            a = W_SOURCE_EDGE;
    }
    return flag_price(x, x->s->tokens.copy_a[a], bit);
}

static u32 source_price(const search *x, const node *n, u32 distance, u32 *kind) {
    const w_tokens *t = &x->s->tokens;
    u32 after = n->literals == 0, index = 0;
    while (index <= W_DISTANCES && (index < W_DISTANCES ? n->latest[index] : n->anchor) != distance)
        index++;
    u32 price = flag_price(x, t->again[(n->kinds & 15) | after << 4], index <= W_DISTANCES);
    if (index <= W_DISTANCES) {
        for (u32 i = 0; i < W_DISTANCES && i <= index; i++)
            price += flag_price(x, t->which[i][after << 1 | ((n->kinds & 3) >= W_FROM_ANCHOR)], i < index);
        *kind = index ? W_EARLIER : W_LATEST;
        return price;
    }
    int is_recent = mdl_w_is_recent(n->anchor, distance), is_less = distance < n->anchor;
    price += flag_price(x, t->recent[after], is_recent);
    *kind = is_recent ? W_FROM_HERE : W_FROM_ANCHOR;
    if (is_recent)
        return price + number_price(x, &t->back, distance - 1);
    u32 size = is_less ? n->anchor - distance : distance - n->anchor;
    price += flag_price(x, t->sign[after], is_less);
    if (x->log_block) {
        int is_whole = !(size & (((u32)1 << x->log_block) - 1));
        price += flag_price(x, t->in_blocks[after], is_whole);
        if (is_whole)
            return price + number_price(x, &t->blocks, (size >> x->log_block) - 1);
    }
    return price + number_price(x, &t->distance, size - 1);
}

/* ---- the path ---- */

static void arrive(search *x, u32 place, u32 bytes, u32 distance, u32 kind, u64 cost) {
    const node *from = &x->at[place];
    node *to = &x->at[place + (bytes ? bytes : 1)];
    if (cost >= to->cost)
        return;
    to->cost = cost;
    to->from = place;
    to->bytes = bytes;
    to->distance = distance;
    memcpy(to->latest, from->latest, sizeof to->latest);
    to->anchor = bytes >= W_ANCHOR_BYTES ? distance : from->anchor;
    if (!bytes) {
        to->literals = (u8)(from->literals < 250 ? from->literals + 1 : 250);
        to->kinds = from->kinds;
        return;
    }
    u32 i = 0;
    while (i < W_DISTANCES - 1 && to->latest[i] != distance)
        i++;
    for (; i; i--)
        to->latest[i] = to->latest[i - 1];
    to->latest[0] = distance;
    to->literals = 0;
    to->kinds = (u8)(from->kinds << 2 | kind);
}

static u32 equal(const search *x, u32 place, u32 distance) {
    const u8 *a = x->fresh + place, *b = x->window + x->old_bytes + place - distance;
    u32 n = 0, most = x->new_bytes - place;
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

/* All useful lengths of one source. */
static u32 copies_from(search *x, u32 place, u32 distance, u32 bytes, u32 least) {
    const node *n = &x->at[place];
    u32 kind, after = n->literals == 0;
    u64 base = n->cost + copy_flag_price(x, n, place, 1) + source_price(x, n, distance, &kind);
    u32 l = bytes < LONG ? bytes - 1 < SHORT ? bytes - 1 : SHORT : 0;
    for (; l >= least && l && base < x->least[l]; l--) { /* least never falls with l */
        x->least[l] = base;
        arrive(x, place, l, distance, kind, base + length_price(x, kind, after, place, distance, l));
    }
    arrive(x, place, bytes, distance, kind, base + length_price(x, kind, after, place, distance, bytes));
    if (x->log_block) {
        u32 edge[2] = {edge_left(x, x->old_bytes + place), edge_left(x, x->old_bytes + place - distance)};
        for (int i = 0; i < 2; i++)
            for (l = edge[i]; l < bytes && bytes < LONG; l += (u32)1 << x->log_block)
                arrive(x, place, l, distance, kind, base + length_price(x, kind, after, place, distance, l));
    }
    return bytes;
}

/* Sources among the suffixes around, in one direction. */
static u32 neighbours(search *x, u32 place, int step) {
    u32 here = x->old_bytes + place, total = x->old_bytes + x->new_bytes, longest = 0, most = 0xffffffffu;
    u32 rank = (u32)x->rank[here];
    for (int i = 0; i < NEIGHBOURS; i++) {
        if (step < 0 ? !rank : rank + 1 >= total)
            break;
        u32 shared = (u32)x->common[step < 0 ? rank : rank + 1];
        rank += (u32)step;
        most = shared < most ? shared : most;
        if (most < LEAST_NEW)
            break;
        u32 source = (u32)x->suffixes[rank];
        if (source >= here)
            continue;
        u32 bytes = copies_from(x, place, here - source, most, LEAST_NEW);
        longest = bytes > longest ? bytes : longest;
    }
    return longest;
}

static u32 hash4(const u8 *p) {
    return ((u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24) * 0x9E3779B1u >> 16;
}

static void make_lists(search *x, u32 total) {
    memset(x->head, 0, (HASHES + 1) * sizeof(u32));
    for (u32 i = 0; i + 4 <= total; i++)
        x->head[hash4(x->window + i) + 1]++;
    for (u32 i = 0; i < HASHES; i++)
        x->head[i + 1] += x->head[i];
    for (u32 i = 0; i + 4 <= total; i++)
        x->list[x->head[hash4(x->window + i)]++] = i;
    for (u32 i = HASHES; i; i--)
        x->head[i] = x->head[i - 1];
    x->head[0] = 0;
}

static u32 first_behind(const search *x, u32 low, u32 high, u32 place) {
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (x->list[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Sources close to where the last long copy would go on, and close behind. */
static u32 close_ones(search *x, u32 place) {
    u32 here = x->old_bytes + place, longest = 0;
    if (place + 4 > x->new_bytes)
        return 0;
    u32 hash = hash4(x->fresh + place), low = x->head[hash], high = x->head[hash + 1];
    u32 from[2] = {here - x->at[place].anchor, here};
    for (int i = 0; i < 2; i++) {
        u32 middle = first_behind(x, low, high, from[i]);
        u32 first = middle - low > CLOSE ? middle - CLOSE : low, end = high - middle > CLOSE ? middle + CLOSE : high;
        for (u32 k = first; k < end && x->list[k] < here; k++) {
            u32 bytes = equal(x, place, here - x->list[k]);
            if (bytes >= LEAST_NEW)
                bytes = copies_from(x, place, here - x->list[k], bytes, LEAST_NEW);
            longest = bytes > longest ? bytes : longest;
        }
    }
    return longest;
}

static u32 near_ones(search *x, u32 place) {
    u32 before = x->at[place].anchor, longest = 0;
    for (u32 i = 1; i <= NEAR; i++)
        for (int sign = 0; sign < 2; sign++) {
            u32 distance = sign ? before - i : before + i;
            if (!distance || distance > x->old_bytes + place)
                continue;
            u32 bytes = equal(x, place, distance);
            if (bytes >= LEAST_NEW)
                bytes = copies_from(x, place, distance, bytes, LEAST_NEW);
            longest = bytes > longest ? bytes : longest;
        }
    return longest;
}

static void literal(search *x, u32 place) {
    const node *n = &x->at[place];
    u32 price = x->price[place], distance = n->latest[0], since = n->literals < 3 ? n->literals : 3;
    if (distance && distance <= x->old_bytes + place) {
        u8 guess = x->window[x->old_bytes + place - distance];
        price = guess == x->fresh[place] ? x->hit[since] : price + x->miss[since];
    }
    arrive(x, place, 0, 0, 0, n->cost + copy_flag_price(x, n, place, 0) + price);
}

static void find_path(search *x) {
    for (u32 i = 0; i <= x->new_bytes; i++)
        x->at[i].cost = ~(u64)0;
    memset(&x->at[0], 0, sizeof(node));
    x->at[0].latest[0] = x->at[0].anchor = x->old_bytes;
    for (u32 i = 1; i < W_DISTANCES; i++)
        x->at[0].latest[i] = i;
    for (u32 place = 0; place < x->new_bytes;) {
        u32 longest = 0;
        memset(x->least, 0xff, sizeof x->least);
        for (u32 i = 0; i <= W_DISTANCES; i++) {
            u32 distance = i < W_DISTANCES ? x->at[place].latest[i] : x->at[place].anchor;
            if (!distance || distance > x->old_bytes + place)
                continue;
            u32 bytes = equal(x, place, distance);
            if (bytes)
                copies_from(x, place, distance, bytes, 1);
            longest = bytes > longest ? bytes : longest;
        }
        if (longest < LONG) {
            u32 found[4] = {near_ones(x, place), close_ones(x, place), neighbours(x, place, -1), neighbours(x, place, 1)};
            for (int i = 0; i < 4; i++)
                longest = found[i] > longest ? found[i] : longest;
            literal(x, place);
        }
        place += longest < LONG ? 1 : longest;
    }
    u32 place = x->new_bytes; /* turned round: each node says where its token leads */
    for (u32 next = 0, bytes = 0, distance = 0; ; ) {
        u32 from = x->at[place].from, b = x->at[place].bytes, d = x->at[place].distance;
        x->at[place].from = next;
        x->at[place].bytes = bytes;
        x->at[place].distance = distance;
        if (!place)
            break;
        next = place;
        bytes = b;
        distance = d;
        place = from;
    }
}

/* ---- writing ---- */

static void note_price(search *x, w_run *r, u32 place) {
    u32 price = mdl_w_price(r, x->fresh[place]);
    x->price[place] = (u16)(price < 60000 ? price : 60000);
}

typedef struct { u64 hit[4], hits[4], miss[4], misses[4]; } seen_prices;

static int write_token(search *x, w_run *r, seen_prices *seen) {
    w_state *s = r->s;
    const node *n = &x->at[s->done];
    w_copy copy = {n->bytes, n->distance, 0};
    u8 byte = x->fresh[s->done];
    if (!n->bytes) {
        note_price(x, r, s->done);
        int guess[W_GUESSES];
        mdl_w_guesses(r, guess);
        u64 before = r->w->spent[1];
        u32 since = s->literals < 3 ? s->literals : 3, flat = x->price[s->done];
        int token = mdl_w_token(r, &copy, &byte);
        u32 took = (u32)(r->w->spent[1] - before);
        if (guess[0] == byte)
            seen->hit[since] += took, seen->hits[since]++;
        else if (guess[0] >= 0)
            seen->miss[since] += took > flat ? took - flat : 0, seen->misses[since]++;
        mdl_w_given(s, byte);
        s->literals++;
        return token;
    }
    int token = mdl_w_token(r, &copy, &byte);
    if (token < 0)
        return token;
    mdl_w_push(s, &copy);
    for (u32 i = 0; i < copy.bytes; i++) {
        if (i < SHADOW || i + SHADOW >= copy.bytes)
            note_price(x, r, s->done);
        mdl_w_given(s, x->fresh[s->done]);
    }
    s->left = 0;
    return 1;
}

static void set_prices(search *x, const w_state *s, const seen_prices *seen) {
    x->s = s;
    for (u32 i = 0; i < 4; i++) {
        x->hit[i] = (u32)((seen->hit[i] + 512) / (seen->hits[i] + 2));
        x->miss[i] = (u32)((seen->miss[i] + 256) / (seen->misses[i] + 2));
    }
    for (u32 kind = 0; kind < W_KINDS; kind++)
        for (u32 after = 0; after < 2; after++)
            for (u32 l = 1; l <= SHORT; l++)
                x->length[kind][after][l] = number_price(x, &s->tokens.length[kind], l - 1);
}

static u32 put_head(const mdl_window_choice *c, u8 *out) {
    u32 n = 2;
    out[0] = (u8)(W_VERSION << 4 | (c->is_small != 0) | (c->prime_bytes != 0) << 1 | (c->log_block != 0) << 2);
    out[1] = (u8)c->slot_kib;
    if (c->log_block)
        out[n++] = (u8)c->log_block;
    for (u32 i = 0; c->prime_bytes && i < 2; i++) {
        u32 value = i ? c->prime_bytes : c->prime_at;
        for (; value > 127; value >>= 7)
            out[n++] = (u8)(value | 128);
        out[n++] = (u8)value;
    }
    return n;
}

static u32 write_all(search *x, u32 *ram, const mdl_window_choice *choice, u8 *out, u32 room, u64 spent[4], seen_prices *seen) {
    w_writer w = {0};
    memcpy(w.cost, x->cost, sizeof w.cost);
    w_run r;
    w_state *s = (w_state *)ram;
    mdl_window_io io = {x, give_old, NULL, give_new, x->old_bytes, 0, x->new_bytes};
    memset(s, 0, sizeof(w_state) + (choice->slot_kib << 10));
    s->head = (w_head){choice->prime_at, choice->prime_bytes, choice->is_small != 0, (u8)choice->slot_kib, (u8)choice->log_block, 0};
    s->old_bytes = x->old_bytes;
    s->new_bytes = x->new_bytes;
    s->distance[0] = s->anchor = x->old_bytes;
    for (u32 i = 1; i < W_DISTANCES; i++)
        s->distance[i] = i;
    mdl_w_start(s);
    mdl_w_run(&r, ram, &io, &w);
    mdl_w_prime(&r);
    r.to = x->fresh;
    memset(seen, 0, sizeof *seen);
    w.out = out;
    w.out_room = room;
    w.out_bytes = put_head(choice, out);
    w.range = 1 << 24;
    while (s->done < s->new_bytes)
        if (write_token(x, &r, seen) < 0)
            return 0;
    mdl_w_writer_end(&w);
    memcpy(spent, w.spent, sizeof w.spent);
    return w.out_bytes > room ? 0 : w.out_bytes;
}

static int begin(search *x, const u8 *window, u32 old_bytes, u32 new_bytes, const i32 *suffixes, u32 log_block) {
    u32 total = old_bytes + new_bytes;
    memset(x, 0, sizeof *x);
    x->window = window;
    x->fresh = window + old_bytes;
    x->old_bytes = old_bytes;
    x->new_bytes = new_bytes;
    x->suffixes = suffixes;
    x->log_block = log_block;
    x->rank = malloc((total + 1) * sizeof(i32));
    x->common = malloc((total + 1) * sizeof(i32));
    x->list = malloc((total + 1) * sizeof(u32));
    x->head = malloc((HASHES + 1) * sizeof(u32));
    x->at = malloc((new_bytes + 1) * sizeof(node));
    x->price = malloc((new_bytes + 1) * sizeof(u16));
    if (!x->rank || !x->common || !x->list || !x->head || !x->at || !x->price)
        return 0;
    find_common(x, total);
    make_lists(x, total);
    for (u32 i = 0; i <= new_bytes; i++)
        x->price[i] = UNKNOWN;
    for (u32 i = 1; i < 4096; i++)
        x->cost[i] = (u16)mdl_w_cost(i, 1);
    return 1;
}

uint32_t mdl_window_encode(const uint8_t *window, uint32_t old_bytes, uint32_t new_bytes, const int32_t *suffixes,
                           const mdl_window_choice *choice, uint8_t *out, uint32_t room, uint64_t spent[4]) {
    search x;
    u32 bytes = 0, *ram = malloc(sizeof(w_state) + (choice->slot_kib << 10)), *kept = malloc(sizeof(w_state));
    int is_ready = begin(&x, window, old_bytes, new_bytes, suffixes, choice->log_block);
    if (is_ready && ram && kept) {
        seen_prices seen = {0};
        memset(kept, 0, sizeof(w_state));
        mdl_w_start((w_state *)kept);
        for (u32 i = 0; i < 4; i++) { /* until it is known better: a guess that is right takes a bit, a wrong one adds one */
            seen.hit[i] = 256 * 40, seen.hits[i] = 40;
            seen.miss[i] = 256 * 40, seen.misses[i] = 40;
        }
        for (u32 pass = 0; pass < choice->passes; pass++) {
            set_prices(&x, (w_state *)kept, &seen);
            find_path(&x);
            bytes = write_all(&x, ram, choice, out, room, spent, &seen);
            if (!bytes)
                break;
            memcpy(kept, ram, sizeof(w_state));
        }
    }
    free(x.rank);
    free(x.common);
    free(x.list);
    free(x.head);
    free(x.at);
    free(x.price);
    free(ram);
    free(kept);
    return bytes;
}

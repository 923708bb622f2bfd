/* The cheapest covers: a shortest path over the new image, halfword by halfword. Host only.
 *
 * At each halfword the path is outside of covers, or in a cover with one of the shifts that are under way. A cover may
 * begin with a shift that was used lately, or where a few bytes match: suffixes of the old image that are neighbours of
 * the new image's, here and a little further on (a cover may begin with differences). Only the cheapest shifts stay under
 * way. Costs are rough; the coder knows better, but they need only rank the choices.
 */
#include "search.h"

#include <stdlib.h>

enum { UNDER_WAY = 28, NEIGHBOURS = 3, MATCH = 6, DEEP = 64, LOOK_AHEADS = 5, MAP_BYTES = 8, DROP = 1300 };
static const u32 AHEAD[LOOK_AHEADS] = {2, 5, 9, 14, 20};

typedef struct { i32 shift, before; u32 start, before_end; } node;
typedef struct { i32 shift, cost, node, is_missed; } lane;

typedef struct {
    const u8 *old, *fresh;
    u32 old_bytes, new_bytes;
    const i32 *suffixes;
    i32 *best; /* by halfword: the shift of the best match, or NONE */
    node *nodes;
    u32 count, room;
    lane lanes[UNDER_WAY];
    int used;
    i32 cost, last;  /* outside of covers: cost, and the cover before */
    u32 last_end;
} path;

enum { NONE = -0x7fffffff };

static u32 half(const u8 *p) {
    return p[0] | (u32)p[1] << 8;
}

static u32 same(const u8 *a, u32 a_bytes, const u8 *b, u32 b_bytes, u32 limit) {
    u32 n = 0;
    while (n < a_bytes && n < b_bytes && n < limit && a[n] == b[n])
        n++;
    return n;
}

/* The first suffix that is not below the new image's at ``at``. */
static u32 rank_of(const path *p, u32 at) {
    const u8 *text = p->fresh + at;
    u32 low = 0, high = p->old_bytes, bytes = p->new_bytes - at;
    while (low < high) {
        u32 middle = (low + high) / 2, from = (u32)p->suffixes[middle], n = p->old_bytes - from;
        n = n < bytes ? n : bytes;
        n = n < DEEP ? n : DEEP;
        int order = memcmp(p->old + from, text, n);
        if (order < 0 || (order == 0 && n < DEEP && n == p->old_bytes - from))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int matches(const path *p, u32 rank, u32 at, u32 bytes, i32 *shift) {
    if (rank >= p->old_bytes)
        return 0;
    u32 from = (u32)p->suffixes[rank];
    *shift = (i32)(from - at);
    return same(p->old + from, p->old_bytes - from, p->fresh + at, p->new_bytes - at, bytes) >= bytes;
}

static void find_best(path *p) {
    for (u32 i = 0; i < p->new_bytes / 2; i++) {
        u32 rank = rank_of(p, 2 * i), longest = MATCH - 1;
        p->best[i] = NONE;
        for (u32 k = 0; k < 2; k++) {
            if (rank + k < 1 || rank - 1 + k >= p->old_bytes)
                continue;
            u32 from = (u32)p->suffixes[rank - 1 + k];
            u32 n = same(p->old + from, p->old_bytes - from, p->fresh + 2 * i, p->new_bytes - 2 * i, 4096);
            if (n > longest) {
                longest = n;
                p->best[i] = (i32)(from - 2 * i);
            }
        }
    }
}

static int candidates(const path *p, u32 i, i32 recent, i32 *shift) {
    int n = 0;
    for (int k = 0; k < REPEATS && recent >= 0; k++, recent = p->nodes[recent].before)
        shift[n++] = p->nodes[recent].shift;
    if (!n)
        shift[n++] = 0;
    if (p->best[i] != NONE)
        shift[n++] = p->best[i];
    for (int k = 0; k < LOOK_AHEADS; k++)
        if (i + AHEAD[k] < p->new_bytes / 2 && p->best[i + AHEAD[k]] != NONE)
            shift[n++] = p->best[i + AHEAD[k]];
    u32 rank = rank_of(p, 2 * i);
    for (u32 k = 0; k < NEIGHBOURS; k++) {
        n += matches(p, rank + k, 2 * i, MATCH, &shift[n]);
        n += rank > k && matches(p, rank - 1 - k, 2 * i, MATCH, &shift[n]);
    }
    return n;
}

static int add_node(path *p, node one) {
    if (p->count == p->room) {
        node *more = realloc(p->nodes, (size_t)p->room * 2 * sizeof *more);
        if (!more)
            return -1;
        p->nodes = more;
        p->room *= 2;
    }
    p->nodes[p->count] = one;
    return (int)p->count++;
}

static int is_recent(const path *p, i32 node_, i32 shift) {
    for (int k = 0; k < REPEATS && node_ >= 0; k++, node_ = p->nodes[node_].before)
        if (p->nodes[node_].shift == shift)
            return 1;
    return node_ < 0 && shift == 0; /* before the first covers all four are 0 */
}

static int begin_covers(path *p, u32 i, const mdl_costs *costs) {
    i32 least = p->cost, shift[REPEATS + 2 + LOOK_AHEADS + 2 * NEIGHBOURS];
    int from = -1;
    for (int k = 0; k < p->used; k++)
        if (p->lanes[k].cost < least)
            least = p->lanes[from = k].cost;
    i32 before = from < 0 ? p->last : p->lanes[from].node;
    u32 before_end = from < 0 ? p->last_end : i;
    int n = candidates(p, i, before, shift);
    for (int k = 0; k < n; k++) {
        i64 old = (i64)2 * i + shift[k];
        if (old < 0 || old + 1 >= p->old_bytes || half(p->old + old) != half(p->fresh + 2 * i))
            continue;
        int lane_ = 0;
        i32 cost = least + (is_recent(p, before, shift[k]) ? costs->kept : costs->moved);
        while (lane_ < p->used && p->lanes[lane_].shift != shift[k])
            lane_++;
        if (lane_ < p->used && p->lanes[lane_].cost <= cost)
            continue;
        if (lane_ == UNDER_WAY) {
            lane_ = 0;
            for (int q = 1; q < UNDER_WAY; q++)
                if (p->lanes[q].cost > p->lanes[lane_].cost)
                    lane_ = q;
            if (p->lanes[lane_].cost <= cost)
                continue;
        } else if (lane_ == p->used) {
            p->used++;
        }
        int added = add_node(p, (node){shift[k], before, i, before_end});
        if (added < 0)
            return -1;
        p->lanes[lane_] = (lane){shift[k], cost, added, 0};
    }
    if (least < p->cost) {
        p->cost = least;
        p->last = before;
        p->last_end = before_end;
    }
    return 0;
}

/* What one more halfword costs a cover that is under way. */
static i32 step(lane *one, u32 was, u32 is, const mdl_costs *costs) {
    int is_after = one->is_missed;
    one->is_missed = was != is;
    if (was == is)
        return is_after ? costs->hit_after : costs->hit;
    return (was >> 8 == is >> 8 ? costs->near_miss : costs->miss) + (is_after ? costs->again : 0);
}

static void advance(path *p, u32 i, const mdl_costs *costs) {
    p->cost += costs->fresh;
    i32 least = p->cost;
    for (int k = 0; k < p->used; k++) {
        lane *one = &p->lanes[k];
        i64 old = (i64)2 * i + one->shift;
        if (old < 0 || old + 1 >= p->old_bytes)
            one->cost = 0x3fffffff;
        else
            one->cost += step(one, half(p->old + old), half(p->fresh + 2 * i), costs);
        if (one->cost < least)
            least = one->cost;
    }
    for (int k = 0; k < p->used;)
        if (p->lanes[k].cost > least + DROP)
            p->lanes[k] = p->lanes[--p->used];
        else
            p->lanes[k++].cost -= least; /* only differences matter */
    p->cost -= least;
}

static i32 collect(const path *p, cover *covers, u32 room) {
    i32 at = p->last, cost = p->cost;
    u32 end = p->last_end, n = 0;
    for (int k = 0; k < p->used; k++)
        if (p->lanes[k].cost < cost) {
            cost = p->lanes[k].cost;
            at = p->lanes[k].node;
            end = p->new_bytes / 2;
        }
    for (; at >= 0 && n < room; at = p->nodes[at].before) {
        const node *one = &p->nodes[at];
        if (end > one->start)
            covers[n++] = (cover){2 * one->start, 2 * one->start + (u32)one->shift, 2 * (end - one->start), 0};
        end = one->before_end;
    }
    for (u32 i = 0; i < n / 2; i++) {
        cover t = covers[i];
        covers[i] = covers[n - 1 - i];
        covers[n - 1 - i] = t;
    }
    return (i32)n;
}

i32 mdl_search(const u8 *old, u32 old_bytes, const u8 *fresh, u32 new_bytes, const i32 *suffixes, const mdl_costs *costs, cover *covers, u32 room) {
    path p = {.old = old, .fresh = fresh, .old_bytes = old_bytes, .new_bytes = new_bytes, .suffixes = suffixes, .room = 1 << 16, .last = -1};
    p.best = malloc((new_bytes / 2 + 1) * sizeof *p.best);
    p.nodes = malloc(p.room * sizeof *p.nodes);
    i32 n = -1;
    if (!p.best || !p.nodes)
        goto end;
    find_best(&p);
    for (u32 i = 0; i < new_bytes / 2; i++) {
        if (begin_covers(&p, i, costs))
            goto end;
        advance(&p, i, costs);
    }
    n = collect(&p, covers, room);
end:
    free(p.best);
    free(p.nodes);
    return n;
}

/* ---- the map ---- */

typedef struct { u32 index, bytes; } sized;

static int by_bytes(const void *a, const void *b) {
    const sized *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes > y->bytes ? -1 : 1) : x->index < y->index ? -1 : 1;
}

int mdl_choose_map(cover *covers, u32 count, u32 old_bytes, u32 limit) {
    sized *order = malloc((count + 1) * sizeof *order);
    u8 *taken = calloc(old_bytes / 2 + 2, 1);
    u32 chosen = 0;
    if (!order || !taken) {
        free(order);
        free(taken);
        return -1;
    }
    for (u32 i = 0; i < count; i++) {
        order[i] = (sized){i, covers[i].bytes};
        covers[i].in_map = 0;
    }
    qsort(order, count, sizeof *order, by_bytes);
    for (u32 i = 0; i < count && chosen < limit && order[i].bytes >= MAP_BYTES; i++) {
        cover *one = &covers[order[i].index];
        u32 first = one->old / 2, last = (one->old + one->bytes) / 2, overlap = 0;
        for (u32 k = first; k < last; k++)
            overlap += taken[k] != 0;
        if (overlap * 2 > last - first || taken[first] == 2)
            continue;
        for (u32 k = first; k < last; k++)
            taken[k] = taken[k] ? taken[k] : 1;
        taken[first] = 2; /* no two begin at the same place */
        one->in_map = 1;
        chosen++;
    }
    free(order);
    free(taken);
    return (int)chosen;
}

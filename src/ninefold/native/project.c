/* Projects a JSON text (RFC 8259) onto what a description declares: one pass, what is kept is copied byte for byte.
 *
 * The whole of what Ninefold does in C, and why: docs/adr/0010-native-projection.md. The rules that this file keeps:
 * - It reads `text[0 .. length]`, where `text[length]` is 0, as CPython's bytes has it. A 0 is no part of JSON outside of
 *   a string and none inside, so no loop that looks at every byte goes past it; those that look at eight ask first.
 * - It writes at most `length` bytes: what is written was read, each byte once, in the same order; and eight behind them
 *   where a list is past its ceiling (`nf_ceiling`).
 * - It has no state between calls. Nesting is a stack of its own, of MOST_DEPTH; memory that grows is freed on every way out.
 * - Every index of a program is checked when the program is made.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define SELDOM __attribute__((noinline)) /* what is seldom called stands apart, so that the rest is quick */
#define ALWAYS inline __attribute__((always_inline)) /* part of who calls it, however many do */
#define RARELY(what) __builtin_expect(!!(what), 0)

enum {
    MOST_DEPTH = 512, NONE = -1,
    MOST_MEMBERS = 1 << 30, /* of one node: an index of one fits into an int, twice as many into an uint32_t */
    MOST_BITS = 4096,       /* nodes with more members remember by hashes which of them have been there: `{}` must cost little */
    MOST_BESIDE = 16,       /* names of an object that are remembered beside each other; what is beyond has a table */
    MOST_ASKED = 256,       /* bytes of a name that is asked about: a longer one fits no pattern, for what matching it may cost */
    ANSWERS = 64,           /* ... and how many answers are remembered, a power of two */
    MOST_RUN = 128,         /* slots of a table that are taken side by side: what looking for one name may cost */
    MOST_CHOICES = 8,       /* members of one object that are asked, one after the other, by which node it leaves */
};

/* What may stand at a place; the same bits tell what stood there. */
enum kind {
    ANYTHING = 1, STRING = 2, BOOLEAN = 4, INTEGER = 8, NUMBER = 16, ARRAY = 32, OBJECT = 64,
    OTHERS = 128, /* members without a name in the program may leave, as `others` */
    ASKED = 256,  /* ... those of them that `ask` lets */
    MARKED = 512, /* where a scalar of it went is told to whoever wants to put something in its place */
    FREE = 1024,  /* texts are free here: they are looked through (watch.h) */
    CHOICE = 2048, /* in the place of OBJECT: an object leaves by another node, which one of its own members tells. The members here are
                    * the values of that one, its name is in members[first + count], and `others` is for any other value and for none */
    BOUNDED = 8192, CUT = 16384, /* an array's items past its ceiling are counted, and stay behind: `nf_ceiling` sets both */
};

enum status { DONE = 0, MALFORMED = 1, UNPROMISED = 2, TOO_DEEP = 3, REPEATED = 4, NO_MEMORY = 5, TOO_LONG = 6 };

typedef struct {
    uint32_t kinds;
    int32_t items, others;
    uint32_t first, count; /* its members: members[first .. first + count] */
} node;

typedef struct {
    uint32_t offset, length; /* its name, unescaped: names[offset .. offset + length] */
    int32_t node;            /* NONE: it may not leave */
} member;

typedef int (*asker)(uint32_t node, const char *name, size_t length);

#define DIGIT(byte) ((uint8_t)((byte) - '0') < 10)

#include "watch.h"

typedef struct {
    uint32_t nodes, members, size;
    const watch *watch; /* NULL: texts are not looked through; it has to live as long */
    uint64_t seed[2];
    uint32_t deepest; /* how many arrays and objects may be open at once */
    int chooses; /* whether a node of it is a CHOICE */
    int keyed; /* whether the tables are by `keyed_hash`: where some names are alike for the quicker one */
    node *node;
    member *member;
    uint64_t *head;                 /* by member: how its name begins */
    uint32_t *table, *start, *mask; /* by node: where its hash table begins, and its size less one */
    uint32_t *most;                 /* by node that is BOUNDED: its ceiling */
    char *names;
} program;

/* A scalar in what was written: where it begins, how long it is, by which node, and in which member of the program (the nearest
 * around it). UINT32_MAX: by none, in none that has a name there. */
typedef struct {
    uint32_t offset, length, node, member;
} mark;

/* `expected` and `found` are kinds, `position` an offset into the text. `trace` has room for `room` bytes; it may be NULL. */
typedef struct {
    uint64_t position, room;
    uint32_t expected, found;
    char *trace;
} fault;

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Up to eight bytes as a word: another one for other bytes of the same number; the order within is the machine's. */
static uint64_t up_to_eight(const uint8_t *at, size_t length) {
    uint64_t word = 0;
    if (length >= 8) {
        memcpy(&word, at, 8);
    } else if (length >= 4) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + length - 4, 4);
        word = low | (uint64_t)high << 32;
    } else if (length) {
        word = at[0] | (uint64_t)at[length / 2] << 8 | (uint64_t)at[length - 1] << 16;
    }
    return word;
}

static uint64_t name_hash(const uint8_t *name, size_t length) {
    uint64_t hash = 0x9e3779b97f4a7c15u ^ length;
    for (; length > 8; name += 8, length -= 8) {
        hash = (hash ^ up_to_eight(name, 8)) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    hash = (hash ^ up_to_eight(name, length)) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

#define ROTATED(word, by) ((word) << (by) | (word) >> (64 - (by)))
#define ROUND \
    v0 += v1; v1 = ROTATED(v1, 13); v1 ^= v0; v0 = ROTATED(v0, 32); v2 += v3; v3 = ROTATED(v3, 16); v3 ^= v2; \
    v0 += v3; v3 = ROTATED(v3, 21); v3 ^= v0; v2 += v1; v1 = ROTATED(v1, 17); v1 ^= v2; v2 = ROTATED(v2, 32);

/* SipHash-1-3 (Aumasson, Bernstein 2012) of a name and the object that it is in, padded by a word of its own: nobody who
 * does not know the seed can make two names alike. */
SELDOM static uint64_t keyed_hash(const uint64_t seed[2], uint64_t object, const uint8_t *name, size_t length) {
    uint64_t v0 = seed[0] ^ 0x736f6d6570736575u, v1 = seed[1] ^ 0x646f72616e646f6du;
    uint64_t v2 = seed[0] ^ 0x6c7967656e657261u, v3 = seed[1] ^ 0x7465646279746573u;
    uint64_t word = object << 32 ^ length;
    v3 ^= word; ROUND v0 ^= word;
    for (; length >= 8; name += 8, length -= 8) {
        memcpy(&word, name, 8);
        v3 ^= word; ROUND v0 ^= word;
    }
    word = up_to_eight(name, length);
    v3 ^= word; ROUND v0 ^= word;
    v2 ^= 0xff; ROUND ROUND ROUND
    return v0 ^ v1 ^ v2 ^ v3;
}

/* What this file and its caller have to agree about; another one after any change of a signature or a struct. */
EXPORT int nf_version(void) { return 9; }

/* ---- programs ---------------------------------------------------------------------------------------------------- */

EXPORT void nf_free(program *made) {
    if (made == NULL) return;
    free(made->node); free(made->member); free(made->head); free(made->table); free(made->start); free(made->mask); free(made->most);
    free(made->names);
    free(made);
}

static void *copied(const void *from, size_t size) {
    void *to = malloc(size ? size : 1);
    if (to != NULL && size) memcpy(to, from, size);
    return to;
}

/* A node that chooses: it always comes to a node that does not. */
static int comes_to_one(const program *made, const node *one) {
    if (one->kinds & (OBJECT | OTHERS) || one->others == NONE || (made->node[one->others].kinds & CHOICE)) return 0;
    if ((uint64_t)one->first + one->count >= made->members) return 0;
    for (uint32_t k = 0; k < one->count; k++) if (made->member[one->first + k].node == NONE) return 0;
    return 1;
}

static int sound(const program *made) {
    if (made->nodes == 0) return 0;
    for (uint32_t i = 0; i < made->nodes; i++) {
        const node *one = &made->node[i];
        if (one->kinds & (BOUNDED | CUT)) return 0;
        if (one->items < NONE || one->items >= (int64_t)made->nodes) return 0;
        if (one->others < NONE || one->others >= (int64_t)made->nodes) return 0;
        if ((one->kinds & ARRAY) && one->items == NONE) return 0;
        if ((one->kinds & OTHERS) && one->others == NONE) return 0;
        if (one->count > MOST_MEMBERS || (uint64_t)one->first + one->count > made->members) return 0;
        if ((one->kinds & CHOICE) && !comes_to_one(made, one)) return 0;
    }
    for (uint32_t i = 0; i < made->members; i++) {
        const member *one = &made->member[i];
        if ((uint64_t)one->offset + one->length > made->size) return 0;
        if (one->node < NONE || one->node >= (int64_t)made->nodes) return 0;
    }
    return 1;
}

/* Which of a node's members, by its number, has this name; `head` is how the name begins. */
ALWAYS static int same(const program *made, const node *here, uint32_t k, uint64_t head, const uint8_t *name, size_t length) {
    const member *one = &made->member[here->first + k];
    return made->head[here->first + k] == head && one->length == length &&
        (length <= 8 || memcmp(made->names + one->offset, name, length) == 0);
}

static uint32_t slot_of(const program *made, uint32_t at, const uint8_t *name, size_t length) {
    return (uint32_t)(RARELY(made->keyed) ? keyed_hash(made->seed, at, name, length) : name_hash(name, length)) & made->mask[at];
}

enum filling { FILLED, TWICE, CROWDED };

static enum filling filled(const program *made, uint32_t at) {
    const node *here = &made->node[at];
    uint32_t *table = made->table + made->start[at], mask = made->mask[at], run = 0;
    memset(table, 0xff, ((size_t)mask + 1) * sizeof *table);
    for (uint32_t k = 0; k < here->count; k++) {
        const member *one = &made->member[here->first + k];
        const uint8_t *name = (uint8_t *)made->names + one->offset;
        uint32_t slot = slot_of(made, at, name, one->length), steps = 0;
        for (; table[slot] != UINT32_MAX; slot = (slot + 1) & mask) {
            if (same(made, here, table[slot], made->head[here->first + k], name, one->length)) return TWICE;
            if (!made->keyed && ++steps > MOST_RUN) return CROWDED;
        }
        table[slot] = k;
    }
    if (made->keyed) return FILLED;
    for (uint64_t i = 0; i < 2 * ((uint64_t)mask + 1); i++) /* twice around: a run may go over the end */
        if ((run = table[i & mask] == UINT32_MAX ? 0 : run + 1) > MOST_RUN) return CROWDED;
    return FILLED;
}

static int indexed(program *made) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < made->nodes; i++) {
        uint32_t size = 1;
        while (size < 2 * made->node[i].count) size *= 2; /* half of it stays free: every search ends */
        made->start[i] = (uint32_t)total;
        made->mask[i] = size - 1;
        if ((total += size) > UINT32_MAX) return 0;
    }
    made->table = calloc(total, sizeof *made->table);
    if (made->table == NULL) return 0;
    for (uint32_t i = 0; i < made->members; i++)
        made->head[i] = up_to_eight((uint8_t *)made->names + made->member[i].offset, made->member[i].length);
    for (uint32_t i = 0; i < made->nodes; i++) {
        enum filling how = filled(made, i);
        if (how == TWICE) return 0;
        if (how == CROWDED) { made->keyed = 1; i = UINT32_MAX; } /* once, all of them from the first on */
    }
    return 1;
}

/* NULL: there is no memory for it, an index points nowhere, or a node has a name twice. */
EXPORT program *nf_make(uint32_t nodes, const void *node_, uint32_t members, const void *member_, uint32_t size,
                        const char *names, const uint64_t seed[2]) {
    program *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->nodes = nodes; made->members = members; made->size = size; made->deepest = MOST_DEPTH;
    memcpy(made->seed, seed, sizeof made->seed);
    made->node = copied(node_, (size_t)nodes * sizeof(node));
    made->member = copied(member_, (size_t)members * sizeof(member));
    made->names = copied(names, size);
    for (uint32_t i = 0; made->node && i < nodes; i++) made->chooses |= (made->node[i].kinds & CHOICE) != 0;
    made->head = calloc((size_t)members + 1, sizeof *made->head);
    made->start = calloc((size_t)nodes + 1, sizeof *made->start);
    made->mask = calloc((size_t)nodes + 1, sizeof *made->mask);
    made->most = calloc((size_t)nodes + 1, sizeof *made->most);
    if (made->node && made->member && made->names && made->head && made->start && made->mask && made->most &&
        sound(made) && indexed(made))
        return made;
    nf_free(made);
    return NULL;
}

/* Texts that nest deeper are TOO_DEEP; for a program that nobody follows yet. */
EXPORT void nf_limit(program *made, uint32_t deepest) { made->deepest = deepest < MOST_DEPTH ? deepest : MOST_DEPTH; }

/* An array at this node has at most so many items: those past them are counted, and where `cut`, stay behind. For a program
 * that nobody follows yet. */
EXPORT void nf_ceiling(program *made, uint32_t at, uint32_t most, int cut) {
    if (at >= made->nodes) return;
    made->node[at].kinds |= BOUNDED | (cut ? CUT : 0);
    made->most[at] = most;
}

/* Its free texts are looked through by `watch`, which has to live as long; for a program that nobody follows yet. */
EXPORT void nf_heed(program *made, const watch *watch) { made->watch = watch; }

/* ---- tokens: each gives where the token ends, or 0 for one that is malformed (no token ends at 0) ------------------ */

static size_t past_space(const uint8_t *text, size_t at) {
    while (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t') at++;
    return at;
}

static int hex4(const uint8_t *at) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* `at` is behind the backslash. Surrogates come in pairs (RFC 8259 section 8.2), or not at all. */
static size_t past_escape(const uint8_t *text, size_t at) {
    switch (text[at]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        return at + 1;
    case 'u': {
        int unit = hex4(text + at + 1);
        if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
        if (unit < 0xd800 || unit > 0xdbff) return at + 5;
        if (text[at + 5] != '\\' || text[at + 6] != 'u') return 0;
        unit = hex4(text + at + 7);
        return unit >= 0xdc00 && unit <= 0xdfff ? at + 11 : 0;
    }
    default:
        return 0;
    }
}

/* One character of more than one byte in UTF-8 (RFC 3629 section 4). */
static size_t past_character(const uint8_t *text, size_t at) {
#define TAIL(byte) (((byte) & 0xc0) == 0x80)
    uint8_t c = text[at], d = text[at + 1];
    if (c < 0xc2 || c > 0xf4 || !TAIL(d)) return 0;
    if (c < 0xe0) return at + 2;
    if (!TAIL(text[at + 2])) return 0;
    if (c < 0xf0) return (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) ? 0 : at + 3;
    if ((c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f) || !TAIL(text[at + 3])) return 0;
    return at + 4;
}

/* `at` is behind the opening quote. `escapes` tells whether there are any. */
static size_t past_string(const uint8_t *text, size_t at, size_t length, int *escapes) {
#define EACH(byte) ((byte) * 0x0101010101010101u)
    *escapes = 0;
    for (;;) {
        uint64_t word, quote, slash, odd;
        while (at + 8 <= length) {
            memcpy(&word, text + at, 8);
            quote = word ^ EACH(0x22u);
            slash = word ^ EACH(0x5cu);
            odd = ((quote - EACH(1u)) & ~quote) | ((slash - EACH(1u)) & ~slash) | ((word - EACH(0x20u)) & ~word) | word;
            odd &= EACH(0x80u);
            if (odd == 0) { at += 8; continue; }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            at += (size_t)__builtin_ctzll(odd) >> 3; /* the lowest mark is always a true one */
#endif
            break;
        }
        while (text[at] >= 0x20 && text[at] < 0x80 && text[at] != '"' && text[at] != '\\') at++;
        if (text[at] == '"') return at + 1;
        if (text[at] == '\\') {
            *escapes = 1;
            at = past_escape(text, at + 1);
        } else {
            at = text[at] < 0x20 ? 0 : past_character(text, at);
        }
        if (at == 0) return 0;
    }
}

/* A number (RFC 8259 section 6). `kind` becomes INTEGER where its value is one, however it is written. */
static size_t past_number(const uint8_t *text, size_t at, uint32_t *kind) {
    size_t zeros = 0, fraction = 0; /* zeros that end the digits; digits behind the point without those */
    int64_t exponent = 0;
    int anything = 0, below = 0;
    *kind = INTEGER;
    if (text[at] == '-') at++;
    if (!DIGIT(text[at])) return 0;
    if (text[at] == '0') {
        at++;
    } else {
        for (; DIGIT(text[at]); at++) zeros = text[at] == '0' ? zeros + 1 : 0;
        anything = 1;
    }
    if (text[at] != '.' && text[at] != 'e' && text[at] != 'E') return at;
    if (text[at] == '.') {
        size_t begin = ++at, last = at;
        for (; DIGIT(text[at]); at++) if (text[at] != '0') last = at + 1;
        if (at == begin) return 0;
        fraction = last - begin;
    }
    if (text[at] == 'e' || text[at] == 'E') {
        at++;
        if (text[at] == '+' || text[at] == '-') below = text[at++] == '-';
        if (!DIGIT(text[at])) return 0;
        for (; DIGIT(text[at]); at++) if (exponent < INT64_MAX / 16) exponent = exponent * 10 + (text[at] - '0');
    }
    if (fraction ? below || exponent < (int64_t)fraction : anything && below && exponent > (int64_t)zeros) *kind = NUMBER;
    return at;
}

static size_t past_word(const uint8_t *text, size_t at, const char *word) {
    while (*word) if (text[at++] != (uint8_t)*word++) return 0;
    return at;
}

/* ---- memory that grows, for one call ------------------------------------------------------------------------------ */

/* An array or object of the text, and which is the first one that begins behind it. */
typedef struct {
    uint32_t begin, end, next;
} stretch;

typedef struct {
    uint64_t *bits, own[64]; /* of each open object: a bit for each member that has been there, then hashes of names; a stack */
    size_t used, room;
    uint64_t *seen;          /* hashes of the names that are one too many for that; 0: free */
    size_t names, slots;
    uint8_t *name;           /* a name without its escapes */
    size_t longest;
    uint64_t asked[ANSWERS]; /* hashes of names that were asked about; the lowest bit is the answer */
    stretch *passed;         /* what was passed by looking ahead and is still to come, as it comes */
    uint32_t stretches, room_for, come; /* how many there are, for how many there is room, how many of them have come */
    size_t to;               /* how far anybody looked ahead */
    int blind, starved;      /* nobody looks ahead any more: the text is malformed; there was no memory */
} store;

static void released(store *all) {
    if (all->bits != all->own) free(all->bits);
    free(all->seen);
    free(all->name);
    free(all->passed);
}

static int bits_for(store *all, size_t words) {
    if (words > all->room - all->used) {
        size_t room = 2 * all->room + words;
        uint64_t *grown = all->bits == all->own ? malloc(room * sizeof *grown) : realloc(all->bits, room * sizeof *grown);
        if (grown == NULL) return 0;
        if (all->bits == all->own) memcpy(grown, all->own, all->used * sizeof *grown);
        all->bits = grown;
        all->room = room;
    }
    memset(all->bits + all->used, 0, words * sizeof *all->bits);
    all->used += words;
    return 1;
}

/* Whether a name is in its object for the first time; the hashes of the object begin at `begin` of the stack. */
SELDOM static enum status first_time(store *all, size_t begin, uint64_t hash) {
    hash |= (uint64_t)1 << 63; /* never 0 */
    for (size_t i = begin; i < all->used; i++) if (all->bits[i] == hash) return REPEATED;
    if (all->used - begin < MOST_BESIDE) {
        if (!bits_for(all, 1)) return NO_MEMORY;
        all->bits[all->used - 1] = hash;
        return DONE;
    }
    if (2 * (all->names + 1) > all->slots) {
        size_t slots = all->slots ? 2 * all->slots : 64;
        uint64_t *grown = calloc(slots, sizeof *grown);
        if (grown == NULL) return NO_MEMORY;
        for (size_t i = 0; i < all->slots; i++) {
            if (all->seen[i] == 0) continue;
            size_t slot = all->seen[i] & (slots - 1);
            while (grown[slot]) slot = (slot + 1) & (slots - 1);
            grown[slot] = all->seen[i];
        }
        free(all->seen);
        all->seen = grown;
        all->slots = slots;
    }
    size_t slot = hash & (all->slots - 1);
    for (; all->seen[slot]; slot = (slot + 1) & (all->slots - 1)) if (all->seen[slot] == hash) return REPEATED;
    all->seen[slot] = hash;
    all->names++;
    return DONE;
}

static size_t encoded(uint8_t *to, int32_t point) {
    if (point < 0x80) { to[0] = (uint8_t)point; return 1; }
    if (point < 0x800) { to[0] = (uint8_t)(0xc0 | point >> 6); to[1] = (uint8_t)(0x80 | (point & 63)); return 2; }
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xe0 | point >> 12); to[1] = (uint8_t)(0x80 | (point >> 6 & 63)); to[2] = (uint8_t)(0x80 | (point & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | point >> 18); to[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (point >> 6 & 63)); to[3] = (uint8_t)(0x80 | (point & 63));
    return 4;
}

/* A string that `past_string` has read, without its escapes: never longer than it was. NULL: there is no memory for it. */
static const uint8_t *unescaped(store *all, const uint8_t *from, size_t *length) {
    static const char short_[] = "b\bf\fn\nr\rt\t\"\"\\\\//";
    if (*length > all->longest) {
        uint8_t *grown = realloc(all->name, *length);
        if (grown == NULL) return NULL;
        all->name = grown;
        all->longest = *length;
    }
    uint8_t *to = all->name;
    const uint8_t *end = from + *length;
    while (from < end) {
        const uint8_t *slash = memchr(from, '\\', (size_t)(end - from));
        const size_t run = (size_t)((slash == NULL ? end : slash) - from);
        memcpy(to, from, run);
        to += run;
        if (slash == NULL) break;
        from = slash + 1;
        if (*from != 'u') {
            for (const char *pair = short_; *pair; pair += 2) if ((uint8_t)*pair == *from) { *to++ = (uint8_t)pair[1]; break; }
            from++;
            continue;
        }
        int32_t point = hex4(from + 1);
        from += 5;
        if (point >= 0xd800 && point <= 0xdbff) {
            point = 0x10000 + ((point - 0xd800) << 10) + (hex4(from + 2) - 0xdc00);
            from += 6;
        }
        to += encoded(to, point);
    }
    *length = (size_t)(to - all->name);
    return all->name;
}

/* ---- the projection ----------------------------------------------------------------------------------------------- */

enum mode { KEEP, RAW, SKIP }; /* by a node; with all that is in it; read and left behind */

typedef struct {
    uint64_t object; /* which object of the text this is, from 1 */
    size_t bits, names; /* where its bits and its hashes begin in the store */
    uint32_t place;  /* arrays: the element's index; objects: the member's, UINT32_MAX without a name in the program */
    int32_t node;
    uint32_t next;   /* the member that comes next where they come as declared */
    uint8_t mode, array, kept;
} frame;

/* Which of a node's members has this name; NONE: none. */
ALWAYS static int look_up(const program *made, int32_t at, uint32_t *next, const uint8_t *name, size_t length) {
    const node *here = &made->node[at];
    const uint64_t head = up_to_eight(name, length);
    if (*next < here->count && same(made, here, *next, head, name, length)) return (int)(*next)++;
    const uint32_t *table = made->table + made->start[at], mask = made->mask[at];
    for (uint32_t slot = slot_of(made, (uint32_t)at, name, length); table[slot] != UINT32_MAX; slot = (slot + 1) & mask) {
        if (same(made, here, table[slot], head, name, length)) {
            *next = table[slot] + 1;
            return (int)table[slot];
        }
    }
    return NONE;
}

/* Whether a node lets a name out that it asks about; what was asked lately is not asked again. */
SELDOM static int let_by(const program *made, store *all, uint32_t at, const uint8_t *name, size_t length, asker ask) {
    if (ask == NULL || length > MOST_ASKED) return 0;
    const uint64_t hash = keyed_hash(made->seed, at, name, length) | 1;
    uint64_t *known = &all->asked[hash >> 1 & (ANSWERS - 1)];
    if ((*known | 1) != hash) *known = hash - (ask(at, (const char *)name, length) ? 0 : 1);
    return *known & 1;
}

/* ---- looking ahead -------------------------------------------------------------------------------------------------
 *
 * An object that leaves by one of several nodes is looked through for the member that tells which. What nests in it is passed
 * once, and where each array and object in that ends is remembered until it has come: whoever looks ahead later from inside of
 * it jumps. So every byte is passed at most once, beside being looked at as a member of its own object, and the whole is linear
 * however choices nest. It may be laxer than the projection, which reads it all again; but a text in which it finds no way on
 * (`blind`) is one that the projection refuses. */

/* Past an array or object; 0: no way on. */
static size_t past_nested(const uint8_t *text, size_t at, size_t length, store *all) {
    uint32_t open[MOST_DEPTH], depth = 0;
    int escapes;
    for (;;) {
        switch (text[at]) {
        case '"':
            at = past_string(text, at + 1, length, &escapes);
            if (at == 0) return 0;
            break;
        case '[': case '{':
            if (depth == MOST_DEPTH) return 0;
            if (all->stretches == all->room_for) {
                uint32_t room = all->room_for ? 2 * all->room_for : 64;
                stretch *grown = realloc(all->passed, room * sizeof *grown);
                if (grown == NULL) { all->starved = 1; return 0; }
                all->passed = grown;
                all->room_for = room;
            }
            open[depth++] = all->stretches;
            all->passed[all->stretches++].begin = (uint32_t)at++;
            break;
        case ']': case '}': {
            stretch *one = &all->passed[open[--depth]];
            one->end = (uint32_t)++at;
            one->next = all->stretches;
            if (depth == 0) return at;
            break;
        }
        case 0:
            return 0;
        default:
            at++;
        }
    }
}

/* Where the value of a member of the object at `at` begins; 0: there is none, or no way on. Of several the first one counts:
 * where the member leaves, it may not come twice. */
static size_t value_of(const program *made, const member *named, const uint8_t *text, size_t at, size_t length, store *all) {
    int escapes;
    if (at >= all->to) all->stretches = all->come = 0;
    while (all->come < all->stretches && all->passed[all->come].begin <= at) all->come++;
    uint32_t next = all->come;
    at = past_space(text, at + 1);
    if (text[at] == '}') return 0;
    for (;;) {
        const uint8_t *plain = text + at + 1;
        if (text[at] != '"' || (at = past_string(text, at + 1, length, &escapes)) == 0) break;
        size_t size = (size_t)(text + at - plain) - 1;
        at = past_space(text, at);
        if (text[at] != ':') break;
        at = past_space(text, at + 1);
        if (escapes ? size > named->length : size == named->length) {
            if (escapes && (plain = unescaped(all, plain, &size)) == NULL) { all->starved = 1; return 0; }
            if (size == named->length && memcmp(plain, made->names + named->offset, size) == 0) return at;
        }
        if (text[at] == '"') {
            if ((at = past_string(text, at + 1, length, &escapes)) == 0) break;
        } else if (text[at] != '{' && text[at] != '[') {
            while (text[at] > ' ' && text[at] != ',' && text[at] != '}') at++;
        } else if (next < all->stretches) {
            if (all->passed[next].begin != at) break;
            at = all->passed[next].end;
            next = all->passed[next].next;
        } else {
            if ((at = past_nested(text, at, length, all)) == 0) break;
            next = all->stretches;
        }
        at = past_space(text, at);
        if (at > all->to) all->to = at;
        if (text[at] == '}') return 0;
        if (text[at] != ',') break;
        at = past_space(text, at + 1);
    }
    all->blind = 1;
    return 0;
}

/* The node by which the object at `at` leaves; NONE: there is no memory. */
SELDOM static int32_t chosen(const program *made, int32_t place, const uint8_t *text, size_t at, size_t length, store *all) {
    for (int asked = 0; (made->node[place].kinds & (CHOICE | ANYTHING)) == CHOICE; asked++) {
        const node *here = &made->node[place];
        const int32_t from = place;
        size_t found = 0, end;
        int escapes;
        place = here->others;
        if (asked < MOST_CHOICES && !all->blind) found = value_of(made, &made->member[here->first + here->count], text, at, length, all);
        if (found && text[found] == '"' && (end = past_string(text, found + 1, length, &escapes)) != 0) {
            const uint8_t *plain = text + found + 1;
            size_t size = end - found - 2;
            uint32_t next = UINT32_MAX;
            int known;
            if (escapes && (plain = unescaped(all, plain, &size)) == NULL) return NONE;
            known = look_up(made, from, &next, plain, size);
            if (known != NONE) place = made->member[here->first + (uint32_t)known].node;
        }
        if (all->starved) return NONE;
    }
    return place;
}

/* Where a fault was, as `$.items[3].owner`: names of the program alone, never one of the text. */
static void traced(const program *made, const frame *stack, uint32_t depth, char *trace, size_t room) {
    size_t used = 0;
#define PUT(byte) do { char put = (byte); if (used + 1 < room) trace[used++] = put; } while (0)
    PUT('$');
    for (uint32_t i = 1; i <= depth; i++) {
        const frame *one = &stack[i];
        if (one->array) {
            char digits[10];
            int count = 0;
            for (uint32_t rest = one->place; count == 0 || rest; rest /= 10) digits[count++] = (char)('0' + rest % 10);
            PUT('[');
            while (count) PUT(digits[--count]);
            PUT(']');
        } else if (one->mode == KEEP && one->place != UINT32_MAX) {
            const member *named = &made->member[made->node[one->node].first + one->place];
            PUT('.');
            for (uint32_t k = 0; k < named->length; k++) PUT(made->names[named->offset + k]);
        } else {
            PUT('.');
            PUT('*');
        }
    }
    trace[used] = 0;
}

/* The member of the program that a value stands in, through arrays; UINT32_MAX: none that has a name there. */
static uint32_t member_of(const program *made, const frame *stack, uint32_t depth) {
    for (; depth; depth--) {
        const frame *one = &stack[depth];
        if (one->array) continue;
        return one->mode == KEEP && one->place != UINT32_MAX ? made->node[one->node].first + one->place : UINT32_MAX;
    }
    return UINT32_MAX;
}

/* Whether something may stand in the text of a string, which lies between `at` and `end` with its quotes; negative: no memory. */
static int looked(const program *made, store *all, const uint8_t *text, size_t at, size_t end, int escapes) {
    const uint8_t *plain = text + at + 1;
    size_t size = end - at - 2;
    if (escapes && (plain = unescaped(all, plain, &size)) == NULL) return -1;
    return suspicious(made->watch, plain, size);
}

/* Projects by the node `root` into `out`, which has room for `length` bytes. Gives how many of them it wrote, and 32 bits above
 * how many members it left behind (MOST_TOLD where there are more), PAST and FLAGGED: something may stand in a text that should
 * not leave. A fault gives its status, negative,
 * and is told to `why` (may be NULL). Without `ask` nothing that is ASKED about leaves.
 * For a program with ceilings `out` has room for eight bytes more: PAST says that items are past one, and behind
 * `length` stands how many of them. What is in items that were cut is not counted with the members left behind.
 * It is made twice, for what CHOICE costs (five parts in a hundred) wherever it is asked about: `chooses` says whether it is. */
#define MOST_TOLD (((uint64_t)1 << 29) - 1)
#define PAST ((uint64_t)1 << 61)
#define FLAGGED ((uint64_t)1 << 62)

ALWAYS static int64_t project(const program *made, uint32_t root, const char *text_, size_t length, char *out_, asker ask,
                              fault *why, mark *marks, uint32_t room, uint32_t *marked, uint64_t wanted, const int chooses) {
    const uint8_t *const text = (const uint8_t *)text_;
    uint8_t *out = (uint8_t *)out_;
    size_t at = 0, from = 0, to = 0, written = 0, comma = 0, end, name = 0, name_end = 0, colon = 0;
    uint64_t withheld = 0, objects = 0, flagged = 0, surplus = 0, before = 0;
    uint32_t depth = 0, found = 0, expected = 0, cut = 0; /* at which depth items are cut, 0: nowhere; `before`: `withheld` then */
    int32_t place = (int32_t)root; /* the node of the value that comes */
    int mode = KEEP, escapes = 0;
    enum status status = MALFORMED;
    frame stack[MOST_DEPTH + 1];
    store all = {.room = 64};
    all.bits = all.own;

    /* What is kept is gathered to runs of bytes that stand side by side. */
#define FLUSH do { memcpy(out + written, text + from, to - from); written += to - from; } while (0)
#define EMIT(begin, finish) do { if ((begin) != to) { FLUSH; from = (begin); } to = (finish); } while (0)
#define FAIL(why) do { status = (why); goto out; } while (0)
#define WANT(kind_) do { found = (kind_); if (mode == KEEP) { expected = made->node[place].kinds; \
        if (!(expected & (kind_))) FAIL(UNPROMISED); } } while (0)

    if (root >= made->nodes) return -NO_MEMORY;
    if (length > UINT32_MAX) FAIL(TOO_LONG);
    if (made->node[root].kinds & ANYTHING) mode = RAW;

value:
    at = past_space(text, at);
    switch (text[at]) {
    case '"':
        WANT(STRING);
        end = past_string(text, at + 1, length, &escapes);
        break;
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        end = past_number(text, at, &found);
        if (end && mode == KEEP) {
            expected = made->node[place].kinds;
            if (!(expected & (NUMBER | found))) FAIL(UNPROMISED);
        }
        break;
    case 't':
        WANT(BOOLEAN);
        end = past_word(text, at, "true");
        break;
    case 'f':
        WANT(BOOLEAN);
        end = past_word(text, at, "false");
        break;
    case 'n':
        end = past_word(text, at, "null");
        break;
    case '[': case '{': {
        int array = text[at] == '[';
        if (chooses && !array && mode == KEEP && (made->node[place].kinds & CHOICE)) {
            if ((place = chosen(made, place, text, at, length, &all)) == NONE) FAIL(NO_MEMORY);
            if (made->node[place].kinds & ANYTHING) mode = RAW;
        }
        WANT(array ? ARRAY : OBJECT);
        if (depth == made->deepest) FAIL(TOO_DEEP);
        frame *here = &stack[++depth];
        here->node = place;
        here->mode = (uint8_t)mode;
        here->array = (uint8_t)array;
        here->kept = 0;
        here->place = 0;
        if (mode != SKIP) EMIT(at, at + 1);
        at = past_space(text, at + 1);
        if (array) {
            if (text[at] == ']') goto close;
            goto element;
        }
        here->object = ++objects;
        here->next = 0;
        here->place = UINT32_MAX;
        here->bits = all.used;
        if (mode == KEEP && !RARELY(made->node[place].count > MOST_BITS) && !bits_for(&all, (made->node[place].count + 63u) / 64))
            FAIL(NO_MEMORY);
        here->names = all.used;
        if (text[at] == '}') goto close;
        goto name;
    }
    default:
        FAIL(MALFORMED);
    }
    if (end == 0) FAIL(MALFORMED);
    if (mode != SKIP) EMIT(at, end);
    int notable = mode == KEEP && (made->node[place].kinds & MARKED);
    if (made->watch != NULL && text[at] == '"' && (mode == KEEP ? (made->node[place].kinds & FREE) : mode == RAW)) {
        int found_ = looked(made, &all, text, at, end, escapes);
        if (found_ < 0) FAIL(NO_MEMORY);
        if (found_) { flagged = FLAGGED; notable = 1; }
    }
    if (RARELY(notable) && marked != NULL) {
        if (*marked < room) {
            const uint32_t by = mode == KEEP ? (uint32_t)place : UINT32_MAX;
            marks[*marked] = (mark){(uint32_t)(written + (at - from)), (uint32_t)(end - at), by, member_of(made, stack, depth)};
        }
        if (++*marked == wanted && why != NULL && why->trace != NULL && why->room) traced(made, stack, depth, why->trace, why->room);
    }
    at = end;

ended: {
    at = past_space(text, at);
    if (depth == 0) FAIL(at == length ? DONE : MALFORMED);
    frame *here = &stack[depth];
    if (text[at] == ',') {
        comma = at;
        at = past_space(text, at + 1);
        if (!here->array) goto name;
        if (here->place < UINT32_MAX) here->place++;
        goto element;
    }
    if (text[at] != (here->array ? ']' : '}')) FAIL(MALFORMED);
}

close: {
    if (RARELY(cut == depth)) {
        cut = 0;
        withheld = before;
    }
    frame *here = &stack[depth--];
    if (here->mode != SKIP) EMIT(at, at + 1);
    if (!here->array) all.used = here->bits;
    at++;
    goto ended;
}

element: {
    frame *here = &stack[depth];
    mode = here->mode;
    if (mode == KEEP) {
        const node *of = &made->node[here->node];
        if (RARELY((of->kinds & BOUNDED) && here->place >= made->most[here->node])) {
            surplus++;
            if (of->kinds & CUT) {
                if (!cut) { cut = depth; before = withheld; } /* all that is in it is skipped: none begins inside of another */
                mode = SKIP;
                goto value;
            }
        }
        place = of->items;
        if (made->node[place].kinds & ANYTHING) mode = RAW;
    }
    if (mode != SKIP && here->place) EMIT(comma, comma + 1);
    goto value;
}

name: {
    frame *here = &stack[depth];
    if (text[at] != '"') FAIL(MALFORMED);
    name = at;
    name_end = past_string(text, at + 1, length, &escapes);
    if (name_end == 0) FAIL(MALFORMED);
    colon = past_space(text, name_end);
    if (text[colon] != ':') FAIL(MALFORMED);
    at = colon + 1;
    mode = here->mode;
    if (mode == SKIP) { withheld++; goto value; }
    const uint8_t *plain = text + name + 1;
    size_t size = name_end - name - 2;
    if (escapes && (plain = unescaped(&all, plain, &size)) == NULL) FAIL(NO_MEMORY);
    if (mode == KEEP) {
        const node *of = &made->node[here->node];
        int known = look_up(made, here->node, &here->next, plain, size);
        here->place = (uint32_t)known;
        int hashed = RARELY(known == NONE || of->count > MOST_BITS);
        if (known != NONE) {
            place = made->member[of->first + (uint32_t)known].node;
            if (place != NONE && !hashed) {
                uint64_t *word = &all.bits[here->bits + (uint32_t)known / 64], bit = (uint64_t)1 << (known % 64);
                if (*word & bit) FAIL(REPEATED);
                *word |= bit;
            }
        } else {
            place = of->kinds & OTHERS ? of->others : NONE;
            if (place != NONE && (of->kinds & ASKED) && !let_by(made, &all, (uint32_t)here->node, plain, size, ask)) place = NONE;
        }
        if (place == NONE) { withheld++; mode = SKIP; goto value; }
        if (hashed) {
            enum status first = first_time(&all, here->names, keyed_hash(made->seed, here->object, plain, size));
            if (first != DONE) FAIL(first);
        }
        if (made->node[place].kinds & ANYTHING) mode = RAW;
    } else {
        enum status first = first_time(&all, here->names, keyed_hash(made->seed, here->object, plain, size));
        if (first != DONE) FAIL(first);
    }
    if (here->kept) EMIT(comma, comma + 1);
    here->kept = 1;
    EMIT(name, name_end);
    EMIT(colon, colon + 1);
    goto value;
}

out:
    if (status == DONE) {
        FLUSH;
    } else if (why != NULL) {
        why->position = at;
        why->expected = expected & CHOICE ? expected | OBJECT : expected;
        why->found = found;
        if (why->trace != NULL && why->room) traced(made, stack, depth, why->trace, why->room);
    }
    released(&all);
    if (status != DONE) return -(int64_t)status;
    if (surplus) {
        memcpy(out + length, &surplus, sizeof surplus);
        flagged |= PAST;
    }
    return (int64_t)(flagged | (withheld < MOST_TOLD ? withheld : MOST_TOLD) << 32 | written);
}

#define ARGUMENTS const program *made, uint32_t root, const char *text, size_t length, char *out, asker ask, fault *why, \
    mark *marks, uint32_t room, uint32_t *marked, uint64_t wanted
SELDOM static int64_t plain(ARGUMENTS) { return project(made, root, text, length, out, ask, why, marks, room, marked, wanted, 0); }
SELDOM static int64_t choosing(ARGUMENTS) { return project(made, root, text, length, out, ask, why, marks, room, marked, wanted, 1); }

EXPORT int64_t nf_project(const program *made, uint32_t root, const char *text, size_t length, char *out, asker ask, fault *why) {
    return (made->chooses ? choosing : plain)(made, root, text, length, out, ask, why, NULL, 0, NULL, 0);
}

/* The same, and tells of every scalar by a MARKED node and of every text in which something may stand, in order: the first `room` of
 * them in `marks`, how many there are in `marked`. Where `why` has a position other than 0, the place of that one goes to its trace. */
EXPORT int64_t nf_project_marked(const program *made, uint32_t root, const char *text, size_t length, char *out, asker ask,
                                 fault *why, mark *marks, uint32_t room, uint32_t *marked) {
    *marked = 0;
    return (made->chooses ? choosing : plain)(made, root, text, length, out, ask, why, marks, room, marked, why == NULL ? 0 : why->position);
}

#include "judge.h"

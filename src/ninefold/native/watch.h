/* Tells texts in which something may stand that should not leave from those in which nothing can: by the words that all of it has
 * (Aho, Corasick 1975), and by runs of digits. What stands there is for somebody else to say (ninefold.leak).
 *
 * Linear in the text, whoever wrote it. A watch does not change once it is made. docs/adr/0020-leaks.md. */

#define MOST_SETS 128

typedef struct {
    uint64_t set[2]; /* a bit for each set of words */
} sets;

typedef struct {
    uint32_t states, classes, shift; /* a row has 1 << shift columns */
    uint8_t of[256];     /* a byte's class; 0: of none of the words */
    uint32_t *next;      /* by state and class: where the next state's row begins, ENDS, and how many bytes of a word it knows, to 3 */
    uint8_t begins[1 << (16 - 3)]; /* a bit for the digest of every four bytes (by their classes) that a word begins with */
    sets *out;           /* by state: whose words end there */
    sets alone;          /* what needs nothing beside it */
    sets beside[MOST_SETS]; /* ... and what the others need, one of these */
    sets numbers, mixed, at; /* where a run of digits, of capitals and digits, or an @ stands for a word */
} watch;

#define ENDS 0x80000000u
#define DEEP 0x60000000u /* two bits */
#define ROW (~(ENDS | DEEP))
/* A digest of four bytes' classes, six bits each. */
#define DIGEST(four) ((uint16_t)(((four) * 0x9e3779b1u) >> 16))
#define SET(bits, one) ((bits).set[(one) >> 6] |= (uint64_t)1 << ((one) & 63))

static uint8_t folded(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c >= '0' && c <= '9' ? '9' : c; }

EXPORT void nf_unwatch(watch *made) {
    if (made == NULL) return;
    free(made->next); free(made->out);
    free(made);
}

/* Rows for all states: what a word's bytes lead to, and where else to go on where they do not (the longest other beginning). */
static int woven(watch *made, uint32_t *fail, uint32_t *queue, uint8_t *deep) {
    uint32_t head = 0, tail = 0, width = made->classes;
    for (uint32_t c = 0; c < width; c++) {
        uint32_t to = made->next[c];
        if (to == UINT32_MAX) { made->next[c] = 0; continue; }
        fail[to] = 0;
        deep[to] = 1;
        queue[tail++] = to;
    }
    while (head < tail) {
        uint32_t at = queue[head++];
        made->out[at].set[0] |= made->out[fail[at]].set[0];
        made->out[at].set[1] |= made->out[fail[at]].set[1];
        for (uint32_t c = 0; c < width; c++) {
            uint32_t *to = &made->next[(size_t)at * width + c], back = made->next[(size_t)fail[at] * width + c];
            if (*to == UINT32_MAX) { *to = back; continue; }
            fail[*to] = back;
            deep[*to] = deep[at] < 3 ? (uint8_t)(deep[at] + 1) : 3;
            queue[tail++] = *to;
        }
    }
    uint32_t *fitting = realloc(made->next, (size_t)made->states * width * sizeof *fitting);
    if (fitting != NULL) made->next = fitting;
    for (size_t i = 0; i < (size_t)made->states * width; i++) {
        uint32_t to = made->next[i];
        made->next[i] = to * width | (uint32_t)deep[to] << 29 | (made->out[to].set[0] | made->out[to].set[1] ? ENDS : 0);
    }
    return 1;
}

/* Marks how a word begins: four bytes, or all that it may begin with where it is of three. */
static void begun(watch *made, const uint8_t *word, uint32_t length) {
    uint32_t four = 0, rest = length < 4 ? 64 : 1;
    for (uint32_t k = 0; k < 4; k++) four = four << 6 | (k < length ? made->of[word[k]] & 63u : 0);
    while (rest--) made->begins[DIGEST(four | rest) >> 3] |= (uint8_t)(1 << (DIGEST(four | rest) & 7));
}

/* `words` are `count` texts one after the other, of these lengths, each of a set; those of one byte, 1 to 3, stand for a run of
 * digits, one of capitals and digits, and an @; the rest has three at least. `pairs` are `needed` times a set and the one it needs beside it, or itself where it needs none.
 * NULL: there is no memory for it, or a number is out of bounds. */
EXPORT watch *nf_watch(uint32_t count, const uint8_t *words, const uint32_t *lengths, const uint32_t *of, uint32_t needed, const uint32_t *pairs) {
    watch *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    uint64_t size = 1;
    made->classes = 1;
    const uint8_t *word = words;
    for (uint32_t i = 0; i < count; word += lengths[i++]) {
        if (of[i] >= MOST_SETS || lengths[i] > 256 || (lengths[i] < 3 && !(lengths[i] == 1 && word[0] >= 1 && word[0] <= 3))) { nf_unwatch(made); return NULL; }
        if (lengths[i] == 1) continue;
        for (uint32_t k = 0; k < lengths[i]; k++)
            if (made->of[folded(word[k])] == 0) made->of[folded(word[k])] = (uint8_t)made->classes++; /* 229 of them at most */
        size += lengths[i];
    }
    for (int c = 0; c < 256; c++) made->of[c] = made->of[folded((uint8_t)c)];
    while (1u << made->shift < made->classes) made->shift++;
    made->classes = 1u << made->shift;
    uint32_t *fail = NULL, *queue = NULL;
    uint8_t *deep = NULL;
    int well = size * made->classes < 1u << 29;
    if (well) {
        made->next = malloc(size * made->classes * sizeof *made->next);
        made->out = calloc(size, sizeof *made->out);
        fail = calloc(size, sizeof *fail);
        queue = calloc(size, sizeof *queue);
        deep = calloc(size, 1);
        well = made->next && made->out && fail && queue && deep;
    }
    if (well) {
        memset(made->next, 0xff, size * made->classes * sizeof *made->next);
        made->states = 1;
        word = words;
        for (uint32_t i = 0; i < count; word += lengths[i++]) {
            if (lengths[i] == 1) {
                sets *sign = word[0] == 1 ? &made->numbers : word[0] == 2 ? &made->mixed : &made->at;
                SET(*sign, of[i]);
                continue;
            }
            uint32_t at = 0;
            for (uint32_t k = 0; k < lengths[i]; k++) {
                uint32_t *to = &made->next[(size_t)at * made->classes + made->of[word[k]]];
                if (*to == UINT32_MAX) *to = made->states++;
                at = *to;
            }
            SET(made->out[at], of[i]);
            begun(made, word, lengths[i]);
        }
        well = woven(made, fail, queue, deep);
    }
    for (uint32_t i = 0; well && i < needed; i++) {
        uint32_t one = pairs[2 * i], other = pairs[2 * i + 1];
        if (one >= MOST_SETS || other >= MOST_SETS) well = 0;
        else if (one == other) SET(made->alone, one);
        else SET(made->beside[one], other);
    }
    free(fail); free(queue); free(deep);
    if (well) return made;
    nf_unwatch(made);
    return NULL;
}

/* ---- what a text has ------------------------------------------------------------------------------------------------ */

typedef uint8_t sixteen __attribute__((vector_size(16)));

/* Whether a text has nothing but letters, and what stands between words of prose. */
static int is_prose(const uint8_t *text, size_t length) {
    for (size_t at = 0; at < length; at += 16) {
        sixteen bytes;
        if (at + 16 <= length) {
            memcpy(&bytes, text + at, 16);
        } else {
            uint8_t rest[16];
            memset(rest, ' ', 16);
            memcpy(rest, text + at, length - at);
            memcpy(&bytes, rest, 16);
        }
        sixteen odd = (sixteen)((((bytes | 0x20) - 'a') >= 26) & (bytes < 0x80) & (bytes != ' ') & (bytes != '.') & (bytes != ',') &
                                (bytes != '-') & (bytes != '\n') & (bytes != '!') & (bytes != '?'));
        uint64_t half[2];
        memcpy(half, &odd, 16);
        if (half[0] | half[1]) return 0;
    }
    return 1;
}

#define CAPITAL(byte) ((uint8_t)((byte) - 'A') < 26)
#define LETTER(byte) ((uint8_t)(((byte) | 0x20) - 'a') < 26)
#define ALNUM(byte) (DIGIT(byte) || LETTER(byte))

/* Where a run of digits ends, which begins at `at`, with one sign between two of them at most; `many`: nine, or eight in four groups. */
static size_t past_digits(const uint8_t *text, size_t at, size_t length, int *many) {
    size_t begin = at, digits = 0, parts = 0, hyphens = 0;
    while (at < length) {
        if (DIGIT(text[at])) {
            digits++;
            at++;
            continue;
        }
        uint8_t c = text[at];
        if (c == 0xc2 && at + 2 < length && text[at + 1] == 0xa0 && DIGIT(text[at + 2])) { at += 2; parts++; continue; } /* no-break space */
        if (c == 0xe2 && at + 3 < length && text[at + 1] == 0x80 && DIGIT(text[at + 3])) { at += 3; parts++; continue; } /* thin ones */
        if ((c != ' ' && c != '.' && c != '-' && c != '/' && c != '+') || at + 1 >= length || !DIGIT(text[at + 1])) break;
        if (c == ' ' && digits == 8 && hyphens == 2 && at - begin == 10) break; /* a date, and the time behind it (ISO 8601) */
        parts++;
        hyphens += c == '-';
        at++;
    }
    *many = digits >= 9 || (digits == 8 && (parts >= 3 || (at + 1 < length && text[at] == '-' && CAPITAL(text[at + 1]))));
    return at;
}

/* Looks for runs of digits, and of capitals and digits. */
static void counted(const uint8_t *text, size_t length, int *number, int *mixed) {
    *number = *mixed = 0;
    for (size_t at = 0; at < length;) {
        if (!ALNUM(text[at])) { at++; continue; }
        size_t begin = at, digits = 0, capitals = 0;
        for (; at < length && ALNUM(text[at]); at++) {
            digits += DIGIT(text[at]);
            capitals += CAPITAL(text[at]);
        }
        size_t size = at - begin;
        if (digits + capitals == size && digits >= 4 && capitals && size >= 8 && size <= 34) *mixed = 1;
        if (size > 13 && text[begin] == 'B' && begin && text[begin - 1] == '%') begin++; /* what a card's magnetic stripe says (ISO/IEC 7813) */
        if (!*number && DIGIT(text[begin])) {
            int many;
            uint8_t before = begin ? text[begin - 1] : ' ';
            size_t end = past_digits(text, begin, length, &many);
            if (before == '+' || before == '-' || before == '.' || before == '_') many = 0; /* a telephone number, a part of something */
            *number = many;
            if (end > at && !many) at = end;
        }
    }
}

/* Which sets have a word in a text. Nearly all of it is passed by four bytes that no word begins with. */
static sets heard(const watch *made, const uint8_t *text, size_t length) {
    sets told = {{0, 0}};
    const uint32_t *next = made->next;
    const uint8_t *of = made->of;
    uint32_t digits = 0;
    for (size_t at = 0; at < length;) {
        uint32_t four = 0;
        for (size_t k = at; k < at + 3 && k < length; k++) four = four << 6 | (of[text[k]] & 63);
        for (; at + 3 < length; at++) {
            four = (four << 6 | (of[text[at + 3]] & 63)) & 0xffffff;
            uint16_t digest = DIGEST(four);
            digits += DIGIT(text[at]);
            if (RARELY(made->begins[digest >> 3] >> (digest & 7) & 1)) break;
        }
        size_t from = at;
        uint32_t row = 0, to = 0;
        while (at < length) {
            to = next[row + of[text[at]]];
            digits += DIGIT(text[at++]);
            row = to & ROW;
            if (to & ENDS) {
                const sets *out = &made->out[row >> made->shift];
                told.set[0] |= out->set[0];
                told.set[1] |= out->set[1];
            }
            if ((to & DEEP) != DEEP && (at - from >= 3 || (to & DEEP) == 0)) break;
        }
        if (at < length) at -= (to & DEEP) >> 29; /* what the state knows of is looked at anew */
    }
    if (memchr(text, '@', length) != NULL) for (int i = 0; i < 2; i++) told.set[i] |= made->at.set[i];
    if (digits >= 4) {
        int number, mixed;
        counted(text, length, &number, &mixed);
        for (int i = 0; i < 2; i++) told.set[i] |= (number ? made->numbers.set[i] : 0) | (mixed ? made->mixed.set[i] : 0);
    }
    return told;
}

/* Whether something may stand in a text (UTF-8, without escapes). */
static int suspicious(const watch *made, const uint8_t *text, size_t length) {
    if (length < 4 || is_prose(text, length)) return 0;
    sets told = heard(made, text, length);
    if ((told.set[0] & made->alone.set[0]) | (told.set[1] & made->alone.set[1])) return 1;
    for (int i = 0; i < 2; i++) {
        for (uint64_t rest = told.set[i]; rest; rest &= rest - 1) {
            const sets *beside = &made->beside[64 * i + __builtin_ctzll(rest)];
            if ((told.set[0] & beside->set[0]) | (told.set[1] & beside->set[1])) return 1;
        }
    }
    return 0;
}

/* The same of one text, and which sets have a word in it, in `told`. */
EXPORT int nf_look(const watch *made, const char *text, size_t length, uint64_t told[2]) {
    sets found = heard(made, (const uint8_t *)text, length);
    told[0] = found.set[0];
    told[1] = found.set[1];
    return suspicious(made, (const uint8_t *)text, length);
}

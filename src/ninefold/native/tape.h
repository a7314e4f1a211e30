/* A JSON text (RFC 8259) as a tape: an entry for each value and each name, so that what is read twice is not parsed twice.
 *
 * Part of `project.c`, whose tokens it uses. It writes to memory of its own alone. */

#pragma once

enum { MOST_NESTING = 200, MOST_PLAIN = 18, MOST_DECIMAL = 15, MOST_EXPONENT = 2, MOST_DIGITS = 300 };

enum writing { PLAIN, DECIMAL, OTHER }; /* numbers: an int64_t; digits and a point, exact enough as a double; any other way */

/* A name is an entry, and so is its value behind it. `count` is of bytes, elements or members; `next` is what follows. */
typedef struct {
    uint32_t at, count, next;
    uint8_t kind, how; /* strings: whether there are escapes; numbers: their `writing`; `true` is 1 */
} entry;

typedef struct {
    entry *entry;
    size_t used, room;
} tape;

static entry *entry_for(tape *on) {
    if (on->used == on->room) {
        const size_t room = 2 * on->room;
        entry *grown = realloc(on->entry, room * sizeof *grown);
        if (grown == NULL) return NULL;
        on->entry = grown;
        on->room = room;
    }
    return &on->entry[on->used++];
}

/* How a number is written. 0: so that nobody is to judge it but who reads its digits. */
static int number_written(const uint8_t *text, size_t at, size_t end, uint8_t *how) {
    size_t digits = 0, exponent = 0;
    int point = 0, powers = 0;
    for (; at < end; at++) {
        if (DIGIT(text[at])) { if (powers) exponent++; else digits++; }
        else if (text[at] == '.') point = 1;
        else if (text[at] != '-' && text[at] != '+') powers = 1;
    }
    *how = (uint8_t)(powers ? OTHER : point ? (digits > MOST_DECIMAL ? OTHER : DECIMAL) : digits > MOST_PLAIN ? OTHER : PLAIN);
    return digits <= MOST_DIGITS && exponent <= MOST_EXPONENT;
}

/* 0: it is no JSON, nests too deep, has a number that is left to others, or there is no memory. */
static int taped(tape *on, const uint8_t *text, size_t length) {
    uint32_t open[MOST_NESTING + 1], depth = 0, found;
    size_t at = 0, end = 0;
    int escapes;
    entry *one;
value:
    at = past_space(text, at);
    if ((one = entry_for(on)) == NULL) return 0;
    one->at = (uint32_t)at;
    one->how = 0;
    switch (text[at]) {
    case '"':
        if ((end = past_string(text, at + 1, length, &escapes)) == 0) return 0;
        *one = (entry){(uint32_t)at + 1, (uint32_t)(end - at - 2), (uint32_t)on->used, STRING, (uint8_t)escapes};
        break;
    case 't':
        one->how = 1;
        one->kind = BOOLEAN;
        end = past_word(text, at, "true");
        break;
    case 'f':
        one->kind = BOOLEAN;
        end = past_word(text, at, "false");
        break;
    case 'n':
        one->kind = NOTHING;
        end = past_word(text, at, "null");
        break;
    case '[': case '{':
        if (depth == MOST_NESTING) return 0;
        open[++depth] = (uint32_t)on->used - 1;
        one->kind = text[at] == '[' ? ARRAY : OBJECT;
        one->count = 0;
        at = past_space(text, at + 1);
        if (text[at] == (one->kind == ARRAY ? ']' : '}')) goto close;
        goto inner;
    default: /* a number, or nothing */
        if ((end = past_number(text, at, &found)) == 0 || !number_written(text, at, end, &one->how)) return 0;
        one->kind = (uint8_t)found;
    }
    if (end == 0) return 0;
    one->count = (uint32_t)(end - one->at) - (one->kind == STRING);
    one->next = (uint32_t)on->used;
    at = end;
ended:
    at = past_space(text, at);
    if (depth == 0) return at == length;
    if (text[at] == ',') {
        at = past_space(text, at + 1);
        goto inner;
    }
    if (text[at] != (on->entry[open[depth]].kind == ARRAY ? ']' : '}')) return 0;
close:
    on->entry[open[depth--]].next = (uint32_t)on->used;
    at++;
    goto ended;
inner:
    on->entry[open[depth]].count++;
    if (on->entry[open[depth]].kind == ARRAY) goto value;
    if (text[at] != '"' || (end = past_string(text, at + 1, length, &escapes)) == 0 || (one = entry_for(on)) == NULL) return 0;
    *one = (entry){(uint32_t)at + 1, (uint32_t)(end - at - 2), (uint32_t)on->used, STRING, (uint8_t)escapes};
    at = past_space(text, end);
    if (text[at] != ':') return 0;
    at++;
    goto value;
}

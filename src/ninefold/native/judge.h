/* Holds a JSON text against rules that were made from a JSON Schema: YES only where it surely fits (docs/adr/0011-schemas.md).
 *
 * Part of `project.c`. First the text becomes a tape, then rules are followed over it, so that alternatives parse no text twice. What
 * is not sure (a number on its bound, an expression without an automaton, a text that nests deep or takes too many steps) is UNSURE,
 * and somebody else's to judge. The rules that it keeps: it writes to memory of its own alone; it calls itself at most MOST_CALLS
 * deep, and the steps of a call are bounded by the text's length. */

#pragma once

#include "rules.h"
#include "tape.h"

enum {
    MOST_CALLS = 400,
    STEPS = 100000, STEPS_EACH = 16, /* in one text: so many, and so many more for each entry */
};

typedef struct {
    const rules *made;
    const uint8_t *text;
    const entry *tape;
    store *all;
    int64_t left; /* steps */
} hearing;

/* A string without its escapes, until the next one is asked for. NULL: there is no memory. */
static const uint8_t *string_of(const hearing *on, const entry *one, size_t *length) {
    *length = one->count;
    return one->how ? unescaped(on->all, on->text + one->at, length) : on->text + one->at;
}

static size_t characters(const uint8_t *at, size_t length) {
    size_t found = 0;
    for (size_t i = 0; i < length; i++) found += !TAIL(at[i]);
    return found;
}

SELDOM static uint32_t class_of(const rules *made, const automaton *by, const uint8_t **at) {
    const uint8_t *text = *at;
    uint32_t point, low = 0, high = by->ranges;
    if (text[0] < 0xe0) {
        point = (text[0] & 31u) << 6 | (text[1] & 63u);
        *at += 2;
    } else if (text[0] < 0xf0) {
        point = (text[0] & 15u) << 12 | (text[1] & 63u) << 6 | (text[2] & 63u);
        *at += 3;
    } else {
        point = (text[0] & 7u) << 18 | (text[1] & 63u) << 12 | (text[2] & 63u) << 6 | (text[3] & 63u);
        *at += 4;
    }
    while (high - low > 1) {
        const uint32_t middle = (low + high) / 2;
        if (made->range[by->range + middle].first <= point) low = middle; else high = middle;
    }
    return made->range[by->range + low].class_;
}

static enum verdict fits(const rules *made, int32_t which, const uint8_t *at, size_t length) {
    const automaton *by = &made->automaton[which];
    const uint32_t *step = made->step + by->steps, ends = STARTS * by->classes;
    const uint8_t *end = at + length;
    uint32_t row = by->start * by->classes;
    while (at < end && row >= ends) row = step[row + (*at < 128 ? by->ascii[*at++] : class_of(made, by, &at))];
    const enum verdict found = made->final[by->finals + row / by->classes];
    return found == YES && length > by->longest ? UNSURE : found;
}

static enum verdict string_judged(hearing *on, const rule *by, const entry *one) {
    const uint8_t *text;
    size_t length;
    enum verdict found = YES;
    if (by->pattern == NONE && by->format == NONE && !by->shortest && one->count <= by->longest) return YES;
    if ((text = string_of(on, one, &length)) == NULL) return UNSURE;
    on->left -= one->count / 16;
    if (length / 4 < by->shortest || length > by->longest) { /* each takes one to four bytes */
        const size_t many = characters(text, length);
        if (many < by->shortest || many > by->longest) return NO;
    }
    if (by->pattern != NONE && (found = fits(on->made, by->pattern, text, length)) == NO) return NO;
    if (by->format != NONE) {
        const enum verdict other = fits(on->made, by->format, text, length);
        if (other < found) found = other;
    }
    return found;
}

static int64_t whole_of(const uint8_t *text, const entry *one) {
    int64_t found = 0;
    for (uint32_t i = text[one->at] == '-'; i < one->count; i++) found = found * 10 + (text[one->at + i] - '0');
    return text[one->at] == '-' ? -found : found;
}

/* Of a number that is PLAIN or DECIMAL the nearest double: 10**22 is the last power of ten that is one. */
static double double_of(const uint8_t *text, const entry *one) {
    int64_t digits = 0;
    double scale = 1;
    int behind = 0;
    if (one->how == PLAIN) return (double)whole_of(text, one);
    for (uint32_t i = text[one->at] == '-'; i < one->count; i++) {
        const uint8_t byte = text[one->at + i];
        if (byte == '.') { behind = 1; continue; }
        digits = digits * 10 + (byte - '0');
        if (behind) scale *= 10;
    }
    return (text[one->at] == '-' ? -(double)digits : (double)digits) / scale;
}

static enum verdict number_judged(const hearing *on, const rule *by, const entry *one) {
    enum verdict found = YES;
    if (!(by->kinds & NUMBER) && one->how != PLAIN) found = UNSURE; /* an integer, but written as a fraction */
    if (one->how == PLAIN) {
        const int64_t whole = whole_of(on->text, one);
        return whole >= by->least && whole <= by->most && (!by->multiple || whole % by->multiple == 0) ? found : NO;
    }
    if (by->multiple) found = UNSURE;
    if (by->over == -__builtin_inf() && by->under == __builtin_inf()) return found;
    if (one->how == OTHER) return UNSURE;
    const double near = double_of(on->text, one);
    if (near < by->over || near > by->under) return NO;
    return near > by->over && near < by->under ? found : UNSURE; /* on the bound: which side it is on, only its digits say */
}

static enum verdict among(hearing *on, const rule *by, const entry *one) {
    const constant *value = on->made->value + by->value;
    enum verdict found = NO;
    size_t length = 0;
    const uint8_t *text = one->kind == STRING ? string_of(on, one, &length) : NULL;
    if (one->kind == STRING && text == NULL) return UNSURE;
    const int64_t whole = one->kind == BOOLEAN ? one->how : one->kind == INTEGER && one->how == PLAIN ? whole_of(on->text, one) : 0;
    if (text != NULL && by->among != NONE) {
        uint32_t next = 0;
        return look_up(on->made->names, by->among, &next, text, length) == NONE ? NO : YES;
    }
    on->left -= by->values / 32;
    for (uint32_t i = 0; i < by->values; i++, value++) {
        if (value->kind == STRING) {
            if (text != NULL && value->length == length && memcmp(on->made->text + value->offset, text, length) == 0) return YES;
        } else if (value->kind == INTEGER) {
            if (one->kind != INTEGER) continue;
            if (one->how != PLAIN) found = UNSURE;
            else if (whole == value->whole) return YES;
        } else if (value->kind == NUMBER) { /* some number, one of no such kind as is compared here */
            if (one->kind & (INTEGER | NUMBER)) found = UNSURE;
        } else if (value->kind == one->kind) {
            if (value->kind == NOTHING || (value->kind == BOOLEAN && whole == value->whole)) return YES;
            if (value->kind != BOOLEAN) found = UNSURE;
        }
    }
    return found;
}

static uint64_t mixed(uint64_t one, uint64_t other) {
    one = (one ^ other) * 0xff51afd7ed558ccdu;
    one = (one ^ one >> 33) * 0xc4ceb9fe1a85ec53u;
    return one ^ one >> 33;
}

/* Another one for other short texts than `name_hash` has, by which names alone are looked for. */
static uint64_t text_hash(const uint8_t *text, size_t length) {
    uint64_t hash = mixed(0x9e3779b97f4a7c15u, length);
    for (; length > 8; text += 8, length -= 8) hash = mixed(hash, up_to_eight(text, 8));
    return mixed(hash, up_to_eight(text, length));
}

/* Equal values have equal hashes: objects in any order, numbers however they are written. 0: one of them is not sure. */
static uint64_t value_hash(hearing *on, uint32_t i) {
    const entry *one = &on->tape[i];
    uint64_t hash = mixed(one->kind & NUMBER ? INTEGER : one->kind, 0x9e3779b97f4a7c15u), inner;
    size_t length;
    const uint8_t *text;
    if (--on->left < 0) return 0;
    switch (one->kind) {
    case STRING:
        if ((text = string_of(on, one, &length)) == NULL) return 0;
        on->left -= one->count / 16;
        return mixed(hash, text_hash(text, length)) | 1;
    case INTEGER: case NUMBER: {
        if (one->how == OTHER) return 0;
        const double number = double_of(on->text, one) + 0.0; /* no -0 */
        memcpy(&inner, &number, sizeof inner);
        return mixed(hash, inner) | 1;
    }
    case ARRAY: case OBJECT:
        for (uint32_t k = 0, child = i + 1; k < one->count; k++, child = on->tape[child].next) {
            uint64_t name = 0;
            if (one->kind == OBJECT) {
                if ((text = string_of(on, &on->tape[child++], &length)) == NULL) return 0;
                name = text_hash(text, length);
            }
            if ((inner = value_hash(on, child)) == 0) return 0;
            hash = one->kind == OBJECT ? hash + mixed(name, inner) : mixed(hash, inner);
        }
        return hash | 1;
    default:
        return mixed(hash, one->how) | 1;
    }
}

/* YES where all elements have different hashes. Where two are alike, who compares the values knows more. */
static enum verdict unique(hearing *on, uint32_t i) {
    const entry *one = &on->tape[i];
    size_t slots = 4, run;
    enum verdict found = YES;
    if (one->count < 2) return YES;
    while (slots < 2 * (size_t)one->count) slots *= 2;
    uint64_t *seen = calloc(slots, sizeof *seen);
    if (seen == NULL) return UNSURE;
    for (uint32_t k = 0, child = i + 1; k < one->count && found == YES; k++, child = on->tape[child].next) {
        const uint64_t hash = value_hash(on, child);
        size_t slot = (hash >> 1) & (slots - 1);
        if (hash == 0) found = UNSURE;
        for (run = 0; found == YES && seen[slot]; slot = (slot + 1) & (slots - 1))
            if (seen[slot] == hash || ++run > MOST_RUN) found = UNSURE;
        seen[slot] = hash;
    }
    free(seen);
    return found;
}

static enum verdict judged(hearing *on, int32_t at, uint32_t i, uint32_t calls);

/* By what holds a value to another rule; NONE lets all pass. Goes on in the caller where it is YES or UNSURE. */
#define HELD(node_, index) do { const int32_t node__ = (node_); if (node__ != NONE) { \
        const enum verdict held__ = judged(on, node__, (index), calls); \
        if (held__ == NO) return NO; \
        if (held__ < found) found = held__; \
        if (on->left < 0) return UNSURE; } } while (0)

static enum verdict array_judged(hearing *on, const rule *by, uint32_t i, uint32_t calls) {
    const entry *one = &on->tape[i];
    enum verdict found = YES;
    if (one->count < by->fewest || one->count > by->most_items) return NO;
    if (by->items != NONE || by->prefixes) {
        for (uint32_t k = 0, child = i + 1; k < one->count; k++, child = on->tape[child].next)
            HELD(k < by->prefixes ? on->made->ref[by->prefix + k] : by->items, child);
    }
    if (by->bits & UNIQUE && unique(on, i) != YES) found = UNSURE;
    return found;
}

static enum verdict object_judged(hearing *on, int32_t at, const rule *by, uint32_t i, uint32_t calls) {
    const rules *made = on->made;
    const entry *one = &on->tape[i];
    const uint32_t first = made->names->node[at].first;
    const uint32_t named_here = made->names->node[at].count;
    /* where it says nothing of members that it does not name, those that it does name are enough */
    const int all = by->others != NONE || by->fittings || named_here > 63;
    enum verdict found = YES;
    uint64_t seen = 0, left = all ? 1 : ((uint64_t)1 << named_here) - 1;
    uint32_t next = 0;
    size_t length;
    const uint8_t *name;
    if (one->count < by->fewest_members || one->count > by->most_members) return NO;
    for (uint32_t k = 0, child = i + 1; k < one->count && left; k++, child = on->tape[child].next) {
        const entry *named = &on->tape[child++];
        int declared = 0;
        if (--on->left < 0 || (name = string_of(on, named, &length)) == NULL) return UNSURE;
        const int known = look_up(made->names, at, &next, name, length);
        if (known != NONE) {
            const uint8_t need = made->need[first + (uint32_t)known];
            if (need & NEEDED) seen |= (uint64_t)1 << (need & 63);
            declared = !(need & UNNAMED);
            if (!all) left &= ~((uint64_t)1 << known);
            if (declared) HELD(made->names->member[first + (uint32_t)known].node, child);
        }
        for (uint32_t p = 0; p < by->fittings; p++) {
            if ((name = string_of(on, named, &length)) == NULL) return UNSURE;
            on->left -= 1 + named->count / 16;
            const enum verdict fitting = fits(made, made->ref[by->fitting + 2 * p], name, length);
            if (fitting == NO) continue;
            if (fitting == UNSURE) return UNSURE;
            declared = 1;
            HELD(made->ref[by->fitting + 2 * p + 1], child);
        }
        if (!declared) HELD(by->others, child);
    }
    return seen == by->required ? found : NO;
}

static enum verdict part_judged(hearing *on, const part *by, uint32_t i, uint32_t calls) {
    const int32_t *ref = on->made->ref + by->ref;
    enum verdict found = by->kind == ALL ? YES : NO, one;
    uint32_t yes = 0, unsure = 0;
#define BY(node_) ((node_) == NONE ? YES : judged(on, (node_), i, calls))
    if (by->kind == NOT) return (enum verdict)(YES - BY(ref[0]));
    if (by->kind == IF) {
        one = BY(ref[0]);
        if (one != UNSURE) return BY(ref[one == YES ? 1 : 2]);
        return BY(ref[1]) == YES && BY(ref[2]) == YES ? YES : UNSURE;
    }
    for (uint32_t k = 0; k < by->refs; k++) {
        one = BY(ref[k]);
        if (on->left < 0) return UNSURE;
        if (by->kind == ALL) {
            if (one == NO) return NO;
            if (one < found) found = one;
        } else {
            if (one == YES && by->kind == ANY) return YES;
            if (one == YES && ++yes > 1) return NO;
            unsure += one == UNSURE;
        }
    }
    if (by->kind == ALL) return found;
    return unsure ? UNSURE : yes ? YES : NO;
}

static enum verdict judged(hearing *on, int32_t at, uint32_t i, uint32_t calls) {
    const rule *by = &on->made->rule[at];
    const entry *one = &on->tape[i];
    const uint32_t kind = one->kind;
    enum verdict found = by->doubt & kind ? UNSURE : YES, own = YES;
    if (by->bits & OPEN) return YES;
    if (++calls > MOST_CALLS || --on->left < 0) return UNSURE;
    if (!(by->kinds & kind) && !(kind == INTEGER && by->kinds & NUMBER)) return NO;
    if ((by->values || by->among != NONE) && (own = among(on, by, one)) == NO) return NO;
    if (own < found) found = own;
    switch (kind) {
    case STRING: own = string_judged(on, by, one); break;
    case INTEGER: case NUMBER: own = number_judged(on, by, one); break;
    case ARRAY: own = array_judged(on, by, i, calls); break;
    case OBJECT: own = object_judged(on, at, by, i, calls); break;
    default: own = YES;
    }
    if (own == NO) return NO;
    if (own < found) found = own;
    for (uint32_t k = 0; k < by->parts; k++) {
        own = part_judged(on, &on->made->part[by->part + k], i, calls);
        if (own == NO) return NO;
        if (own < found) found = own;
    }
    return found;
}

/* Whether a text in which no object has a member twice fits the rule `root`: a verdict. What is no JSON is UNSURE. */
EXPORT int nf_judge(const rules *made, uint32_t root, const char *text_, size_t length) {
    const uint8_t *text = (const uint8_t *)text_;
    tape on = {.room = length / 8 + 16};
    store all = {.room = 64};
    enum verdict found = UNSURE;
    if (root >= made->size.nodes || length > UINT32_MAX) return UNSURE;
    all.bits = all.own;
    on.entry = malloc(on.room * sizeof *on.entry);
    if (on.entry != NULL && taped(&on, text, length)) {
        hearing with = {made, text, on.entry, &all, STEPS + STEPS_EACH * (int64_t)on.used};
        found = judged(&with, (int32_t)root, 0, 0);
        if (with.left < 0) found = UNSURE;
    }
    free(on.entry);
    released(&all);
    return found;
}

/* Rules that were made from JSON Schemas, and automata that were made from their expressions: what `judge.h` follows.
 *
 * Part of `project.c`, whose tables of names they use. Every index is checked when they are made (docs/adr/0011-schemas.md). */

#pragma once

enum verdict { NO = 0, UNSURE = 1, YES = 2 };

enum {
    NOTHING = 1,                /* `null`, beside the kinds of `enum kind` */
    STARTS = 2,                 /* an automaton's first state that goes on; 0 and 1 are its ends */
    NEEDED = 64, UNNAMED = 128, /* of a member: it has to be there, by the bits below; it is known for that alone */
};

enum part_kind { ALL = 0, ANY = 1, ONE = 2, NOT = 3, IF = 4 };
enum bits { OPEN = 1, UNIQUE = 2 };

typedef struct {
    double over, under;         /* numbers that are no integers are between */
    int64_t least, most, multiple;
    uint64_t required;          /* a bit for each member that has to be there */
    uint32_t bits, kinds, doubt; /* OPEN: anything fits. `doubt`: kinds of which the rule does not say all */
    uint32_t shortest, longest, fewest, most_items, fewest_members, most_members;
    int32_t pattern, format, items, others, among; /* automata, rules; one whose members' names are the strings that fit; NONE */
    uint32_t prefix, prefixes, value, values, fitting, fittings, part, parts;
} rule;

typedef struct {
    int64_t whole;
    uint32_t kind, offset, length, padding; /* STRING: texts[offset .. offset + length]; INTEGER, BOOLEAN: `whole` */
} constant;

typedef struct { uint32_t kind, ref, refs; } part;

/* Steps by `step[state * classes + class]`: the next state, or once they are made where its steps begin; `final` says what becomes of a text that ends in a state. What is longer than
 * `longest`, in bytes, does not surely fit. */
typedef struct {
    uint32_t start, states, classes, steps, finals, range, ranges, longest;
    uint8_t ascii[128];
} automaton;

typedef struct { uint32_t first, class_; } range; /* of characters from 128 on, to the next range */

/* What rules are made of: how many of each there are, and where. `need` is by member, `rule` and `node` by node. */
typedef struct {
    uint32_t nodes, members, names, values, texts, parts, refs, automata, steps, finals, ranges;
    const char *node, *member, *name, *rule, *need, *value, *text, *part, *ref, *automaton, *step, *final, *range;
} tables;

typedef struct {
    program *names; /* its nodes are the rules' numbers, for their tables of members alone */
    tables size;
    rule *rule;
    uint8_t *need, *text, *final;
    constant *value;
    part *part;
    int32_t *ref;
    automaton *automaton;
    uint32_t *step; /* `tables` has the numbers of states, of 16 bits each */
    range *range;
} rules;

EXPORT void nf_rules_free(rules *made) {
    if (made == NULL) return;
    nf_free(made->names);
    free(made->rule); free(made->need); free(made->text); free(made->final); free(made->value); free(made->part); free(made->ref);
    free(made->automaton); free(made->step); free(made->range);
    free(made);
}

static int within(uint32_t first, uint32_t count, uint32_t size) { return (uint64_t)first + count <= size; }
static int known_or_none(int32_t index, uint32_t size) { return index >= NONE && index < (int64_t)size; }

static int sound_automaton(const rules *made, const automaton *one, const char *steps) {
    const tables *size = &made->size;
    if (one->states <= STARTS || one->start >= one->states || !one->classes) return 0;
    if ((uint64_t)one->states * one->classes > size->steps || !within(one->steps, one->states * one->classes, size->steps)) return 0;
    if (!within(one->finals, one->states, size->finals) || !one->ranges || !within(one->range, one->ranges, size->ranges)) return 0;
    for (uint32_t i = 0; i < one->states * one->classes; i++) {
        uint16_t to;
        memcpy(&to, steps + (size_t)(one->steps + i) * sizeof to, sizeof to);
        if (to >= one->states) return 0;
        made->step[one->steps + i] = to * one->classes;
    }
    for (uint32_t i = 0; i < one->states; i++) if (made->final[one->finals + i] > YES) return 0;
    for (uint32_t i = 0; i < sizeof one->ascii; i++) if (one->ascii[i] >= one->classes) return 0;
    for (uint32_t i = 0; i < one->ranges; i++) if (made->range[one->range + i].class_ >= one->classes) return 0;
    return made->range[one->range].first == 0;
}

/* `refs` are to rules. */
static int sound_refs(const rules *made, uint32_t first, uint32_t count) {
    if (!within(first, count, made->size.refs)) return 0;
    for (uint32_t i = 0; i < count; i++) if (!known_or_none(made->ref[first + i], made->size.nodes)) return 0;
    return 1;
}

static int sound_rules(const rules *made, const char *steps) {
    const tables *size = &made->size;
    for (uint32_t i = 0; i < size->automata; i++) if (!sound_automaton(made, &made->automaton[i], steps)) return 0;
    for (uint32_t i = 0; i < size->values; i++) {
        const constant *one = &made->value[i];
        if (one->kind == STRING && !within(one->offset, one->length, size->texts)) return 0;
    }
    for (uint32_t i = 0; i < size->parts; i++) {
        const part *one = &made->part[i];
        if (one->kind > IF || !sound_refs(made, one->ref, one->refs)) return 0;
        if ((one->kind == NOT && one->refs != 1) || (one->kind == IF && one->refs != 3)) return 0;
    }
    for (uint32_t i = 0; i < size->nodes; i++) {
        const rule *one = &made->rule[i];
        if (!known_or_none(one->pattern, size->automata) || !known_or_none(one->format, size->automata)) return 0;
        if (!known_or_none(one->items, size->nodes) || !known_or_none(one->others, size->nodes)) return 0;
        if (!known_or_none(one->among, size->nodes)) return 0;
        if (!sound_refs(made, one->prefix, one->prefixes) || !within(one->value, one->values, size->values)) return 0;
        if (!within(one->part, one->parts, size->parts) || one->multiple < 0) return 0;
        if (one->fittings > size->refs / 2 || !within(one->fitting, 2 * one->fittings, size->refs)) return 0;
        for (uint32_t k = 0; k < 2 * one->fittings; k += 2) { /* an automaton and a rule, in turn */
            const int32_t by = made->ref[one->fitting + k];
            if (by == NONE || !known_or_none(by, size->automata) || !sound_refs(made, one->fitting + k + 1, 1)) return 0;
        }
    }
    return 1;
}

/* NULL: there is no memory for it, or an index points nowhere. */
EXPORT rules *nf_rules(const tables *from, const uint64_t seed[2]) {
    rules *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->size = *from;
    made->names = nf_make(from->nodes, from->node, from->members, from->member, from->names, from->name, seed);
    made->step = calloc((size_t)from->steps + 1, sizeof *made->step);
#define TAKEN(what, count) ((made->what = copied(from->what, (size_t)from->count * sizeof *made->what)) != NULL)
    if (made->names != NULL && TAKEN(rule, nodes) && TAKEN(need, members) && TAKEN(value, values) && TAKEN(text, texts)
        && TAKEN(part, parts) && TAKEN(ref, refs) && TAKEN(automaton, automata) && TAKEN(final, finals) && TAKEN(range, ranges)
        && made->step != NULL && sound_rules(made, from->step)) return made;
    nf_rules_free(made);
    return NULL;
}

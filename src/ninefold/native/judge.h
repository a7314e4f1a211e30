/* Holds a JSON text against rules that were made from a JSON Schema: YES only where it surely fits (docs/adr/0011-schemas.md).
 *
 * Part of `project.c`, whose tokens and tables of names it uses. First the text becomes a tape, an entry for each value and name;
 * then rules are followed over the tape, so that alternatives read no text twice. What is not sure (a number on its bound, an
 * expression that no automaton was made of, a text that nests deep or takes too many steps) is UNSURE, and somebody else's to judge.
 * The rules that it keeps: it writes to memory of its own alone; every index is checked when the rules are made; it calls itself
 * at most MOST_CALLS deep, and the steps of a call are bounded by the text's length. */

enum verdict { NO = 0, UNSURE = 1, YES = 2 };

enum {
    NOTHING = 1,                  /* `null`, beside the kinds of `enum kind` */
    MOST_NESTING = 200, MOST_CALLS = 400,
    STEPS = 100000, STEPS_EACH = 16, /* in one text: so many, and so many more for each entry */
    STARTS = 2,                   /* an automaton's first state that goes on; 0 and 1 are its ends */
    NEEDED = 64, UNNAMED = 128,   /* of a member: it has to be there, by the bit below; it is known for that alone */
    MOST_PLAIN = 18, MOST_DECIMAL = 15, MOST_EXPONENT = 2, MOST_DIGITS = 300,
};

enum writing { PLAIN, DECIMAL, OTHER }; /* numbers: an int64_t; digits and a point, exact enough as a double; any other way */
enum part_kind { ALL = 0, ANY = 1, ONE = 2, NOT = 3, IF = 4 };
enum bits { FREE = 1, UNIQUE = 2 };

typedef struct {
    double over, under;         /* numbers that are no integers are between */
    int64_t least, most, multiple;
    uint64_t required;          /* a bit for each member that has to be there */
    uint32_t bits, kinds, doubt; /* FREE: anything fits. `doubt`: kinds of which the rule does not say all */
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

/* ---- made, and checked ------------------------------------------------------------------------------------------- */

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

/* ---- the tape ---------------------------------------------------------------------------------------------------- */

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

/* ---- the judgement ----------------------------------------------------------------------------------------------- */

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
    if (by->bits & FREE) return YES;
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

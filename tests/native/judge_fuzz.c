/* A target for libFuzzer (clang): rules and a text, both from the fuzzer, under the sanitizers; `make fuzz` runs it.
 *
 * In: how long the text is, which ends the input; how many rules, then each, its parts and its members; the steps of two automata.
 * What has to hold: a verdict comes, the same one twice; and a rule and what says `not` of it never both say yes. */

#include "project.c"

static void hold(int held) { if (!held) __builtin_trap(); }

typedef struct { const uint8_t *at, *end; } input;

static uint8_t byte_of(input *from) { return from->at < from->end ? *from->at++ : 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES = 9, EACH = 3, AUTOMATA = 2, STATES = 5, CLASSES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char texts[] = "abcdefghijkl";
    const uint64_t seed[2] = {1, 2};
    node nodes[RULES];
    rule made_of[RULES];
    member members[RULES * EACH];
    uint8_t need[RULES * EACH], finals[AUTOMATA * STATES];
    constant values[RULES * EACH];
    part parts[RULES * EACH + 1];
    int32_t refs[RULES * EACH * 8 + 1];
    automaton automata[AUTOMATA];
    uint16_t steps[AUTOMATA * STATES * CLASSES];
    range ranges[AUTOMATA * 3];
    const size_t length = size == 0 ? 0 : data[0] < size ? data[0] : size - 1;
    input from = {size ? data + 1 : data, data + size - length};
    const uint32_t count = 2 + byte_of(&from) % (RULES - 1);
    uint32_t most = 0, used = 0, some = 0, listed = 0;
    memset(made_of, 0, sizeof made_of);
    memset(values, 0, sizeof values);
#define NODE ((int32_t)(byte_of(&from) % (count + 1)) - 1)
    for (uint32_t i = 1; i < count; i++) {
        rule *one = &made_of[i];
        nodes[i] = (node){0, NONE, NONE, most, byte_of(&from) % (EACH + 1)};
        *one = (rule){.over = (int8_t)byte_of(&from), .under = (int8_t)byte_of(&from) + 100, .least = -5, .most = byte_of(&from), .longest = 9};
        one->multiple = byte_of(&from) % 4;
        one->bits = byte_of(&from) % 8 == 0 ? FREE : byte_of(&from) % 2 ? UNIQUE : 0;
        one->kinds = byte_of(&from) & 127;
        one->doubt = byte_of(&from) % 4 ? 0 : byte_of(&from) & 127;
        one->shortest = byte_of(&from) % 3;
        one->most_items = one->most_members = byte_of(&from) % 8;
        one->pattern = byte_of(&from) % (AUTOMATA + 1) - 1;
        one->format = byte_of(&from) % (AUTOMATA + 1) - 1;
        one->items = NODE; one->others = NODE;
        one->among = byte_of(&from) % 4 ? NONE : NODE;
        one->value = some; one->part = used;
        for (uint32_t k = 0; k < nodes[i].count; k++, most++) {
            members[most] = (member){k, 1, NODE};
            need[most] = byte_of(&from) & (NEEDED | UNNAMED);
            need[most] |= (uint8_t)k;
            if (need[most] & NEEDED) one->required |= (uint64_t)1 << k;
        }
        for (uint32_t k = byte_of(&from) % 3; k; k--, one->values++, some++) {
            static const uint32_t kinds[] = {NOTHING, STRING, BOOLEAN, INTEGER, NUMBER, ARRAY, OBJECT};
            values[some] = (constant){byte_of(&from) % 4, kinds[byte_of(&from) % 7], byte_of(&from) % 8, byte_of(&from) % 4, 0};
        }
        for (uint32_t k = byte_of(&from) % 3; k; k--, one->parts++, used++) {
            const uint32_t kind = byte_of(&from) % 5;
            parts[used] = (part){kind, listed, kind == NOT ? 1 : kind == IF ? 3 : byte_of(&from) % 4};
            for (uint32_t j = 0; j < parts[used].refs; j++) refs[listed++] = NODE;
        }
        one->fitting = listed;
        for (uint32_t k = byte_of(&from) % 2; k; k--, one->fittings++) {
            refs[listed++] = byte_of(&from) % AUTOMATA;
            refs[listed++] = NODE;
        }
        one->prefix = listed;
        for (uint32_t k = byte_of(&from) % 2; k; k--, one->prefixes++) refs[listed++] = NODE;
    }
    /* the first one says `not` of the second */
    nodes[0] = (node){0, NONE, NONE, 0, 0};
    made_of[0] = (rule){.over = -__builtin_inf(), .under = __builtin_inf(), .least = INT64_MIN, .most = INT64_MAX, .kinds = 127,
        .longest = UINT32_MAX, .most_items = UINT32_MAX, .most_members = UINT32_MAX, .pattern = NONE, .format = NONE, .items = NONE,
        .others = NONE, .among = NONE, .part = used, .parts = 1};
    parts[used++] = (part){NOT, listed, 1};
    refs[listed++] = 1;
    for (uint32_t i = 0; i < AUTOMATA; i++) {
        automata[i] = (automaton){byte_of(&from) % STATES, STATES, CLASSES, i * STATES * CLASSES, i * STATES, i * 3, 3, byte_of(&from), {0}};
        for (uint32_t k = 0; k < 128; k++) automata[i].ascii[k] = k % CLASSES;
        for (uint32_t k = 0; k < STATES * CLASSES; k++) steps[i * STATES * CLASSES + k] = byte_of(&from) % STATES;
        for (uint32_t k = 0; k < STATES; k++) finals[i * STATES + k] = byte_of(&from) % 3;
        for (uint32_t k = 0; k < 3; k++) ranges[i * 3 + k] = (range){k * 0x1000, byte_of(&from) % CLASSES};
    }
    const tables all = {count, most, sizeof texts, some, sizeof texts, used, listed, AUTOMATA, AUTOMATA * STATES * CLASSES,
        AUTOMATA * STATES, AUTOMATA * 3, (char *)nodes, (char *)members, texts, (char *)made_of, (char *)need, (char *)values, texts,
        (char *)parts, (char *)refs, (char *)automata, (char *)steps, (char *)finals, (char *)ranges};
    rules *made = nf_rules(&all, seed);
    hold(made != NULL);
    char *text = malloc(length + 1);
    if (length) memcpy(text, data + size - length, length);
    text[length] = 0;
    const int found = nf_judge(made, 1, text, length), other = nf_judge(made, 0, text, length);
    hold(found >= NO && found <= YES && found == nf_judge(made, 1, text, length));
    hold(found == UNSURE || other == UNSURE || found + other == YES);
    free(text);
    nf_rules_free(made);
    return 0;
}

/* A target for libFuzzer (clang): a program and a text, both from the fuzzer, under the sanitizers; `make fuzz` runs it.
 *
 * In: how many nodes; for each its kinds (2 bytes), items, others, how many members, and for each member its node and its name
 * behind its length (of a node that chooses, the last of them is the name of the member that tells); of each node whether it has a
 * ceiling, and which; the rest is the text. What has to hold: nothing is written that was not read, in the same order, and what was
 * projected once is left as it is, byte for byte, where nothing chooses: the member that told may have stayed behind. */

#include "project.c"

static int ask(uint32_t node, const char *name, size_t length) { return length > 0 && (name[0] == 'x' || node == 1); }

static void hold(int held) { if (!held) __builtin_trap(); }

typedef struct { const uint8_t *at, *end; } input;

static uint8_t byte_of(input *from) { return from->at < from->end ? *from->at++ : 0; }

static int64_t projected(const program *made, const uint8_t *from, size_t length, uint8_t **out) {
    char *text = malloc(length + 1), trace[24];
    fault why = {.room = sizeof trace, .trace = trace};
    *out = malloc(length + sizeof(uint64_t));
    if (length) memcpy(text, from, length);
    text[length] = 0;
    int64_t found = nf_project(made, 0, text, length, (char *)*out, ask, &why);
    free(text);
    if (found < 0)
        hold(-found <= REPEATED && why.position <= length && memchr(trace, 0, sizeof trace) != NULL);
    else
        hold((size_t)(uint32_t)found <= length && ((size_t)(found >> 32) & MOST_TOLD) <= length / 4);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    node nodes[8];
    member members[8 * 8];
    char names[8 * 8 * 15];
    const uint64_t seed[2] = {1, 2};
    input from = {data, data + size};
    uint32_t count = 1 + byte_of(&from) % 8, most = 0, used = 0, chooses = 0;
    for (uint32_t i = 0; i < count; i++) {
        node *one = &nodes[i];
        one->kinds = byte_of(&from);
        const uint8_t more = byte_of(&from);
        one->kinds |= (uint32_t)(more & 1) << 8 | (more & 2 ? CHOICE : 0);
        one->items = byte_of(&from) % (int32_t)(count + 1) - 1;
        one->others = byte_of(&from) % (int32_t)(count + 1) - 1;
        one->first = most;
        one->count = byte_of(&from) % 8;
        if (one->kinds & CHOICE) { one->kinds &= ~(uint32_t)(OBJECT | OTHERS); chooses = 1; }
        for (uint32_t k = 0; k < one->count + (one->kinds & CHOICE ? 1 : 0); k++) {
            member *each = &members[most++];
            each->node = byte_of(&from) % (int32_t)(count + 1) - 1;
            each->offset = used;
            each->length = byte_of(&from) % 16;
            for (uint32_t j = 0; j < each->length; j++) names[used++] = (char)byte_of(&from);
        }
    }
    program *made = nf_make(count, nodes, most, members, used, names, seed);
    if (made == NULL) return 0;
    made->keyed = size & 1; /* both hashes are tried */
    for (uint32_t i = 0; i < count; i++) hold(made->keyed ? filled(made, i) == FILLED : 1);
    int cuts = 0, counts = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t how = byte_of(&from);
        if (how & 1) nf_ceiling(made, i, how >> 2, how & 2);
        cuts |= (how & 3) == 3;
        counts |= (how & 3) == 1;
    }
    size_t length = (size_t)(from.end - from.at);
    uint8_t *once, *twice;
    int64_t found = projected(made, from.at, length, &once);
    if (found >= 0) {
        const uint32_t written = (uint32_t)found;
        const uint8_t *at = from.at;
        for (uint32_t i = 0; i < written; i++) {
            while (at < from.end && *at != once[i]) at++;
            hold(at++ < from.end);
        }
        uint64_t surplus = 0;
        if ((uint64_t)found & PAST) memcpy(&surplus, once + length, sizeof surplus);
        hold(((uint64_t)found & PAST) ? (cuts || counts) && surplus && surplus <= length : 1);
        int64_t again = projected(made, once, written, &twice);
        if (chooses) hold(again >= 0 || -again == UNPROMISED);
        else hold(((uint64_t)again & ~PAST) == written && memcmp(once, twice, written) == 0 && (!((uint64_t)again & PAST) || counts));
        free(twice);
    }
    free(once);
    nf_free(made);
    return 0;
}

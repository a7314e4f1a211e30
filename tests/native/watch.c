/* Runs `watch.h` on texts from the standard input, each in memory of exactly its size: what the sanitizers are for.
 *
 * In: how many words, how many bytes of them, how many needs and texts there are (uint32), the words' lengths, their sets, the words,
 * the needs; then each text behind its length. Out: for each text whether something may stand in it, and the sets (3 uint64). The watch
 * is made with its first allocation failing too, then its second one, and so on. */

#include "failing.h"

static void *taken(size_t size) {
    void *to = malloc(size ? size : 1);
    if (size && fread(to, 1, size, stdin) != size) exit(3);
    return to;
}

int main(void) {
    uint32_t head[4];
    if (fread(head, 1, sizeof head, stdin) != sizeof head) return 3;
    uint32_t *lengths = taken(head[0] * sizeof *lengths), *of = taken(head[0] * sizeof *of);
    uint8_t *words = taken(head[1]);
    uint32_t *pairs = taken(2 * head[2] * sizeof *pairs);
    watch *made = NULL;
    for (long failing = 0; made == NULL; failing++) {
        if (failing > 99) return 4;
        to_fail = failing;
        made = nf_watch(head[0], words, lengths, of, head[2], pairs);
    }
    to_fail = -1;
    for (; head[3]; head[3]--) {
        uint32_t *length = taken(sizeof *length);
        char *text = taken(*length);
        uint64_t told[3];
        told[0] = (uint64_t)nf_look(made, text, *length, told + 1);
        fwrite(told, sizeof told, 1, stdout);
        free(text); free(length);
    }
    free(lengths); free(of); free(words); free(pairs);
    nf_unwatch(made);
    return 0;
}

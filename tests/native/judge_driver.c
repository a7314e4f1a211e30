/* Runs `judge.h` on texts from the standard input, each in memory of exactly its size: what the sanitizers are for.
 *
 * In, again and again: the counts of `tables` in their order, the rule to begin with, and how many texts there are (uint32), what the tables point at in
 * their order, then each text behind its length (uint32). Out: for each its verdict (a byte). All rules are made, and
 * each text judged, with the first allocation failing too, then the second one, and so on: that may cost certainty, never truth.
 * Rules that cannot be made with all the memory that they want end it with 6. */

#include "failing.h"

static char *taken(size_t size) {
    char *to = malloc(size ? size : 1);
    if (size && fread(to, 1, size, stdin) != size) exit(3);
    return to;
}

int main(void) {
    uint32_t head[13], length;
    uint64_t seed[2] = {1, 2};
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        tables from = {0};
        memcpy(&from, head, 11 * sizeof *head);
        const char **at[] = {&from.node, &from.member, &from.name, &from.rule, &from.need, &from.value, &from.text, &from.part,
                             &from.ref, &from.automaton, &from.step, &from.final, &from.range};
        const size_t size[] = {
            from.nodes * sizeof(node), from.members * sizeof(member), from.names, from.nodes * sizeof(rule), from.members,
            from.values * sizeof(constant), from.texts, from.parts * sizeof(part), from.refs * sizeof(int32_t),
            from.automata * sizeof(automaton), from.steps * sizeof(uint16_t), from.finals, from.ranges * sizeof(range)};
        char *held[13];
        for (int i = 0; i < 13; i++) *at[i] = held[i] = taken(size[i]);
        rules *made = NULL;
        long failing = 0;
        do {
            to_fail = failing++;
            made = nf_rules(&from, seed);
        } while (made == NULL && to_fail < 0);
        to_fail = -1;
        for (int i = 0; i < 13; i++) free(held[i]);
        if (made == NULL) return 6; /* for want of nothing */
        for (; head[12]; head[12]--) {
            if (fread(&length, 1, sizeof length, stdin) != sizeof length) return 3;
            char *read = taken(length), *text = malloc((size_t)length + 1);
            memcpy(text, read, length);
            text[length] = 0;
            const int sure = nf_judge(made, head[11], text, length);
            for (long failing = 0;; failing++) {
                to_fail = failing;
                const int found = nf_judge(made, head[11], text, length);
                if (found != sure && found != UNSURE && sure != UNSURE) return 5;
                if (to_fail >= 0) break; /* all that it wanted it had */
            }
            to_fail = -1;
            putchar(sure);
            free(read); free(text);
        }
        nf_rules_free(made);
    }
    return 0;
}

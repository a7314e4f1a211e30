/* Runs `project.c` on texts from the standard input, each in memory of exactly its size: what the sanitizers are for.
 *
 * In, again and again: how many nodes, members, bytes of names, texts and ceilings there are (uint32), the nodes, the members,
 * the names; of each ceiling its node, how many items and whether it cuts (uint32); then each text behind its length (uint32).
 * Out: for each text its status, the bytes written, the members left behind and the items past a ceiling (uint32), and the bytes. Each program is made, and each text projected, with its first allocation failing too, then its second
 * one, and so on. */

#include "failing.h"

static void take(void *to, size_t size) {
    if (size && fread(to, 1, size, stdin) != size) exit(3);
}

static int ask(uint32_t node, const char *name, size_t length) {
    (void)node;
    return length > 0 && name[0] == 'x';
}

int main(void) {
    uint32_t head[5], ceiling[3], length;
    uint64_t seed[2] = {1, 2};
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        node *nodes = malloc(head[0] * sizeof *nodes);
        member *members = malloc(head[1] * sizeof *members + 1);
        char *names = malloc(head[2] + 1u);
        take(nodes, head[0] * sizeof *nodes);
        take(members, head[1] * sizeof *members);
        take(names, head[2]);
        program *made = NULL;
        for (long failing = 0; made == NULL; failing++) {
            if (failing > 99) return 4;
            to_fail = failing;
            made = nf_make(head[0], nodes, head[1], members, head[2], names, seed);
        }
        free(nodes); free(members); free(names);
        const size_t behind = head[4] ? sizeof(uint64_t) : 0;
        for (; head[4]; head[4]--) {
            take(ceiling, sizeof ceiling);
            nf_ceiling(made, ceiling[0], ceiling[1], (int)ceiling[2]);
        }
        for (; head[3]; head[3]--) {
            take(&length, sizeof length);
            char *text = malloc((size_t)length + 1), *out = malloc(length + behind ? length + behind : 1), trace[16];
            fault why = {.room = sizeof trace, .trace = trace};
            int64_t found = -NO_MEMORY;
            take(text, length);
            text[length] = 0;
            for (long failing = 0; found == -NO_MEMORY; failing++) {
                to_fail = failing;
                found = nf_project(made, 0, text, length, out, ask, failing % 2 ? &why : NULL);
            }
            to_fail = -1;
            if (nf_project(made, 0, text, length, out, ask, &why) != found) return 5;
            uint32_t told[4] = {0, (uint32_t)found, (uint32_t)(found >> 32) & MOST_TOLD};
            uint64_t surplus = 0;
            if (found < 0) told[0] = (uint32_t)-found, told[1] = told[2] = 0;
            else if ((uint64_t)found & PAST) memcpy(&surplus, out + length, sizeof surplus);
            told[3] = (uint32_t)surplus;
            fwrite(told, sizeof told, 1, stdout);
            fwrite(out, 1, told[1], stdout);
            free(text); free(out);
        }
        nf_free(made);
    }
    return 0;
}

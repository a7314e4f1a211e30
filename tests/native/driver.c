/* Runs `project.c` on texts from the standard input, each in memory of exactly its size: what the sanitizers are for.
 *
 * In: nodes, members, size (uint32), the nodes, the members, the names; then for each text its length (uint32) and bytes.
 * Out: for each text its status and the number of bytes written (uint32), and the bytes. */

#include <stdio.h>

#include "project.c"

static void take(void *to, size_t size) {
    if (size && fread(to, 1, size, stdin) != size) exit(3);
}

static int ask(uint32_t node, const char *name, size_t length) {
    (void)node;
    return length > 0 && name[0] == 'x';
}

int main(void) {
    uint32_t head[3], length;
    uint64_t seed[2] = {1, 2};
    take(head, sizeof head);
    node *nodes = malloc(head[0] * sizeof *nodes);
    member *members = malloc(head[1] * sizeof *members);
    char *names = malloc(head[2]);
    take(nodes, head[0] * sizeof *nodes);
    take(members, head[1] * sizeof *members);
    take(names, head[2]);
    program *made = nf_make(head[0], nodes, head[1], members, head[2], names, seed);
    free(nodes); free(members); free(names);
    if (made == NULL) return 4;
    while (fread(&length, 1, sizeof length, stdin) == sizeof length) {
        char *text = malloc((size_t)length + 1), *out = malloc(length ? length : 1), trace[16];
        fault why = {.room = sizeof trace, .trace = trace};
        take(text, length);
        text[length] = 0;
        int64_t found = nf_project(made, 0, text, length, out, ask, &why);
        uint32_t told[2] = {found < 0 ? (uint32_t)-found : 0, found < 0 ? 0 : (uint32_t)found};
        fwrite(told, sizeof told, 1, stdout);
        fwrite(out, 1, told[1], stdout);
        free(text); free(out);
    }
    nf_free(made);
    return 0;
}

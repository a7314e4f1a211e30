/* `project.c` with allocations that fail as they are told to: the one after `to_fail` others; -1: none. */

#include <stdio.h>
#include <stdlib.h>

static long to_fail = -1;

static int fails(void) { return to_fail >= 0 && to_fail-- == 0; }

#define malloc(size) (fails() ? NULL : malloc(size))
#define calloc(many, size) (fails() ? NULL : calloc(many, size))
#define realloc(old, size) (fails() ? NULL : realloc(old, size))
#include "project.c"
#undef malloc
#undef calloc
#undef realloc

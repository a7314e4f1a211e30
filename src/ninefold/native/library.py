"""Loads the shared library that `hatch_build.py` makes of `project.c`. No header of Python's is needed to make it."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

from ninefold.errors import FileError, Place

ffi: Any = FFI()
ffi.cdef("""
typedef struct { uint64_t position, room; uint32_t expected, found; char *trace; } fault;
int nf_version(void);
void nf_free(void *made);
void *nf_make(uint32_t nodes, const char *node, uint32_t members, const char *member, uint32_t size, const char *names,
              const uint64_t *seed);
void nf_limit(void *made, uint32_t deepest);
void nf_ceiling(void *made, uint32_t at, uint32_t most, int cut);
void *nf_watch(uint32_t count, const char *words, const uint32_t *lengths, const uint32_t *of, uint32_t needed,
               const uint32_t *pairs);
void nf_unwatch(void *made);
int nf_look(const void *made, const char *text, size_t length, uint64_t *told);
void nf_heed(void *made, const void *watch);
int64_t nf_project(void *made, uint32_t root, const char *text, size_t length, char *out,
                   int (*ask)(uint32_t, const char *, size_t), fault *why);
typedef struct { uint32_t offset, length, node, member; } mark;
int64_t nf_project_marked(void *made, uint32_t root, const char *text, size_t length, char *out,
                          int (*ask)(uint32_t, const char *, size_t), fault *why, mark *marks, uint32_t room, uint32_t *marked);
typedef struct {
    uint32_t nodes, members, names, values, texts, parts, refs, automata, steps, finals, ranges;
    const char *node, *member, *name, *rule, *need, *value, *text, *part, *ref, *automaton, *step, *final, *range;
} tables;
void *nf_rules(const tables *from, const uint64_t *seed);
void nf_rules_free(void *made);
int nf_judge(void *made, uint32_t root, const char *text, size_t length);
""")

#: Nobody can guess it, so nobody can send names of members that the projection finds alike.
SEED: Any = ffi.new("uint64_t[2]", [secrets.randbits(64), secrets.randbits(64)])

#: The version of the functions above, as `nf_version` tells it.
VERSION = 9

PATH = Path(__file__).with_name("_project.so")


@cache
def library() -> Any:
    """The library's functions. Raises `FileError` where it is missing, or was made from another source."""
    remedy = "in a checkout run `make venv`; else install a wheel for this platform, or with a C compiler at hand"
    try:
        # it stays mapped: when the interpreter ends, programs may be freed after their library was closed
        loaded = ffi.dlopen(str(PATH), ffi.RTLD_NOW | ffi.RTLD_NODELETE)
        version = loaded.nf_version()
    except (OSError, AttributeError) as fault:
        raise FileError(f"cannot be loaded ({fault})", place=Place(str(PATH)), remedy=remedy) from None
    if version != VERSION:
        raise FileError(f"has version {version}, not {VERSION}", place=Place(str(PATH)), remedy=remedy)
    return loaded

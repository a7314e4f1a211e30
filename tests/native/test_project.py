"""What is written in C: built with sanitizers, each text in memory of exactly its size, against the library that is used."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import time
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.contract.description import Description
from ninefold.errors import FileError
from ninefold.guard.program import Program
from ninefold.guard.project import Projector, Unpromised
from ninefold.guard.shape import Shapes
from ninefold.native import library as native

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
SOURCE = Path(native.__file__).with_name("project.c")
NODE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "number": {"type": "number"},
        "a longer name than eight": {"type": "integer"},
        "é\n": {"type": "boolean"},
        "any": {},
        "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
        "hidden": {"writeOnly": True},
        "fitting": {"type": "object", "patternProperties": {"^x": {"$ref": "#/components/schemas/Node"}}},
        "open": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
    },
}
#: JSON has no rule against a name that comes twice (RFC 8259 section 4: SHOULD); of two readers one may see either.
TWICE = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


def _project(schema: Any) -> tuple[Projector, Program]:
    document = {"components": {"schemas": {"Node": NODE}}}
    program = Program()
    shape = Shapes(Description("t", "3.1", "", "", (), (), {}, document)).of(schema)
    return Projector(shape, program), program


@cache
def corpus() -> dict[str, bytes]:
    """JSONTestSuite (github.com/nst/JSONTestSuite, MIT), by file name."""
    with tarfile.open(HERE / "corpus" / "json-parsing.tar.gz") as packed:
        files = [one for one in packed.getmembers() if one.isfile()]
        return {Path(one.name).name: (packed.extractfile(one) or io.BytesIO()).read() for one in files}


@pytest.mark.parametrize("name", [one for one in corpus() if one.startswith(("y_", "n_"))])
def test_of_the_json_parsing_corpus_what_must_parse_does_and_what_must_not_does_not(name: str) -> None:
    for schema, text in (({}, corpus()[name]), (NODE, b'{"dropped":%b}' % corpus()[name])):
        project, _ = _project(schema)
        if name.startswith("y_") and not (name in TWICE and schema == {}):
            left = project(text)[0]
            assert json.loads(left) == (json.loads(text) if schema == {} else {})
        elif name.startswith("y_"):
            with pytest.raises(Unpromised, match="twice"):
                project(text)
        elif schema == {} or name != "n_structure_object_with_trailing_garbage.json":
            with pytest.raises(Unpromised):
                project(text)


def _texts(count: int) -> list[bytes]:
    """Honest answers, and what becomes of them when bytes are changed, cut, doubled and mixed."""
    chance = random.Random(9)
    words = [
        "a",
        "number",
        "a longer name than eight",
        "é\n",
        "any",
        "all",
        "hidden",
        "fitting",
        "open",
        "xx",
        "y" * 40,
        "",
    ]

    def value(depth: int) -> Any:
        kind = chance.randrange(9 if depth else 6)
        if kind == 0:
            return "".join(chance.choice('ab"\\\x01é😀 ') for _ in range(chance.randrange(30)))
        if kind == 1:
            return chance.choice([0, -1, 10**30, 1.5, -0.0, 1e300])
        if kind == 2:
            return chance.choice([True, False, None])
        if kind < 6:
            return {chance.choice(words): value(depth - 1) for _ in range(chance.randrange(4))} if depth > 0 else {}
        return [value(depth - 1) for _ in range(chance.randrange(4))]

    def node(depth: int) -> Any:
        made: dict[str, Any] = {
            "a": "text",
            "number": 1.25,
            "a longer name than eight": 7,
            "é\n": True,
            "extra": value(depth),
        }
        if depth > 0:
            made |= {"all": [node(depth - 1)], "any": value(depth), "hidden": "h", "open": {"k": "v", "n": 1}}
            made["fitting"] = {"x1": node(depth - 1), "no": 1}
        names = [*made]
        chance.shuffle(names)
        return {name: made[name] for name in names[: chance.randrange(len(names) + 1)]}

    found = list(corpus().values())
    while len(found) < count:
        text = json.dumps(node(3), ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, None, 1])).encode()
        found.append(text)
        for _ in range(4):
            worse = bytearray(text)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(worse) + 1)
                match chance.randrange(4):
                    case 0:
                        worse[at : at + 1] = bytes(
                            [chance.choice(b'"\\{}[],:\x00\x80\xc3\xed\xf4\xff\xd8u019eE-+.tn ')]
                        )
                    case 1:
                        del worse[at:]
                    case 2:
                        worse[at:at] = worse[: chance.randrange(len(worse) + 1)]
                    case _:
                        del worse[at : at + chance.randrange(9)]
            found.append(bytes(worse))
    return found


def test_with_sanitizers_it_reads_and_writes_within_its_memory_and_does_as_the_library_does(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no gcc or clang")
    driver = tmp_path / "driver"
    flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run([compiler, *flags, f"-I{SOURCE.parent}", HERE / "driver.c", "-o", driver], check=True)
    project, program = _project(NODE)
    texts = _texts(int(os.environ.get("NINEFOLD_NATIVE_TEXTS", "6000")))
    nodes, members, names = program.packed()
    told = struct.pack("III", len(nodes) // 20, len(members) // 12, len(names)) + nodes + members + names
    told += b"".join(struct.pack("I", len(text)) + text for text in texts)
    ran = subprocess.run([driver], input=told, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    at, fine = 0, 0
    for text in texts:
        status, size = struct.unpack_from("II", ran.stdout, at)
        left, at = ran.stdout[at + 8 : at + 8 + size], at + 8 + size
        try:
            assert (status, left) == (0, project(text)[0]), text
            fine += 1
        except Unpromised:
            assert status != 0, text
    assert at == len(ran.stdout)
    assert fine > len(texts) // 10  # else it tried nothing


@pytest.mark.parametrize(
    "broken",
    [
        lambda nodes, members, names: (nodes[:4] + struct.pack("i", 10_000) + nodes[8:], members, names),
        lambda nodes, members, names: (nodes[:12] + struct.pack("I", 2**31) + nodes[16:], members, names),
        lambda nodes, members, names: (nodes, struct.pack("I", 2**31) + members[4:], names),
        lambda nodes, members, names: (nodes, members[:8] + struct.pack("i", 10_000) + members[12:], names),
        lambda nodes, members, names: (b"", members, names),
        lambda nodes, members, names: (nodes[:4] + struct.pack("i", -2) + nodes[8:], members, names),
        lambda nodes, members, names: (nodes[:8] + struct.pack("i", -2) + nodes[12:], members, names),
        lambda nodes, members, names: (nodes[:8] + struct.pack("i", 10_000) + nodes[12:], members, names),
        lambda nodes, members, names: (struct.pack("I", 32) + nodes[4:], members, names),
        lambda nodes, members, names: (struct.pack("I", 128) + nodes[4:], members, names),
        lambda nodes, members, names: (nodes[:16] + struct.pack("I", 2**32 - 1) + nodes[20:], members, names),
        lambda nodes, members, names: (nodes, members[:8] + struct.pack("i", -2) + members[12:], names),
    ],
)
def test_a_program_whose_indices_point_nowhere_is_not_made(broken: Any) -> None:
    _, program = _project(NODE)
    nodes, members, names = broken(*program.packed())
    made = native.library().nf_make(
        len(nodes) // 20, nodes, len(members) // 12, members, len(names), names, native.SEED
    )
    assert made == native.ffi.NULL


def test_a_missing_library_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "PATH", tmp_path / "no.so")
    with pytest.raises(FileError, match="cannot be loaded") as fault:
        native.library.__wrapped__()
    assert "make venv" in str(fault.value)


def test_a_library_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "VERSION", 999)
    with pytest.raises(FileError, match="not 999"):
        native.library.__wrapped__()


def _made(nodes: Sequence[tuple[int, ...]], names: Sequence[bytes]) -> Any:
    """A program; of each name, whatever it is, anything may leave: by the second node."""
    offsets = [0, *accumulate(map(len, names))]
    packed_nodes = b"".join(struct.pack("IiiII", *one) for one in nodes)
    members = b"".join(struct.pack("IIi", at, len(name), 1) for at, name in zip(offsets, names, strict=False))
    load = native.library()
    made = load.nf_make(len(nodes), packed_nodes, len(names), members, offsets[-1], b"".join(names), native.SEED)
    return native.ffi.gc(made, load.nf_free) if made != native.ffi.NULL else None


def _projected(made: Any, text: bytes, ask: Any = native.ffi.NULL) -> bytes:
    out = native.ffi.new("char[]", len(text))
    told = native.library().nf_project(made, 0, text, len(text), out, ask, native.ffi.NULL)
    assert told >= 0
    left: bytes = native.ffi.unpack(out, told & 0xFFFFFFFF)
    return left


def test_a_node_that_has_a_name_twice_is_not_made_for_the_order_would_say_which_counts() -> None:
    nodes = [(64, -1, -1, 0, 2), (1, -1, -1, 0, 0)]
    assert _made(nodes, [b"name of it", b"name of me"]) is not None
    assert _made(nodes, [b"name of it", b"name of it"]) is None


def _crowded(count: int) -> list[bytes]:
    """Names of eight bytes that begin at one slot of every table of fewer than 2**32: `name_hash` turned around."""
    back = pow(0xFF51AFD7ED558CCD, -1, 2**64)
    return [
        ((((at << 32 | at) * back) % 2**64) ^ 0x9E3779B97F4A7C15 ^ 8).to_bytes(8, sys.byteorder) for at in range(count)
    ]


def test_names_that_a_table_has_all_in_one_place_cost_no_more_than_others_to_make_and_to_look_for() -> None:
    begun = time.process_time()
    names = _crowded(200_000)
    made = _made([(64, -1, -1, 0, len(names)), (1, -1, -1, 0, 0)], names)
    assert made is not None
    text = b"{%b}" % b",".join(b'"%07d":1' % at for at in range(200_000))
    assert _projected(made, text) == b"{}"
    assert time.process_time() - begun < 5  # each name past each other: minutes


def test_in_a_crowded_table_a_name_is_found_as_in_any_other() -> None:
    plain = [one for one in _crowded(2_000_000) if one.isascii() and one.isalnum()]
    assert len(plain) > 1
    names = [*plain, *_crowded(1000)[1:]]
    made = _made([(64, -1, -1, 0, len(names)), (1, -1, -1, 0, 0)], names)
    text = b"{%b}" % b",".join(b'"%b":1' % one for one in reversed(plain))
    assert _projected(made, b'{"no":1,' + text[1:]) == text


def test_a_name_is_asked_about_once_and_a_long_one_never() -> None:
    asked: list[bytes] = []

    def fits(_: int, name: Any, length: int) -> bool:
        asked.append(native.ffi.unpack(name, length))
        return asked[-1][:1] == b"x"

    ask = native.ffi.callback("int(uint32_t, const char *, size_t)", fits)

    made = _made([(32, 2, -1, 0, 0), (1, -1, -1, 0, 0), (64 | 128 | 256, -1, 1, 0, 0)], [])
    long = b"x" * 257
    text = b"[%b]" % b",".join([b'{"x1":1,"no":2,"%b":3,"%b":4}' % (long, long[1:])] * 100)
    assert _projected(made, text, ask) == b"[%b]" % b",".join([b'{"x1":1,"%b":4}' % long[1:]] * 100)
    assert sorted(asked) == [b"no", b"x1", long[1:]]
    assert _projected(made, text) == b"[%b]" % b",".join([b"{}"] * 100)


def test_a_text_of_more_than_four_gibibytes_is_refused_unread() -> None:
    made = _made([(1, -1, -1, 0, 0)], [])
    assert native.library().nf_project(made, 0, b"", 2**32, native.ffi.NULL, native.ffi.NULL, native.ffi.NULL) == -6


def test_a_root_that_is_no_node_is_refused() -> None:
    made = _made([(1, -1, -1, 0, 0)], [])
    assert native.library().nf_project(made, 1, b"1", 1, native.ffi.NULL, native.ffi.NULL, native.ffi.NULL) < 0

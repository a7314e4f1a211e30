"""What is written in C: built with sanitizers, each text in memory of exactly its size, against the library that is used."""

from __future__ import annotations

import io
import json
import os
import random
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
    from collections.abc import Callable, Sequence

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


@pytest.fixture(scope="module")
def driver(sanitized: Callable[[str], Path]) -> Path:
    return sanitized("driver.c")


Packed = tuple[bytes, bytes, bytes]


#: Which nodes have a ceiling, which one, and whether items past it stay behind.
Ceilings = dict[int, tuple[int, bool]]


def _driven(driver: Path, programs: Sequence[tuple[Packed, Sequence[bytes]]]) -> list[tuple[int, int, bytes]]:
    """For each text its status, how many members stayed behind, and what is left."""
    found = _driven_to(driver, [(packed, {}, texts) for packed, texts in programs])
    assert all(surplus == 0 for *_, surplus in found)
    return [one[:3] for one in found]


def _driven_to(
    driver: Path, programs: Sequence[tuple[Packed, Ceilings, Sequence[bytes]]]
) -> list[tuple[int, int, bytes, int]]:
    """The same with ceilings, and how many items are past them."""
    told = b""
    for (nodes, members, names), ceilings, texts in programs:
        told += struct.pack("5I", len(nodes) // 20, len(members) // 12, len(names), len(texts), len(ceilings))
        told += nodes + members + names
        told += b"".join(struct.pack("III", at, most, cuts) for at, (most, cuts) in ceilings.items())
        told += b"".join(struct.pack("I", len(text)) + text for text in texts)
    ran = subprocess.run([driver], input=told, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    found, at = [], 0
    while at < len(ran.stdout):
        status, size, withheld, surplus = struct.unpack_from("4I", ran.stdout, at)
        found.append((status, withheld, ran.stdout[at + 16 : at + 16 + size], surplus))
        at += 16 + size
    return found


def test_with_sanitizers_it_reads_and_writes_within_its_memory_and_does_as_the_library_does(driver: Path) -> None:
    project, program = _project(NODE)
    texts = _texts(int(os.environ.get("NINEFOLD_NATIVE_TEXTS", "6000")))
    fine = 0
    for text, (status, withheld, left) in zip(texts, _driven(driver, [(program.packed(), texts)]), strict=True):
        try:
            assert (status, left, withheld) == (0, *project(text)[:2]), text
            fine += 1
        except Unpromised:
            assert status != 0, text
    assert fine > len(texts) // 10  # else it tried nothing


#: Names by how they are written: those of all lengths in UTF-8, escaped and not, short, of eight bytes and longer.
WRITTEN = {
    **{one: f'"{one}"' for one in ("", "x", "ab", "abc", "abcd", "eight by", "nine byte", "xylophone music", "é", "€", "😀")},
    '"\\/\b\f': r'"\"\\\/\b\f"', "\n\r\t": r'"\n\r\t"', "\0": r'"\u0000"', "ü": r'"\u00fC"', "ࠀ": r'"\u0800"', "𝄞": r'"\uD834\udd1e"',
}  # fmt: skip
#: Texts that tell which node an object leaves by, by how they are written.
TEXTS = {
    "text": '"text"',
    "aé": '"\\u0061é"',
    "": '""',
    "a text of more than eight": '"a text of more than \\u0065ight"',
}
CHOICE = 2048
Pairs = list[tuple[str, Any]]


class _Programs:
    """Programs at random, texts for them, and what has to be left: values are read by Python's json, and members are pairs."""

    def __init__(self, chance: random.Random, *, bounded: bool = False) -> None:
        """`bounded`: some of its nodes have ceilings."""
        self._chance = chance
        self.chose = 0  # how often a member told another node than that for any value
        self._many = chance.choice([1, 3, 3, 40, 80])
        count = chance.randrange(1, 6)
        names = [*WRITTEN, *(f"n{at}" for at in range(self._many))]
        some = chance.sample(range(count), chance.randrange(1, count + 1)) if bounded else []
        self.ceilings = {at: (chance.randrange(4), chance.random() < 0.7) for at in some}
        self.nodes: list[tuple[int, int, int, list[tuple[str, int]]]] = []
        for _ in range(count):
            kinds = (
                chance.choice([1, 64, 64, 64, 32, 96])
                | chance.choice([0, 0, 2, 4, 8, 16, 30])
                | chance.choice([0, 0, 128, 384])
            )
            own = chance.sample(names, chance.randrange(min(len(names), 2 * self._many)))
            self.nodes.append((
                kinds, chance.randrange(count), chance.randrange(count), [(name, chance.randrange(-1, count)) for name in own],
            ))  # fmt: skip
        for at in range(chance.randrange(count)):  # one is left that does not choose
            kinds, items, _, _ = self.nodes[at]
            by = [
                (value, chance.randrange(count))
                for value in chance.sample([*TEXTS], chance.randrange(1, len(TEXTS) + 1))
            ]
            self.nodes[at] = (
                kinds & ~chance.choice([448, 449, 449]) | CHOICE,
                items,
                -1,
                [*by, (chance.choice(names), -1)],
            )
        plain = [at for at, (kinds, *_) in enumerate(self.nodes) if not kinds & CHOICE]
        self.nodes = [
            (kinds, items, chance.choice(plain) if kinds & CHOICE else others, own)
            for kinds, items, others, own in self.nodes
        ]

    def packed(self) -> Packed:
        program = Program()
        program._nodes = self.nodes
        return program.packed()

    def text(self, depth: int = 3) -> str:
        chance = self._chance
        kind = chance.randrange(10 if depth else 5)
        space = chance.choice(["", "", " ", "\n\t\r"])
        if kind < 5:
            return (
                space
                + chance.choice(["null", "true", "false", "1", "-0", "1.5e1", "15e-1", "100E-2", *TEXTS.values()])
                + space
            )
        if kind < 7:
            return "[" + ",".join(self.text(depth - 1) for _ in range(chance.randrange(4))) + space + "]"
        names = [*WRITTEN.values(), *(f'"n{at}"' for at in range(self._many))]
        some = chance.sample(names, chance.randrange(min(len(names), self._many + 3 if depth == 3 else 4)))
        tell = {WRITTEN.get(own[-1][0], f'"{own[-1][0]}"') for kinds, _, _, own in self.nodes if kinds & CHOICE}
        some += [name for name in sorted(tell) if name not in some and chance.random() < 0.7]
        chance.shuffle(some)
        some += some[:1] * (chance.random() < 0.03)
        made = [
            (name, chance.choice([*TEXTS.values()]) if name in tell and chance.random() < 0.7 else self.text(depth - 1))
            for name in some
        ]
        return space + "{" + space + ",".join(f"{name}:{value}" for name, value in made) + "}"

    def left(self, at: int, value: Any, *, free: bool = False) -> tuple[Any, int, int]:
        """What is left of a value, how many members stay behind, and items past a ceiling. Raises `Unpromised`."""
        kinds, items, *_ = self.nodes[at]
        free = free or bool(kinds & 1)
        if isinstance(value, tuple):
            return self._members(at, value[0], free=free)
        if isinstance(value, list):
            if not free and not kinds & 32:
                raise Unpromised
            most, cuts = (len(value), False) if free else self.ceilings.get(at, (len(value), False))
            found = [self.left(at if free else items, one, free=free) for one in (value[:most] if cuts else value)]
            surplus = max(0, len(value) - most) + sum(past for *_, past in found)
            return [one for one, *_ in found], sum(count for _, count, _ in found), surplus
        if value is not None and not free:
            whole = isinstance(value, (int, float)) and float(value).is_integer()
            wanted = 4 if isinstance(value, bool) else 2 if isinstance(value, str) else 24 if whole else 16
            if not kinds & wanted:
                raise Unpromised
        return value, 0, 0

    def _members(self, at: int, pairs: Pairs, *, free: bool) -> tuple[Any, int, int]:
        if not free and not self.nodes[at][0] & (64 | CHOICE):
            raise Unpromised
        was, at = at, at if free else self._chosen(at, pairs)
        self.chose += at not in {was, self.nodes[was][2]}
        kinds, _, others, own = self.nodes[at]
        free = free or bool(kinds & 1)
        if not free and not kinds & 64:
            raise Unpromised
        known, withheld, surplus = dict(own), 0, 0
        kept: Pairs = []
        for name, one in pairs:
            to = at if free else known.get(name, others if kinds & 128 and (not kinds & 256 or name[:1] == "x") else -1)
            if to < 0:
                withheld += 1 + _count(one)
                continue
            if name in dict(kept):
                raise Unpromised
            inner, count, past = self.left(to, one, free=free)
            kept.append((name, inner))
            withheld += count
            surplus += past
        return (kept,), withheld, surplus

    def _chosen(self, at: int, pairs: Pairs) -> int:
        """The node by which an object leaves: its members are asked in turn, the first of a name counts."""
        for asked in range(10):
            kinds, _, others, own = self.nodes[at]
            if kinds & 1 or not kinds & CHOICE:
                break
            told = next((one for name, one in pairs if name == own[-1][0]), None)
            at = dict(own[:-1]).get(told, others) if isinstance(told, str) and asked < 8 else others
        return at


def _count(value: Any) -> int:
    if isinstance(value, tuple):
        return sum(1 + _count(one) for _, one in value[0])
    return sum(map(_count, value)) if isinstance(value, list) else 0


@pytest.mark.parametrize("bounded", [False, True])
def test_programs_at_random_leave_what_another_reading_of_them_leaves(driver: Path, *, bounded: bool) -> None:
    chance = random.Random(10)
    count = int(os.environ.get("NINEFOLD_NATIVE_PROGRAMS", "300"))
    programs = [_Programs(chance, bounded=bounded) for _ in range(count)]
    texts = [[one.text() for _ in range(30)] for one in programs]
    wanted = [
        (one.packed(), one.ceilings, [text.encode() for text in some])
        for one, some in zip(programs, texts, strict=True)
    ]
    told = iter(_driven_to(driver, wanted))
    fine = past = 0
    for program, some in zip(programs, texts, strict=True):
        for text in some:
            status, withheld, left, surplus = next(told)
            value = json.loads(text, object_pairs_hook=lambda pairs: (pairs,))
            try:
                expected = program.left(0, value)
            except Unpromised:
                assert status in {2, 4}, text
                continue
            assert (status, withheld, surplus) == (0, *expected[1:]), text
            assert json.loads(left, object_pairs_hook=lambda pairs: (pairs,)) == expected[0], text
            fine += bool(expected[1])
            past += bool(expected[2])
    assert fine > len(programs)  # else it tried nothing
    assert sum(one.chose for one in programs) > len(programs) // 3
    assert (past > len(programs) // 10) == bounded


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
        lambda nodes, members, names: (struct.pack("I", 64 | 8192) + nodes[4:], members, names),
        lambda nodes, members, names: (struct.pack("I", 64 | 16384) + nodes[4:], members, names),
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


def _packed(nodes: Sequence[tuple[int, ...]], names: Sequence[bytes], node: int = 1) -> Packed:
    """A program; of each name, whatever it is, what leaves is by `node`."""
    offsets = [0, *accumulate(map(len, names))]
    members = b"".join(struct.pack("IIi", at, len(name), node) for at, name in zip(offsets, names, strict=False))
    return b"".join(struct.pack("IiiII", *one) for one in nodes), members, b"".join(names)


def _made(nodes: Sequence[tuple[int, ...]], names: Sequence[bytes]) -> Any:
    first, second, third = _packed(nodes, names)
    load = native.library()
    made = load.nf_make(len(nodes), first, len(names), second, len(third), third, native.SEED)
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


def test_at_its_bounds_it_stays_within_its_memory(driver: Path) -> None:
    one, of = "{%s}", '{"n0":%s}'
    inner = ",".join(f'"q{at}":0' for at in range(20))
    nested = ["".join([of[:-3]] * depth) + one % inner + "}" * depth for depth in (10, 300, 511, 512)]
    names = [b"n%d" % at for at in range(5000)]
    wide = (64 | 128 | 256 | 8, -1, 0)
    anything = [
        "[" * 512 + "]" * 512, "[" * 513 + "]" * 513, "1e" + "9" * 99, "1e-" + "9" * 99, '"' + "\\ud83d\\ue000" + '"',
        '"\\ud83d\\udbff"', '"\\ud83d\\u"', '{"a":1,"a":1}',
    ]  # fmt: skip
    raw = [b'"%b"' % one for one in (b"\xe0\xa0\x80", b"\xe0\x9f\x80", b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\x80\x80",
           b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf1\x80\x80", b"\xf1\x80", b"\xc2", b"\xc1\x80", b"\xf5\x80\x80\x80")]  # fmt: skip
    long = [b'{"%b":1,"n1":2}' % (b"x" * length) for length in (256, 257)]
    found = _driven(driver, [
        (_packed([(*wide, 0, 99)], names[:99], 0), [text.encode() for text in nested]),
        (_packed([(*wide, 0, 5000)], names, 0), [*(text.encode() for text in nested), b'{"n1":1,"n1":1}', *long]),
        (_packed([(64, -1, -1, 0, 3000), (1, -1, -1, 0, 0)], [*_crowded(2999), b"name"]), [b'{"name":1,"no":2}']),
        (_packed([(1, -1, -1, 0, 0)], []), [*(text.encode() for text in anything), *raw]),
    ])  # fmt: skip
    fine, deep, twice = 0, 3, 4
    assert [status for status, _, _ in found] == [
        *[fine, fine, fine, deep] * 2, twice, fine, fine, fine, fine, deep, fine, fine, 1, 1, 1, twice,
        fine, 1, fine, 1, 1, fine, 1, 1, 1, 1, 1, 1,
    ]  # fmt: skip
    assert [withheld for _, withheld, _ in found[:4] + found[9:12]] == [20, 20, 20, 0, 0, 1, 1]
    assert found[11][2] == b'{"name":1}'


#: A node that chooses, by `kind`: `a` and `b` have a node each; then what any other value leaves by.
CHOOSES = [(CHOICE, -1, 3, 0, 2), (64, -1, -1, 3, 2), (64, -1, -1, 5, 2), (64, -1, -1, 7, 1), (1, -1, -1, 0, 0)]


def _choosing(node: int = 0, **changed: int) -> Packed:
    """The program of `CHOOSES`, which nests in itself as `in`; `changed`: fields of a node that are others."""
    names = [b"a", b"b", b"kind", b"kind", b"x", b"in", b"kind", b"kind"]
    offsets = [0, *accumulate(map(len, names))]
    to = [1, 2, -1, 4, 4, 0, 4, 4]
    fields = dict(zip(("kinds", "items", "others", "first", "count"), CHOOSES[node], strict=True)) | changed
    nodes = [*CHOOSES[:node], tuple(fields.values()), *CHOOSES[node + 1 :]]
    members = b"".join(
        struct.pack("IIi", at, len(name), one) for at, name, one in zip(offsets, names, to, strict=False)
    )
    return b"".join(struct.pack("IiiII", *one) for one in nodes), members, b"".join(names)


def _is_made(packed: Packed) -> bool:
    nodes, members, names = packed
    load = native.library()
    made = load.nf_make(len(nodes) // 20, nodes, len(members) // 12, members, len(names), names, native.SEED)
    found: bool = made != native.ffi.NULL
    load.nf_free(made)
    return found


def test_a_node_that_chooses_comes_to_one_that_does_not() -> None:
    assert _is_made(_choosing())
    assert _is_made(_choosing(kinds=CHOICE | 2 | 32, items=1))
    assert not _is_made(_choosing(others=-1))
    assert not _is_made(_choosing(others=0))
    assert not _is_made(_choosing(kinds=CHOICE | 64))
    assert not _is_made(_choosing(kinds=CHOICE | 128))
    assert not _is_made(_choosing(first=6, count=2))  # no name is behind its members
    assert not _is_made(_choosing(first=1, count=2))  # one of them leads nowhere
    assert not _is_made(_choosing(node=3, kinds=CHOICE, others=4, first=7, count=1))


def test_looking_ahead_it_stays_within_its_memory_and_comes_to_what_is_there(driver: Path) -> None:
    deep, flat = '{"in":' * 511 + "%s" + "}" * 511, '"y":%s,"kind":"b"'
    many = "[" + ",".join(["[]", "{}", '{"kind":"a"}'] * 200) + "]"
    texts = {
        '{"kind":"a","x":1,"in":null}': '{"kind":"a","x":1}',
        '{"x":1,"in":{"x":2,"kind":"a"},"kind":"b"}': '{"in":{"x":2,"kind":"a"},"kind":"b"}',
        '{"in":[1],"kind":"c"}': '{"kind":"c"}',
        '{"x":{"kind":"b"}}': "{}",
        '{"kin\\u0064":"\\u0061","x":1}': '{"kin\\u0064":"\\u0061","x":1}',
        '{"\\u006bind":"\\u0062","x":1}': '{"\\u006bind":"\\u0062"}',
        '{"kind":1,"x":1}': '{"kind":1}',
        f'{{"y":{many},"in":{{"y":{many},"x":1,"kind":"a"}},"kind":"b"}}': '{"in":{"x":1,"kind":"a"},"kind":"b"}',
        "{" + flat % many + "}": '{"kind":"b"}',
        deep % "null": "{}",
        "{" + flat % ("[" * 511 + "]" * 511) + "}": '{"kind":"b"}',
    }
    broken = [
        '{"y":[', '{"y":[}', '{"y":]}', '{"y":{"', '{"y"', '{"y":', '{"y":1', '{"y":1,', '{"y":1 2}', '{"y":1[2],"z":[{}],"kind":"a"}',
        '{"y":{"z":1[2],"kind":"a"},"kind":"b"}', '{"kind":"', '{"kind":"a', '{"\\', '{"y":"\\u12', "{" + flat % ("[" * 600 + "]" * 600) + "}",
        '{"in":{"y":[}],"kind":"b"},"kind":"b"}', '{"in":{"y":{"z":[1}},"w":[[]],"kind":"b"},"v":[],"kind":"b"}',
    ]  # fmt: skip
    found = _driven(driver, [(_choosing(), [text.encode() for text in (*texts, *broken)])])
    assert [left.decode() for status, _, left in found[: len(texts)] if status == 0] == [*texts.values()]
    assert all(status in {1, 3} for status, _, _ in found[len(texts) :])


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
    assert set(asked) == {b"no", b"x1", long[1:]}
    assert len(asked) < 300  # a hundred times each; two names may have one place, and then are asked about in turn
    assert _projected(made, text) == b"[%b]" % b",".join([b"{}"] * 100)


def test_a_text_of_more_than_four_gibibytes_is_refused_unread() -> None:
    made = _made([(1, -1, -1, 0, 0)], [])
    assert native.library().nf_project(made, 0, b"", 2**32, native.ffi.NULL, native.ffi.NULL, native.ffi.NULL) == -6


def test_a_root_that_is_no_node_is_refused() -> None:
    made = _made([(1, -1, -1, 0, 0)], [])
    assert native.library().nf_project(made, 1, b"1", 1, native.ffi.NULL, native.ffi.NULL, native.ffi.NULL) < 0

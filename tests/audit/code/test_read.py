from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.code import read
from ninefold.audit.code.read import sights
from ninefold.audit.finding import Finding, Passed, Skipped
from ninefold.audit.run import audit
from ninefold.audit.signs.encryption import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ninefold.audit.target import Target

RULE = next(one for one in RULES if one.id == "encryption-unverified")
BAD = "new https.Agent({ rejectUnauthorized: false });\n"


def reasons(root: Path) -> list[tuple[str, bool]]:
    return [(one.reason.removeprefix("not read: "), one.missed) for one in sights(root).left]


@pytest.mark.parametrize("name", ["a.js", "a.mjs", "a.cjs", "a.jsx", "a.ts", "a.mts", "a.cts", "a.tsx", "deep/er/a.js"])
def test_every_ending_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(BAD)
    assert [(one, sight.line) for one, sight in sights(tmp_path).seen] == [(name, 1)]


@pytest.mark.parametrize(
    "name",
    [
        "a.test.ts",
        "a.spec.tsx",
        "__tests__/a.js",
        "src/test/java/A.java",
        "ATest.java",
        "a_test.go",
        "a.d.ts",
        "node_modules/a.js",
    ],
)
def test_tests_types_and_vendors_are_left(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(BAD)
    found = sights(tmp_path)
    assert (found.seen, found.at, found.left) == ([], {}, ())


def test_what_a_machine_wrote_is_said_not_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "app.min.js").write_text(BAD)
    (tmp_path / "bundle.js").write_text("var a=1;" * 120_000 + BAD)
    (tmp_path / "large.js").write_text(BAD * 40_000)
    assert sights(tmp_path).seen == []
    assert reasons(tmp_path) == [
        ("app.min.js, bundle.js (minified)", False),
        ("large.js (larger than 1 MiB, or no text)", False),
    ]


def test_a_map_inside_a_file_makes_it_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(BAD + "\n//# sourceMappingURL=data:application/json;base64," + "A" * 50_000)
    assert len(sights(tmp_path).seen) == 1


def test_what_does_not_parse_is_read_as_far_as_it_does(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(BAD + "function ( { ] const = ;\n" + BAD)
    assert {sight.line for _, sight in sights(tmp_path).seen} >= {1}
    assert reasons(tmp_path) == [("a.js (does not parse in part)", False)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", "x = " + "[\n" * 5000 + "]\n" * 5000 + ";\n"),
        ("a.js", "x = " + "f(\n" * 3000 + ")\n" * 3000 + ";\n"),
        ("a.js", "x" + "\n.then(a)" * 3000 + ";\n"),
        ("a.ts", "if (a) {\n" * 2000 + "}\n" * 2000),
        ("a.go", "package a\nvar x = " + "(" * 3000 + "1" + ")" * 3000 + "\n"),
        ("A.java", "class A { int x = " + "(" * 3000 + "1" + ")" * 3000 + "; }\n"),
    ],
)  # fmt: skip
def test_what_is_nested_too_deeply_is_left_and_the_rest_is_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text + "// secret\n")
    (tmp_path / "other.js").write_text(BAD)
    began = time.perf_counter()
    found = sights(tmp_path)
    assert [one for one, _ in found.seen] == ["other.js"]
    assert [(one.reason, one.missed) for one in found.left] == [(f"not read: {name} (nested too deeply in part)", True)]
    assert time.perf_counter() - began < 10


def test_a_parser_that_stays_in_one_place_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.tsx").write_text("// secret\n[ `x${ } := `x${ ... / if := void `x${ package public")
    (tmp_path / "b.tsx").write_text(BAD)
    found = sights(tmp_path)
    assert [one for one, _ in found.seen] == ["b.tsx"]
    assert [(one.reason, one.missed) for one in found.left] == [
        ("not read: a.tsx (its grammar does not get past it)", True)
    ]


def test_a_chain_as_long_as_the_file_is_no_depth(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("const x = " + " +\n".join(["'secret '"] * 5000) + ";\n" + BAD)
    found = sights(tmp_path)
    assert [sight.line for _, sight in found.seen] == [5001]
    assert found.left == ()


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe\x00b\x00a", b"\x80\x81 catch \xff" + BAD.encode(), b"", b"\r\r\r", b"\xef\xbb\xbf" + BAD.encode()],
)
def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path, raw: bytes) -> None:
    for name in ("a.js", "a.ts", "a.tsx", "a.go", "A.java"):
        (tmp_path / name).write_bytes(raw)
    sights(tmp_path)


def test_so_many_files_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.js").write_text(BAD)
    assert len(sights(tmp_path).seen) == 3
    assert reasons(tmp_path) == [("more files (only the first 3 files are read)", True)]


def test_one_file_shows_each_kind_so_often_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(BAD * 1000)
    assert len(sights(tmp_path).seen) == 200


def test_a_language_that_is_not_read_keeps_a_sign_from_being_clear(source: Callable[..., Target]) -> None:
    done = audit(source({"a.js": "f(secret);\n", "b.kt": "fun main() {}\n", "c.rb": "x\n"}), [RULE])
    assert [type(one) for one in done.outcomes] == [Passed, Skipped, Skipped]
    assert [one.reason for one in done.outcomes if isinstance(one, Skipped)] == [
        "Kotlin is not read yet",
        "Ruby is not read yet",
    ]
    assert done.state(3) == "unknown"


def test_a_bundle_beside_its_source_keeps_no_sign_from_being_clear(source: Callable[..., Target]) -> None:
    done = audit(source({"a.js": "f(secret);\n", "a.min.js": BAD}), [RULE])
    assert [type(one) for one in done.outcomes] == [Passed, Skipped]
    assert done.state(3) == "clear"


def test_a_finding_says_what_was_not_read_too(source: Callable[..., Target]) -> None:
    done = audit(source({"a.js": BAD, "a.min.js": BAD}), [RULE])
    assert [type(one) for one in done.outcomes] == [Finding, Skipped]


def test_a_tree_is_read_once_for_all_rules(source: Callable[..., Target], monkeypatch: pytest.MonkeyPatch) -> None:
    target = source({"a.js": BAD})
    assert target.code.seen
    monkeypatch.setattr(read, "paths", lambda *_: [])
    assert target.code.seen

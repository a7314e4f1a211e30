"""Truth files name every rule once, and no other."""

import json

import pytest
from lab.__main__ import truths
from lab.servers import BUILDS, LAB, ROOT
from lab.truth import Label, Truth, TruthFault, parse, rule_ids

RULES = rule_ids((ROOT / "docs" / "rules.md").read_text("utf-8"))
GOOD = "common: {a: [clear, why]}\nbuilds:\n  one:\n    b: [shown, why, [app.py]]\nbeyond:\n  one: [a sin]\n"


def test_rules_are_read_from_the_page() -> None:
    assert len(RULES) == len(set(RULES)) > 50
    assert "cors-foreign-origin" in RULES


def test_every_build_has_a_label_for_every_rule() -> None:
    known = truths(RULES)
    for build in BUILDS:
        assert tuple(known[build.server].builds[build.name]) == RULES


def test_every_truth_file_belongs_to_a_server_and_names_its_builds() -> None:
    assert {path.parent.name for path in LAB.glob("*/truth.yaml")} == {build.server for build in BUILDS}
    for server, one in truths(RULES).items():
        assert set(one.builds) == {build.name for build in BUILDS if build.server == server}


def test_the_honest_api_shows_nothing() -> None:
    for labels in truths(RULES)["tides"].builds.values():
        assert all(one.label is not Label.SHOWN for one in labels.values())


def test_labels() -> None:
    one = parse(GOOD, ("a", "b"), "t")
    assert one.builds == {"one": {"a": Truth(Label.CLEAR, "why"), "b": Truth(Label.SHOWN, "why", ("app.py",))}}
    assert one.beyond == {"one": ("a sin",)}


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("b: [shown", "a: [shown", "labelled in `common` too: a"),
        ("b: [shown", "c: [shown", "no such rule: c"),
        ("    b: [shown, why, [app.py]]", "    {}", "no label for b"),
        ("    b: [shown", "    b: [clear, why]\n    b: [shown", "line 5: 'b' stands twice"),
        ("[clear, why]", "[clean, why]", "t: common: a: needs"),
        ("[clear, why]", "[clear]", "t: common: a: needs"),
        ("[clear, why]", "[clear, why, [app.py]]", "t: common: a: needs"),
        ("one: [a sin]", "two: [a sin]", "no such build: two"),
        ("beyond:", "besides:", "needs `common`, `builds` and `beyond`"),
        ("common:", "common: [", "t: "),
    ],
)
def test_faults(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    with pytest.raises(TruthFault) as caught:
        parse(GOOD.replace(old, new, 1), ("a", "b"), "t")
    assert fault in str(caught.value)


def test_lock_files_name_no_registry_and_check_what_they_install() -> None:
    locks = [path for path in LAB.glob("*/*/package-lock.json") if "node_modules" not in path.parts]
    assert len(locks) == 4
    for path in locks:
        for name, package in json.loads(path.read_text("utf-8"))["packages"].items():
            assert "resolved" not in package
            assert not name or package["integrity"].startswith("sha512-")


def test_advisories_are_what_the_servers_require() -> None:
    names = {
        one["package"]["name"]
        for path in LAB.glob("advisories/*.json")
        for one in json.loads(path.read_text("utf-8"))["affected"]
    }
    assert {"starlette", "flask", "werkzeug", "jsonwebtoken", "express", "qs"} <= names

"""The edges of each ecosystem's order, from its specification; every pair of every row, both ways."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.audit.version import base, key, release

ROWS = {
    # PEP 440: epochs, dev before pre before the release before local and post
    "PyPI": [
        "2.0.dev456", "2.0a1.dev1", "2.0a1", "2.0a2", "2.0b1.post345.dev456", "2.0b1.post345", "2.0rc1", "2.0",
        "2.0+abc.5", "2.0+5", "2.0.post1.dev1", "2.0.post1", "2.0.1", "1!0.5", "1!1.0rc1", "1!1.0",
    ],
    # semver.org, section 11
    "npm": [
        "0.0.0-0", "1.0.0-1", "1.0.0-9", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-alpha-1", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-0", "1.0.1", "1.2.0", "1.10.0", "2.0.0", "10.0.0",
    ],
    # go.dev/ref/mod: the three forms of pseudo-versions
    "Go": [
        "0.0.0-20180101000000-aaaaaaaaaaaa", "0.0.0-20191109021931-daa7c04131f5", "0.0.1", "1.2.3-0.20200101000000-abcdefabcdef",
        "1.2.3-0.20210101000000-000000000000", "1.2.3-pre", "1.2.3-pre.0.20200101000000-abcdefabcdef", "1.2.3-rc.1", "1.2.3",
        "1.2.4-0.20200101000000-abcdefabcdef", "1.2.4", "1.10.0",
    ],
    "crates.io": ["0.0.0-0", "0.1.0-alpha.1", "0.1.0-rc.1", "0.1.0", "0.1.1", "0.2.0", "1.0.0"],
    # Maven's ComparableVersion: alpha < beta < milestone < rc = cr < snapshot < "" = final = ga = release < sp < other < numbers
    "Maven": [
        "1-alpha-1", "1-alpha-2", "1-beta-1", "1-milestone-1", "1-rc-1", "1-rc-2", "1-SNAPSHOT", "1", "1-sp-1", "1-abc", "1-1", "1-2",
        "1.0.1", "1.1", "1.2-beta-2", "1.2", "1.10", "2.0.0.RELEASE", "2.0.1.RELEASE",
    ],
    # Debian policy 5.6.12: epoch, upstream, revision; a tilde sorts before nothing
    "Debian:12": [
        "0.9", "1.0~~", "1.0~~a", "1.0~", "1.0~beta1~svn1245", "1.0~beta1", "1.0", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1",
        "1.0-1.1", "1.0-2", "1.0-10", "1.0+dfsg-1", "1.0.1", "1.9", "1.10", "1:0.1", "2:0.0.1",
    ],
    "Ubuntu:22.04": ["3.0.2-0ubuntu1", "3.0.2-0ubuntu1.1", "3.0.2-0ubuntu1.10", "3.0.2-0ubuntu2"],
    "Alpine:v3.18": ["1.2.4_alpha1", "1.2.4_alpha1-r3", "1.2.4_alpha2", "1.2.4_beta1", "1.2.4_pre1", "1.2.4_rc1",
        "1.2.4", "1.2.4-r1", "1.2.4-r2", "1.2.4-r10", "1.2.4_git20200101", "1.2.4_p1", "1.2.4_p1-r1", "1.2.4a", "1.2.4.1", "1.2.5",
    ],
    # Gem::Version: letters make it a pre-release
    "RubyGems": ["0.9", "1.0.a", "1.0.a10", "1.0.b1", "1.0.pre", "1.0.rc1", "1.0", "1.0.0.1", "1.0.1", "1.9", "1.10"],
    # Composer: dev < alpha = a < beta = b < RC < stable < patch = pl = p
    "Packagist": [
        "1.0.0-dev", "1.0.0-alpha1", "1.0.0-alpha2", "1.0.0-alpha10", "1.0.0-beta2", "1.0.0-RC1", "1.0.0-RC2", "1.0.0", "1.0.0-p1", "1.0.0-p2",
        "1.0.0.1", "1.0.1-dev", "1.0.1", "1.10.0", "2",
    ],
    # NuGet: SemVer 2 with a fourth number, without regard to case
    "NuGet": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-Alpha.2", "1.0.0-alpha.10", "1.0.0-beta", "1.0.0-RC1", "1.0", "1.0.0.1", "1.0.1", "1.10"],
}  # fmt: skip

ALIKE = [
    ("PyPI", "1.0", "1.0.0"), ("PyPI", "1.0rc1", "1.0.0-RC.1"), ("PyPI", "v1.0", "1.0"), ("PyPI", "0!1.0", "1.0"),
    ("npm", "1.0.0+build.1", "1.0.0"), ("npm", "v1.0.0", "1.0.0"), ("crates.io", "1.0.0+a", "1.0.0+b"),
    ("Go", "2.0.0+incompatible", "2.0.0"), ("Go", "v1.0.0", "1.0.0"),
    ("Maven", "1", "1.0.0"), ("Maven", "1-ga", "1.0"), ("Maven", "1.0.0.Final", "1"), ("Maven", "1.0.RELEASE", "1.0"), ("Maven", "1-cr1", "1-rc1"),
    ("Debian:12", "0:1.0", "1.0"), ("Debian:12", "1.0-0", "1.0"), ("RubyGems", "1.0.0", "1"),
    ("Packagist", "v1.0", "1.0.0"), ("Packagist", "1.0.0-b1", "1.0.0-beta1"), ("Packagist", "1.0.0-pl1", "1.0.0-patch1"), ("Packagist", "1.0.0RC1", "1.0-rc.1"),
    ("NuGet", "1.0", "1.0.0.0"), ("NuGet", "1.0.0+a", "1.0.0"), ("NuGet", "1.0.0-BETA", "1.0.0-beta"),
]  # fmt: skip


@pytest.mark.parametrize("ecosystem", ROWS)
def test_every_pair_of_a_row_stands_in_order(ecosystem: str) -> None:
    wrong = []
    for low, high in itertools.combinations(ROWS[ecosystem], 2):
        one, other = key(ecosystem, low), key(ecosystem, high)
        assert one is not None, low
        assert other is not None, high
        if not (one < other and one <= other and not other < one and not other <= one and one != other):
            wrong.append((low, high))
    assert wrong == []


@pytest.mark.parametrize(("ecosystem", "one", "other"), ALIKE)
def test_what_is_alike_is_neither_before_nor_after(ecosystem: str, one: str, other: str) -> None:
    first, second = key(ecosystem, one), key(ecosystem, other)
    assert first is not None
    assert second is not None
    assert first == second
    assert not first < second
    assert first <= second


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        ("npm", "1.0.0.0"), ("npm", "latest"), ("npm", "^1.0.0"), ("npm", "1.x"), ("npm", "01.0.0"), ("Packagist", "dev-main"), ("Packagist", "1.0.x-dev"),
        ("PyPI", "1.0-n653"), ("PyPI", "*"), ("Unheard", "1.0"), ("Docker", "3.11"), ("npm", "1" * 300), ("Go", "master"),
    ],
)  # fmt: skip
def test_what_is_no_version_has_no_place(ecosystem: str, text: str) -> None:
    assert key(ecosystem, text) is None


TEXTS = st.text(max_size=30) | st.from_regex(
    r"[v]?[0-9]{1,3}(\.[0-9a-z]{1,4}){0,3}([-+~_:][a-z0-9.]{1,6}){0,2}", fullmatch=True
)


@pytest.mark.parametrize("ecosystem", sorted({base(one) for one in ROWS}))
@given(one=TEXTS, other=TEXTS)
def test_whatever_is_given_has_a_place_or_none(ecosystem: str, one: str, other: str) -> None:
    first, second = key(ecosystem, one), key(ecosystem, other)
    if first is not None and second is not None:
        assert (first < second) + (second < first) + (first == second) == 1


@pytest.mark.parametrize("ecosystem", ROWS)
@given(data=st.data())
def test_the_order_is_total_where_it_is_one(ecosystem: str, data: st.DataObject) -> None:
    drawn = st.tuples(*[st.sampled_from(ROWS[ecosystem])] * 3)
    a, b, c = (key(ecosystem, text) for text in data.draw(drawn))
    assert a is not None
    assert b is not None
    assert c is not None
    assert (a < b) + (b < a) + (a == b) == 1
    if a <= b <= c:
        assert a <= c


def test_releases_are_told_from_ecosystems() -> None:
    assert [release(one) for one in ("Debian:12", "Ubuntu:22.04:LTS", "Maven:https://repo.x/", "PyPI", "Alpine")] == [
        "Debian:12",
        "Ubuntu:22.04",
        "Maven",
        "PyPI",
        "Alpine",
    ]

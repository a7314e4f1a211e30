from __future__ import annotations

import pytest

from ninefold.audit.cookie import deleted

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    "cookie", ["a=", 'a=""', "a", "a=x; Max-Age=0", "a=x; MAX-AGE=-5", "a=x; Expires=Thu, 01-Jan-1970 00:00:00 GMT"]
)
def test_a_cookie_without_value_or_time_is_taken_away(cookie: str) -> None:
    assert deleted(cookie, NOW)


@pytest.mark.parametrize(
    "cookie",
    ["a=x", "a=x; Max-Age=1", "a=x; Max-Age=", "a=x; Expires=", "a=x; Expires=Wed, 99 Foo 2026 99:99:99 GMT",
     "a=x; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "a=x; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
)  # fmt: skip
def test_one_with_both_or_that_cannot_be_read_is_kept(cookie: str) -> None:
    assert not deleted(cookie, NOW)

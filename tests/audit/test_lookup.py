from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.lookup import keys_looked_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

HEADER = 'request.headers.get("X-Api-Key")'


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"app.py": f'USERS = {{"K-1041": "alice"}}\ndef f():\n    return USERS.get({HEADER})\n'}, "app.py:1"),
        (
            {
                "app.py": f'from .data import users\ndef f():\n    key = {HEADER} or request.args.get("api_key", "")\n    return users[key]\n',
                "data.py": 'x = 1\nusers: dict[str, str] = {"K-1041": "alice"}\n',
            },
            "data.py:2",
        ),
        ({"app.py": f'ok = frozenset({{"K-1041"}})\ndef f():\n    if {HEADER} not in ok:\n        raise No\n'}, "app.py:1"),
        ({"app.py": f'def f():\n    if {HEADER} != "K-1041":\n        raise No\n'}, "app.py:2"),
        (
            {"app.py": 'K = "K-1041"\ndef f(x_api_key: str = Header()):\n    return hmac.compare_digest(x_api_key, K)\n'},
            "app.py:3",
        ),
        ({"a.js": 'const users = { "K-1041": "alice" };\napp.use((req) => users[req.headers["x-api-key"]]);'}, "a.js:1"),
        ({"a.ts": 'const ok = new Set(["K-1041"]);\nconst f = (req: Request) => { const k = req.get("X-API-Key"); return ok.has(k); };'}, "a.ts:1"),
        ({"a.js": 'if (req.query.api_key === "K-1041") next();'}, "a.js:1"),
        ({"a.go": 'package a\nvar users = map[string]string{"K-1041": "alice"}\nfunc f(r *http.Request) string { return users[r.Header.Get("X-Api-Key")] }'}, "a.go:2"),
        ({"a.go": 'package a\nfunc f(c *gin.Context) bool { return c.GetHeader("X-Api-Key") == "K-1041" }'}, "a.go:2"),
        ({"A.java": 'class A {\nstatic final Set<String> OK = Set.of("K-1041");\nboolean f(R request) { return OK.contains(request.getHeader("X-Api-Key")); } }'}, "A.java:2"),
        ({"A.java": 'class A {\nboolean f(R request) { return "K-1041".equals(request.getHeader("X-Api-Key")); } }'}, "A.java:2"),
    ],
)  # fmt: skip
def test_what_a_callers_key_is_held_against_is_told(
    source: Callable[..., Target], files: dict[str, str], place: str
) -> None:
    assert [str(one.place) for one in keys_looked_up(source(files))] == [place]


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": f"USERS = load()\ndef f():\n    return USERS.get({HEADER})\n"},
        {"app.py": f'USERS = {{"5e88": "a"}}\ndef f():\n    key = sha256({HEADER}.encode()).hexdigest()\n    return USERS.get(key)\n'},
        {"app.py": 'NAMES = {"K-1041": "alice"}\ndef f():\n    return NAMES.get(request.args.get("name"))\n'},
        {"app.py": f'def f():\n    if {HEADER} == "":\n        raise No\n'},
        {"app.py": f'def f():\n    if {HEADER} == os.environ["KEY"]:\n        return 1\n'},
        {"a.js": 'const users = { alice: "K-1041" };\nconst u = users[req.query.name];'},
        {"a.js": 'if (req.headers["x-api-key"] === process.env.KEY) next();'},
        {"a.js": 'if (req.headers["x-api-key"] === "") next();'},
        {"a.go": 'package a\nfunc f(c *gin.Context) bool { return c.GetHeader("X-Api-Key") == "" || c.GetHeader("X-Api-Key") != os.Getenv("K") }'},
        {"A.java": 'class A { boolean f(R request) { return repo.contains(request.getHeader("X-Api-Key")); } }'},
    ],
)  # fmt: skip
def test_what_is_kept_elsewhere_is_left(source: Callable[..., Target], files: dict[str, str]) -> None:
    assert list(keys_looked_up(source(files))) == []

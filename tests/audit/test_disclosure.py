from __future__ import annotations

import pytest

from ninefold.audit.answer import Answer, Ask
from ninefold.audit.disclosure import banners, leak


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('Traceback (most recent call last):\n  File "/srv/app.py", line 3, in get', "a Python traceback"),
        ('{"trace":"File \\"/srv/app.py\\", line 3"}', "a Python traceback"),
        ("java.lang.NullPointerException\n\tat com.example.Api.get(Api.java:42)", "a Java stack trace"),
        ("at Shop.Api.Get() in /src/Api.cs:line 12", "a .NET stack trace"),
        ("TypeError: x\n    at get (/srv/app/index.js:10:5)", "a JavaScript stack trace"),
        ("TypeError: x\n    at file:///srv/app/index.mjs:10:5", "a JavaScript stack trace"),
        ("<b>Warning</b>: Undefined index in /var/www/x.php on line 3", "a PHP error"),
        ("goroutine 1 [running]:\nmain.main()", "a Go panic"),
        ("app/models/order.rb:12:in `find'", "a Ruby backtrace"),
        ("thread 'main' panicked at src/main.rs:3:5", "a Rust panic"),
        ('sqlite3.OperationalError: near "\'": syntax error', "an error of the database"),
        ('{"error":"syntax error at or near \\"\'\\"\\nLINE 1: select"}', "an error of the database"),
        ('pq: syntax error at or near "x"', "an error of the database"),
        ('ERROR: syntax error at or near "x" (SQLSTATE 42601)', "an error of the database"),
        ('ERROR: syntax error at or near "x"\n  Position: 31', "an error of the database"),
        ("SELECT id, name FROM users WHERE id = ''", "an error of the database"),
        ('{"error":"cannot open /srv/shop/orders/views.py"}', "a path of the server's files"),
        (r'{"error":"C:\\inetpub\\shop\\api.dll not found"}', "a path of the server's files"),
        ("<title>Werkzeug Debugger</title>", "a page for developers"),
    ],
)
def test_what_only_a_fault_writes_is_recognised(text: str, what: str) -> None:
    assert leak(text) == what


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"about:blank","title":"Bad Request","status":400,"detail":"id must be a number"}',
        '{"detail":[{"loc":["path","id"],"msg":"value is not a valid integer"}]}',
        "Please select an option from the list where it applies",
        '{"title":"Bad filter","detail":"syntax error at or near \\"=>\\" at position 7"}',
        'filter, line 1: syntax error at or near "and"',
        '{"code":"filter","message":"ERROR: syntax error at or near \\"and\\""}',
        "The train departs at Platform (3)",
        '{"href":"/app/orders/1"}',
        "<script src=/static/app.js></script>",
        "",
    ],
)
def test_ordinary_answers_are_not(text: str) -> None:
    assert leak(text) == ""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("server", "nginx/1.18.0 (Ubuntu)", True),
        ("server", "Werkzeug/3.0.1 Python/3.11.4", True),
        ("x-powered-by", "PHP/8.1.2", True),
        ("x-aspnet-version", "4.0.30319", True),
        ("server", "nginx", False),
        ("server", "cloudflare", False),
        ("x-powered-by", "Express", False),
        ("via", "1.1 varnish", False),
        ("x-api-version", "2.1", False),
    ],
)
def test_a_banner_is_one_that_tells_a_version(name: str, value: str, told: bool) -> None:
    answer = Answer(Ask("GET", "/"), 200, ((name, value),), b"")
    assert bool(banners(answer)) is told

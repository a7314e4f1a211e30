"""What only a fault inside an API, or its banner, writes into an answer: traces, statements, paths, versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ninefold.audit.answer import Answer

_LEAKS = (
    ("a Python traceback", re.compile(r"Traceback \(most recent call last\)|File \\?\"[^\"\n]+\.py\\?\", line \d+")),
    ("a Java stack trace", re.compile(r"\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)|java\.lang\.\w+(?:Exception|Error)")),
    ("a .NET stack trace", re.compile(r"\bat [\w.`<>]+\([^)\n]*\) in [^\n]+\.cs:line \d+|System\.\w+Exception:")),
    ("a JavaScript stack trace", re.compile(r"\bat (?:[\w.<>$ ]+\()?(?:file://)?/[^)\n]+\.[cm]?[jt]s:\d+:\d+\)?")),
    ("a PHP error", re.compile(r"(?:Fatal error|Warning|Notice)</?b?>?: .+ in .+\.php")),
    ("a Go panic", re.compile(r"goroutine \d+ \[running\]|panic: runtime error")),
    ("a Ruby backtrace", re.compile(r"\.rb:\d+:in [`']")),
    ("a Rust panic", re.compile(r"thread '[^'\n]+' panicked at |called `(?:Result|Option)::\w+\(\)` on ")),
    (
        "an error of the database",
        re.compile(
            r"sqlite3?\.\w*Error|SQLITE_ERROR|unrecognized token:|near \\?\"[^\"\n]*\": syntax error"
            r"|no such (?:table|column):|You have an error in your SQL syntax|ORA-\d{5}|PG::\w+Error|psycopg\d?\."
            r"|pg_query\(\)|SQLSTATE\[|Unclosed quotation mark|unterminated quoted string"
            r"|MongoServerError|sqlalchemy\.exc\.|PrismaClient\w+Error|\bSELECT\b[^\n]{1,200}\bFROM\b[^\n]{1,200}\bWHERE\b",
        ),
    ),
    (
        "a path of the server's files",
        re.compile(
            r"(?:^|[\s\"'(=:])(?:/(?:home|usr|var|opt|srv|app|root|Users|data|workspace)/[\w./ -]+|[A-Za-z]:\\\\?[\w.\\ -]+)"
            r"\.(?:py|js|ts|rb|php|java|go|cs|rs|jar|dll|so)\b"
        ),
    ),
    ("a page for developers", re.compile(r"Werkzeug Debugger|DEBUG = True|Whoops\\Exception")),
)  # fmt: skip

#: What PostgreSQL says of a statement, and so does many a filter language of an API's own.
_NEAR = "syntax error at or near"

#: What stands beside it only where a database said it: of its protocol, its drivers, and how they write it down.
_POSTGRES = re.compile(
    r"(?:\b|\\n)LINE \d+:|SQLSTATE|\b42601\b|scanner_yyerror|PG::|\bpq: |psycopg|asyncpg|PSQLException|[Pp]ostgre"
    r"|returned from database"
    r"|ERROR:  ?syntax error[^\n]{1,200}(?:\n|\\n)?\s*(?:at character|Position:|\(position)"
)

#: What SQLite says of a statement, and other APIs of the columns and filters that their callers name.
_OF_TABLES = re.compile(r"no such (?:table|column):|near \\?\"[^\"\n]*\": syntax error")

#: Fields that name what the API runs on. `Via` names protocols (RFC 9110 section 7.6.3).
_BANNERS = (
    "server",
    "x-powered-by",
    "x-generator",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-backend",
    "x-runtime-version",
)
_VERSION = re.compile(r"\d+\.\d+|/v?\d+")


def leak(text: str) -> str:
    """What an answer's text gives away, in words; empty: nothing that is known here."""
    if what := next((what for what, pattern in _LEAKS if pattern.search(text)), ""):
        return what
    return "an error of the database" if _NEAR in text and _POSTGRES.search(text) else ""


def is_doubtful(text: str) -> bool:
    """Whether all that an answer gives away are words that an API for tables says of its callers' own ones too."""
    return not leak(_OF_TABLES.sub("", text))


def banners(answer: Answer) -> tuple[str, ...]:
    """The fields that tell a version, as `Server: nginx/1.18.0`. A bare name tells little and is none."""
    return tuple(
        f"{name.title()}: {value}" for name, value in answer.headers if name in _BANNERS and _VERSION.search(value)
    )

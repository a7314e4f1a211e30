from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ninefold.audit.pycors import open_origins
from ninefold.audit.source import Module, SourceFile


def found(text: str) -> list[int]:
    return [line for line, _ in open_origins(Module(SourceFile(Path("a.py"), "a.py", text), ast.parse(text)))]


@pytest.mark.parametrize(
    "text",
    [
        "app.add_middleware(CORSMiddleware, allow_origins=['*'], allow_credentials=True)",
        "app.add_middleware(CORSMiddleware, allow_origin_regex='https?://.*', allow_credentials=True)",
        "app.add_middleware(CORSMiddleware, allow_origin_regex=r'https://.*example\\.com', allow_credentials=True)",
        "m = [Middleware(CORSMiddleware, allow_origins=['*'], allow_credentials=True)]",
        "CORS(app, supports_credentials=True)",
        "CORS(app, resources={r'/*': {'origins': '*'}}, supports_credentials=True)",
        "CORS(app, origins=r'.*', supports_credentials=True)",
        "CORS(app, origins=[r'https://.*\\.example\\.com'], supports_credentials=True)",
        "@cross_origin(origins='*', supports_credentials=True)\ndef f(): pass",
        "CORS_ALLOW_CREDENTIALS = True; CORS_ALLOW_ALL_ORIGINS = True",
        "CORS_ORIGIN_ALLOW_ALL = True; CORS_ALLOW_CREDENTIALS = True",
        "CORS_ALLOW_CREDENTIALS = True; CORS_ALLOWED_ORIGIN_REGEXES = [r'^https://\\w+\\.example\\.com']",
        "response.headers['Access-Control-Allow-Origin'] = request.headers['Origin']",
    ],
)
def test_settings_that_let_foreign_origins_in_are_told(text: str) -> None:
    assert found(text) == [1]


def test_a_list_is_followed_through_its_name() -> None:
    assert found(
        "ORIGINS = ['*']\napp.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_credentials=True)"
    ) == [2]


@pytest.mark.parametrize(
    "text",
    [
        "app.add_middleware(CORSMiddleware, allow_origins=['*'])",
        "app.add_middleware(CORSMiddleware, allow_origins=['https://a.example'], allow_credentials=True)",
        "app.add_middleware(CORSMiddleware, allow_origin_regex=r'https://.*\\.example\\.com', allow_credentials=True)",
        "app.add_middleware(CORSMiddleware, allow_origins=settings.origins, allow_credentials=True)",
        "app.add_middleware(CORSMiddleware, **options)",
        "CORS(app)",
        "CORS(app, origins=['https://a.example'], supports_credentials=True)",
        "CORS(app, **options, supports_credentials=True)",
        "CORS(app, resources={r'/*': {'origins': ['https://a.example']}}, supports_credentials=True)",
        "CORS(app, origins=[r'^https://\\w+\\.example\\.com$'], supports_credentials=True)",
        "CORS_ALLOW_ALL_ORIGINS = True",
        "CORS_ALLOW_CREDENTIALS = True; CORS_ALLOWED_ORIGINS = ['https://a.example']",
        "CORS_ALLOW_CREDENTIALS = True; CORS_ALLOWED_ORIGIN_REGEXES = [r'^https://\\w+\\.example\\.com$']",
    ],
)
def test_exact_ones_and_ones_without_credentials_are_left(text: str) -> None:
    assert found(text) == []

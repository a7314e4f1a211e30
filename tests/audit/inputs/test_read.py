from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ninefold.audit.inputs.read import described
from ninefold.audit.key import Key
from ninefold.audit.probe import parse_origin, trust
from ninefold.errors import DescriptionError, FileError

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = json.dumps({"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": {}}}})
KEY = Key("header", "X-API-Key", "k7Qw2ZrT9xLm4VbN8sHd3FgJ6pYc1AeU")


def _read(name: str, **more: Any) -> Any:
    return described(name, agent="test", trusted=lambda: trust(None), **more)


def test_a_file_with_a_colon_in_its_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").write_text(DOCUMENT)
    assert _read("a:b").source == "a:b"


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(FileError, match="cannot be read"):
        _read("nowhere.yaml")


def test_a_url_is_fetched_and_its_query_is_not_kept(serve: Any) -> None:
    url = serve(lambda _: (200, {}, DOCUMENT.encode()))
    api = _read(f"{url}/openapi.json?token=s3cret")
    assert api.source == f"{url}/openapi.json"
    assert "s3cret" not in repr(api)


def test_a_key_goes_to_the_origin_that_it_is_for_and_to_no_other(serve: Any) -> None:
    seen: list[str | None] = []

    def answer(request: Any) -> Any:
        seen.append(request.headers.get("X-API-Key"))
        return (200, {}, DOCUMENT.encode()) if seen[-1] else (401, {}, b"no")

    url = serve(answer)
    with pytest.raises(DescriptionError, match="answers 401"):
        _read(f"{url}/a", origin=parse_origin("http://127.0.0.1:9"), key=KEY)
    assert seen == [None]
    assert _read(f"{url}/a", origin=parse_origin(f"{url}/base"), key=KEY).operations
    assert seen[-1] == KEY.value


@pytest.mark.parametrize("url", ["http://u:s3cret@127.0.0.1/a", "https://[::1", "http://127.0.0.1:99999/"])
def test_a_url_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(DescriptionError) as told:
        _read(url)
    assert "s3cret" not in str(told.value)

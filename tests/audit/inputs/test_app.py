from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ninefold.audit.inputs.app import described
from ninefold.contract.description import Kind
from ninefold.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FASTAPI = """
from fastapi import FastAPI
print("noise" * 1000)
app = FastAPI()
@app.get("/orders/{order}")
def order(order: int) -> dict[str, int]: return {}
def make(): return app
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.routing import Mount, Route
async def one(request): ...
app = Starlette(routes=[Route("/a/{id:int}", one, methods=["GET", "DELETE"]), Mount("/m", routes=[Route("/b", one)])])
"""
FLASK = """
from flask import Flask
app = Flask(__name__)
@app.route("/a/<int:id>", methods=["GET", "POST"])
def one(id): return {}
@app.get("/f/<path:rest>")
def rest(rest): return {}
"""
DJANGO_URLS = """
from django.urls import include, path, re_path
from django.views import View
from django.views.decorators.http import require_http_methods
class One(View):
    def get(self, request, pk): ...
    def post(self, request, pk): ...
@require_http_methods(["PUT"])
def year(request, y): ...
def plain(request): ...
urlpatterns = [path("v/<int:pk>/", One.as_view()), re_path(r"^o/(?P<y>[0-9]{4})/$", year), path("i/", include([path("z", plain)]))]
"""
DJANGO_SETTINGS = 'SECRET_KEY = "x"\nROOT_URLCONF = "site_urls"\nINSTALLED_APPS = []\n'
DJANGO_WSGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`module(name=source)`: modules of an app in the folder that the audit is started in."""
    monkeypatch.chdir(tmp_path)

    def write(**sources: str) -> None:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)

    return write


@pytest.mark.parametrize("name", ["shop:app", "shop:make()"])
def test_fastapi_describes_itself(module: Callable[..., None], name: str) -> None:
    module(shop=FASTAPI)
    api = described(name)
    assert api.kind is Kind.OPENAPI
    assert [one.path for one in api.operations] == ["/orders/{order}"]


@pytest.mark.parametrize(
    ("source", "operations"),
    [
        (STARLETTE, {"GET /a/{id}": "shop:one", "DELETE /a/{id}": "shop:one", "GET /m/b": "shop:one"}),
        (FLASK, {"GET /a/{id}": "shop:one", "POST /a/{id}": "shop:one", "GET /f/{rest}": "shop:rest"}),
    ],
)
def test_routes_are_operations_at_the_functions_that_serve_them(
    module: Callable[..., None], source: str, operations: dict[str, str]
) -> None:
    module(shop=source)
    api = described("shop:app")
    assert api.kind is Kind.ROUTES
    assert {one.id: one.pointer for one in api.operations} == operations
    assert api.operations[0].parameters[0].schema == {"type": "integer"}


@pytest.mark.parametrize("name", ["site_wsgi:application", "site_settings:ROOT_URLCONF"])
def test_django_has_its_patterns(module: Callable[..., None], name: str) -> None:
    module(site_urls=DJANGO_URLS, site_settings=DJANGO_SETTINGS, site_wsgi=DJANGO_WSGI)
    api = described(name)
    assert {one.id: one.pointer for one in api.operations} == {
        "GET /v/{pk}/": "site_urls:One",
        "POST /v/{pk}/": "site_urls:One",
        "PUT /o/{y}/": "site_urls:year",
        "GET /i/z": "site_urls:plain",
    }


def test_litestar_describes_itself(module: Callable[..., None]) -> None:
    pytest.importorskip("litestar")
    module(
        shop='from litestar import Litestar, get\n@get("/a")\nasync def a() -> dict[str, int]: return {}\napp = Litestar([a])\n'
    )
    assert [one.path for one in described("shop:app").operations] == ["/a"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('raise RuntimeError("no DATABASE_URL")', "cannot be imported: RuntimeError: no DATABASE_URL"),
        ('raise OSError("postgres://u:s3cret@db/x")', "cannot be imported: OSError: postgres://db/x"),
        ("import nosuchthing", "No module named 'nosuchthing'"),
        ("app = 5", "shop:app is a builtins.int, and no app of fastapi, litestar"),
        ("def app(): ...", r"if it makes the app, write it with \(\)"),
        ("import os; os._exit(3)", "cannot be imported"),
        ("def f(", "SyntaxError"),
        ("import sys; sys.exit(0)", "cannot be imported"),
        ("from flask import Flask; app = Flask('x')", "has no routes"),
    ],
)
def test_an_app_that_cannot_be_had_is_told_with_its_own_last_line(
    module: Callable[..., None], source: str, said: str
) -> None:
    module(shop=source)
    with pytest.raises(DescriptionError, match=said):
        described("shop:app")


def test_an_import_that_does_not_end_is_ended_with_all_that_it_started(
    module: Callable[..., None], tmp_path: Path
) -> None:
    child = "import time, pathlib\nfor at in range(600): pathlib.Path('alive').write_text(str(at)); time.sleep(0.05)\n"
    module(
        child=child,
        shop=f"import subprocess, time\nsubprocess.Popen([{sys.executable!r}, 'child.py'])\ntime.sleep(60)\n",
    )
    began = time.monotonic()
    with pytest.raises(DescriptionError, match="did not come to an end in 3 seconds"):
        described("shop:app", 3.0)
    assert time.monotonic() - began < 20
    last = (tmp_path / "alive").read_text()
    time.sleep(0.3)
    assert (tmp_path / "alive").read_text() == last


def test_what_an_app_prints_and_starts_does_not_reach_the_audit(module: Callable[..., None]) -> None:
    threaded = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    module(shop=threaded + FASTAPI)
    told = subprocess.run(
        [sys.executable, "-c", "from ninefold.audit.inputs.app import described; described('shop:app')"],
        capture_output=True,
        check=True,
        timeout=50,
    )
    assert told.stdout == b""

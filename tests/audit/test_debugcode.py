from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.debugcode import debug_flags
from ninefold.audit.finding import Confidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

DJANGO = "INSTALLED_APPS = []\n"


@pytest.mark.parametrize(
    ("name", "text", "sure"),
    [
        ("app.py", "from flask import Flask\napp = Flask('a')\napp.run(debug=True)\n", True),
        ("app.py", "import flask\napp = flask.Flask('a')\nif __name__ == '__main__':\n    app.run(host='0.0.0.0', debug=True)\n", False),
        ("app.py", "from flask import Flask\napp = Flask('a')\napp.config['DEBUG'] = True\n", True),
        ("app.py", "from quart import Quart\napp = Quart('a')\napp.debug = True\n", True),
        ("app.py", "from fastapi import FastAPI\napp = FastAPI(debug=True)\n", True),
        ("app.py", "from starlette.applications import Starlette\nDEBUG = True\napp = Starlette(debug=DEBUG)\n", True),
        ("shop/settings.py", DJANGO + "DEBUG = True\n", True),
        ("shop/settings.py", DJANGO + "DEBUG = True\nif PRODUCTION:\n    DEBUG = False\n", False),
        ("shop/settings.py", DJANGO + "DEBUG = os.environ.get('DEBUG', True)\n", False),
        ("app.js", 'const errorhandler = require("errorhandler");\napp.use(errorhandler());', True),
        ("main.go", 'package a\nimport "github.com/gin-gonic/gin"\nfunc main() { gin.SetMode(gin.DebugMode) }', True),
        ("main.go", 'package a\nimport "github.com/labstack/echo/v4"\nfunc main() { e := echo.New(); e.Debug = true }', True),
        ("A.java", "@EnableWebSecurity(debug = true)\nclass A {}", True),
    ],
)  # fmt: skip
def test_each_debug_mode_is_told(source: Callable[..., Target], name: str, text: str, sure: bool) -> None:
    seen = debug_flags(source({name: text})).seen
    assert [one.confidence is not Confidence.SUSPECTED for one in seen] == [sure]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", "from flask import Flask\napp = Flask('a')\napp.run(debug=False)\napp.debug = load()\n"),
        ("app.py", "from flask import Flask\napp.run(debug=os.environ.get('DEBUG') == '1')\n"),
        ("app.py", "import asyncio\nasyncio.run(main(), debug=True)\n"),
        ("app.py", "from fastapi import FastAPI\nimport uvicorn\nFastAPI(debug=settings.debug)\n"),
        ("app.py", "DEBUG = True\n"),
        ("shop/settings/local.py", DJANGO + "DEBUG = True\n"),
        ("shop/settings_dev.py", DJANGO + "DEBUG = True\n"),
        ("shop/settings.py", DJANGO + "DEBUG = True\nDEBUG = False\n"),
        ("shop/settings.py", DJANGO + "DEBUG = os.environ.get('DEBUG', '') == '1'\n"),
        ("app.js", 'const errorhandler = require("errorhandler");\nif (process.env.NODE_ENV === "development") app.use(errorhandler());'),
        ("main.go", 'package a\nimport "github.com/gin-gonic/gin"\nfunc main() { gin.SetMode(gin.ReleaseMode) }'),
        ("main.go", "package a\nfunc main() { e.Debug = true }"),
        ("A.java", "@EnableWebSecurity\nclass A {}"),
    ],
)  # fmt: skip
def test_what_is_off_or_a_developers_own_is_left(source: Callable[..., Target], name: str, text: str) -> None:
    looked = debug_flags(source({name: text}))
    assert looked.seen == ()
    assert looked.at == 1

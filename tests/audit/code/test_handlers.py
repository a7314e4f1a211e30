from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[[str, str], list[tuple[str, int]]]

EXPRESS = """const app = express();
app.get("/orders", auth, (req, res) => res.json(load()));
app.post("/orders", auth, (req, res) => res.json(store(req.body)));
app.get("/orders/:id", requireLogin, (req, res) => res.json(load(req.params.id)));
app.get("/news", (req, res) => res.json(load()));
"""
ROUTER = """import { Router } from "express";
export const router: Router = Router();
router.get("/orders", passport.authenticate("jwt"), orders.list);
router.post("/orders", [authenticate, validate(schema)], orders.add);
router.delete("/orders/:id", requireRole("admin"), orders.drop);
"""


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.js", EXPRESS + 'app.put("/prices/:id", (req, res) => res.json(change(req.body)));', 6),
        ("a.js", EXPRESS + 'app.get("/orders/:id/slip", (req, res) => res.json(load(req.params.id)));', 6),
        ("a.ts", ROUTER + 'router.put("/prices/:id", validate(schema), prices.change);', 6),
    ],
)
def test_the_one_without_a_check_is_told(seen: Look, name: str, text: str, line: int) -> None:
    assert ("route", line) in seen(name, text)
    assert len([one for one in seen(name, text) if one[0] == "route"]) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", EXPRESS),
        ("a.js", EXPRESS + 'app.post("/login", (req, res) => res.json(enter(req.body)));'),
        ("a.js", EXPRESS + 'app.put("/prices", (req, res) => res.json(change(req.user)));'),
        (
            "a.js",
            "app.use(authenticate);\n" + EXPRESS + 'app.put("/prices", (req, res) => res.json(change(req.body)));',
        ),
        ("a.js", EXPRESS + 'other.put("/prices", (req, res) => res.json(change(req.body)));'),
        ("a.js", EXPRESS + 'cache.put("/prices", prices);'),
        ("a.js", EXPRESS.replace("auth,", "") + 'app.put("/prices", (req, res) => res.json(change(req.body)));'),
        ("a.ts", ROUTER + 'router.put("/prices", guarded(prices.change));'),
    ],
)
def test_what_is_open_on_purpose_or_closed_elsewhere_is_left(seen: Look, name: str, text: str) -> None:
    assert [one for one in seen(name, text) if one[0] == "route"] == []

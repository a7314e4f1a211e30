from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Look = Callable[[str, str], list[tuple[str, int]]]

OPEN = [
    ("a.js", 'const cors = require("cors");\napp.use(cors({ origin: true, credentials: true }));'),
    ("a.js", 'const cors = require("cors");\napp.use(cors({ credentials: true }));'),
    ("a.ts", 'import cors from "cors";\nconst options: cors.CorsOptions = { origin: "*", credentials: true };\napp.use(cors(options));'),
    ("a.mjs", 'import cors from "@fastify/cors";\nawait app.register(cors, { origin: /.*/, credentials: true });'),
    ("a.js", "app.use(cors({ origin: (origin, done) => done(null, true), credentials: true }));"),
    ("a.js", "app.use(cors({ origin: function (origin, done) { done(null, origin); }, credentials: true }));"),
    ("a.ts", "app.enableCors({ origin: true, credentials: true });"),
    ("a.js", 'app.use((req, res, next) => { res.setHeader("Access-Control-Allow-Origin", req.headers.origin); next(); });'),
    ("a.js", 'function c(req, res, next) { res.header("Access-Control-Allow-Origin", req.get("Origin") || "*"); next(); }'),
    ("a.ts", 'const h = (req: Request, res: Response) => { const origin = req.headers["origin"]; res.set("access-control-allow-origin", origin); };'),
    ("a.js", 'function h(req, res) { res.writeHead(200, { "Access-Control-Allow-Origin": req.headers.origin }); }'),
    ("a.go", 'package a\nfunc h(w http.ResponseWriter, r *http.Request) { w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin")) }'),
    ("a.go", 'package a\nfunc h(c *gin.Context) { o := c.Request.Header.Get("Origin"); c.Writer.Header().Set("Access-Control-Allow-Origin", o) }'),
    ("a.go", "package a\nvar c = cors.New(cors.Config{AllowAllOrigins: true, AllowCredentials: true})"),
    ("a.go", 'package a\nvar c = cors.New(cors.Options{AllowedOrigins: []string{"*"}, AllowCredentials: true})'),
    ("a.go", "package a\nvar c = cors.Config{AllowOriginFunc: func(origin string) bool { return true }, AllowCredentials: true}"),
    ("A.java", 'class A { void f(CorsRegistry r) { r.addMapping("/**").allowedOriginPatterns("*").allowCredentials(true); } }'),
    ("A.java", 'class A { void f() { c.setAllowedOriginPatterns(List.of("*")); c.setAllowCredentials(true); } }'),
    ("A.java", '@CrossOrigin(originPatterns = "*", allowCredentials = "true")\nclass A {}'),
    ("A.java", 'class A { void doFilter(Req request, Res response) { response.setHeader("Access-Control-Allow-Origin", request.getHeader("Origin")); } }'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), OPEN)
def test_settings_and_headers_that_let_everybody_in_are_told(seen: Look, name: str, text: str) -> None:
    assert {one for one, _ in seen(name, text)} == {"cors"}


CLOSED = [
    ("a.js", 'const cors = require("cors");\napp.use(cors());'),
    ("a.js", 'const cors = require("cors");\napp.use(cors({ origin: ["https://a.example"], credentials: true }));'),
    ("a.js", 'const cors = require("cors");\napp.use(cors({ ...base, credentials: true }));'),
    ("a.js", "app.use(cors({ origin: (origin, done) => done(null, allowed.includes(origin)), credentials: true }));"),
    ("a.js", 'app.use(cors({ origin(origin, done) { if (!allowed.has(origin)) return done(new Error("no")); done(null, true); }, credentials: true }));'),
    ("a.ts", "app.enableCors({ origin: process.env.ORIGIN, credentials: true });"),
    ("a.js", 'function h(req, res) { const o = req.headers.origin; if (allowed.includes(o)) res.setHeader("Access-Control-Allow-Origin", o); }'),
    ("a.js", 'function h(req, res) { if (req.headers.origin === SITE) res.setHeader("Access-Control-Allow-Origin", req.headers.origin); }'),
    ("a.js", 'function h(req, res) { if (isAllowedOrigin(req.headers.origin)) res.setHeader("Access-Control-Allow-Origin", req.headers.origin); }'),
    ("a.js", 'function h(req, res) { res.setHeader("Access-Control-Allow-Origin", "https://a.example"); }'),
    ("a.js", 'function h(req, res) { const allowed = pick(req.headers.origin); res.setHeader("Access-Control-Allow-Origin", allowed); }'),
    ("a.go", 'package a\nfunc h(w http.ResponseWriter, r *http.Request) { o := r.Header.Get("Origin"); if allowed[o] { w.Header().Set("Access-Control-Allow-Origin", o) } }'),
    ("a.go", 'package a\nvar c = cors.Config{AllowOrigins: []string{"https://a.example"}, AllowCredentials: true}'),
    ("a.go", 'package a\nvar c = cors.Config{AllowOriginFunc: func(o string) bool { return o == "https://a.example" }, AllowCredentials: true}'),
    ("a.go", "package a\nvar c = cors.Config{AllowAllOrigins: true}"),
    ("A.java", 'class A { void f(CorsRegistry r) { r.addMapping("/**").allowedOrigins("https://a.example").allowCredentials(true); } }'),
    ("A.java", 'class A { void f(CorsRegistry r) { r.addMapping("/**").allowedOriginPatterns("*"); } }'),
    ("A.java", '@CrossOrigin(origins = "https://a.example", allowCredentials = "true")\nclass A {}'),
    ("A.java", 'class A { void f() { String o = request.getHeader("Origin"); if (ALLOWED.contains(o)) { response.setHeader("Access-Control-Allow-Origin", o); } } }'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), CLOSED)
def test_lists_and_comparisons_are_left(seen: Look, name: str, text: str) -> None:
    assert seen(name, text) == []

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ninefold.audit.logcode import no_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from ninefold.audit.target import Target

    Look = Callable[[str, str], list[tuple[str, int]]]

SECRETS = [
    ("a.js", 'console.log("login", email, password);'),
    ("a.js", "console.log(`auth ${req.headers.authorization}`);"),
    ("a.js", "logger.info({ user, token });"),
    ("a.js", 'logger.debug("body", req.body);'),
    ("a.js", "console.log(JSON.stringify(req.headers));"),
    ("a.js", 'req.log.info({ headers: req.headers }, "got");'),
    ("a.js", 'log.warn("bad key " + req.get("X-Api-Key"));'),
    ("a.js", 'function f(req) {\n const k = req.headers["x-api-key"]; console.log("key %s", k); }'),
    ("a.js", "function f(req) {\n const { password } = req.body; winston.info(`try ${password}`); }"),
    ("a.js", "function f(req) {\n const seen = req.body; console.info(seen); }"),
    ("a.ts", "class A { private readonly logger = new Logger(A.name);\n f(dto: Dto) { this.logger.log(`pw ${dto.password}`); } }"),
    ("a.ts", 'import pino from "pino";\nconst out = pino(); out.info({ authorization: req.headers["authorization"] });'),
    ("a.tsx", "export const A = () => {\n console.debug(session.accessToken); return <p>x</p>; };"),
    ("a.js", 'console.log("password: " + pw);'),
    ("a.js", "process.stdout.write(`token=${t}\\n`);"),
    ("a.go", 'package a\nfunc f(r *http.Request) { log.Printf("auth %s", r.Header.Get("Authorization")) }'),
    ("a.go", 'package a\nfunc f(password string) { log.Println("pw", password) }'),
    ("a.go", 'package a\nfunc f(r *http.Request) { slog.Info("in", "headers", r.Header) }'),
    ("a.go", 'package a\nfunc f(c *gin.Context) { key := c.GetHeader("X-Api-Key"); log.Printf("key %v", key) }'),
    ("a.go", 'package a\nfunc f() { log.Info().Str("password", req.Password).Msg("in") }'),
    ("a.go", 'package a\nfunc f() { logger.Info("in", zap.String("token", t)) }'),
    ("a.go", 'package a\nfunc f() { logrus.WithFields(logrus.Fields{"token": tok}).Info("in") }'),
    ("a.go", 'package a\nfunc f() { fmt.Printf("secret=%s", s) }'),
    ("A.java", 'class A { void f(String password) {\nlog.info("login {} {}", user, password); } }'),
    ("A.java", 'class A { void f(HttpServletRequest r) {\nlogger.debug("auth " + r.getHeader("Authorization")); } }'),
    ("A.java", 'class A { void f(HttpServletRequest r) {\nString k = r.getParameter("api_key"); LOG.warn("key {}", k); } }'),
    ("A.java", 'class A { void f() {\nString token = jwt.generate(user); log.debug("made {}", token); } }'),
    ("A.java", "class A { void f(LoginForm form) {\nSystem.out.println(form.getPassword()); } }"),
    ("A.java", 'class A { void f() {\nlog.info(String.format("token=%s", t)); } }'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), SECRETS)
def test_lines_that_show_a_secret_or_all_that_came_are_told(seen: Look, name: str, text: str) -> None:
    line = text.count("\n") + 1
    assert [one for one in seen(name, text) if one[0] == "logged"] == [("logged", line)]


HARMLESS = [
    ("a.js", 'console.log("login", user.email);'),
    ("a.js", "logger.info({ user: user.id, hasToken: Boolean(token) });"),
    ("a.js", 'logger.info("token %s", mask(token));'),
    ("a.js", 'logger.info("token", token.slice(0, 4));'),
    ("a.js", 'logger.info("password=***");'),
    ("a.js", 'console.log("tokens used: %d", tokenCount);'),
    ("a.js", 'console.log("Please give a password:");'),
    ("a.js", 'console.log(req.headers["user-agent"], req.body.title);'),
    ("a.js", "console.log(`page ${nextPageToken}`);"),
    ("a.js", "console.log(password === expected, !token, token.length);"),
    ("a.js", 'console.log({ password: "[REDACTED]", token: undefined });'),
    ("a.js", "const token = mask(raw); console.log(token);"),
    ("a.js", "const record = db.find(password); console.log(record);"),
    ("a.js", "dialog.info(password); catalog.log(password); Math.log(token);"),
    ("a.js", "function f(password) { const ok = check(password); console.log(ok); }"),
    ("a.ts", "this.logger.log(`password changed for ${user.id}`, AuthService.name);"),
    ("a.go", 'package a\nfunc f() { log.Printf("user %s", user.Email); log.Printf("%d tokens", n) }'),
    ("a.go", 'package a\nfunc f() { log.Printf("key %s...", apiKey[:4]); slog.Info("in", "password_set", password != "") }'),
    ("a.go", 'package a\nfunc f() { slog.Info("in", "path", r.URL.Path, "agent", r.Header.Get("User-Agent")) }'),
    ("a.go", 'package a\nfunc f() { return fmt.Errorf("token %s", token) }'),
    ("A.java", 'class A { void f() { log.info("login {}", user.getEmail()); log.info("token of {}", mask(token)); } }'),
    ("A.java", 'class A { void f() { log.info("{} bytes", password.length()); log.info("agent {}", r.getHeader("User-Agent")); } }'),
    ("A.java", 'class A { void f() { log.warn("Wrong password for {}", name); } }'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), HARMLESS)
def test_lines_that_show_none_are_left(seen: Look, name: str, text: str) -> None:
    assert [one for one in seen(name, text) if one[0].startswith("logged")] == []


SILENT = [
    ("a.js", "try { charge(order); } catch (e) {}", "silent"),
    ("a.js", "try { charge(order); } catch { /* the mail goes out again */ }", "silent?"),
    ("a.ts", "function f() { try { return verify(token); } catch (e: unknown) { return null; } }", "silent?"),
    ("a.js", "for (const a of all) { try { charge(a); } catch (e) { continue; } }", "silent?"),
    ("a.js", "send(mail).catch(() => {});", "silent?"),
    ("A.java", "class A { void f() { try { charge(); } catch (Exception e) { } } }", "silent"),
    ("A.java", "class A { boolean f() { try { return jwt(t); } catch (JwtException e) { return false; } } }", "silent?"),
    ("a.go", "package a\nfunc f() { err := charge(); if err != nil { } }", "silent"),
    ("a.go", "package a\nfunc f() { _ = bcrypt.CompareHashAndPassword(h, p) }", "silent"),
    ("a.go", "package a\nfunc f() { token, _ := jwt.Parse(raw, keys) }", "silent"),
    ("a.go", "package a\nfunc f() { defer func() { _ = recover() }() }", "silent?"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "kind"), SILENT)
def test_faults_that_end_without_a_word_are_told(seen: Look, name: str, text: str, kind: str) -> None:
    assert [one for one, _ in seen(name, text) if one.startswith("silent")] == [kind]


HEARD = [
    ("a.js", "try { charge(order); } catch (e) { logger.error(e); }"),
    ("a.js", "try { charge(order); } catch (e) { next(e); }"),
    ("a.js", "try { charge(order); } catch (e) { failed += 1; }"),
    ("a.js", "try { charge(order); } catch (e) { return res.status(502).end(); }"),
    ("a.js", "try { charge(order); } finally { done(); }"),
    ("a.js", "function f(s) { try { return JSON.parse(s); } catch { return null; } }"),
    ("a.js", "try { socket.destroy(); } catch {}"),
    ("a.js", "for (const a of all) { try { read(a); } catch (e) { continue; } }"),
    ("a.js", "const file = await open(path).catch(() => null);"),
    ("a.js", "function has(o) { try { probe(o); return true; } catch (e) { return false; } }"),
    ("a.js", 'let wasm; try { wasm = require("wasm"); } catch (e) {}'),
    ("a.js", "send(mail).catch((e) => logger.error(e)); send(mail).catch(next);"),
    ("A.java", "class A { void f() { try { a(); } catch (NumberFormatException e) { } } }"),
    ("A.java", "class A { void f() { try { a(); } catch (Exception e) { throw new X(e); } } }"),
    ("A.java", "class A { void f() { try { Thread.sleep(1); } catch (InterruptedException e) { } } }"),
    ("a.go", "package a\nfunc f() error { if err := g(); err != nil { return err }; _ = w.Close(); _ = json.NewEncoder(w).Encode(x); return nil }"),
    ("a.go", "package a\nfunc f() { token, err := jwt.Parse(raw, keys); claims, _ := token.Claims.(jwt.MapClaims) }"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), HEARD)
def test_faults_that_somebody_hears_of_are_left(seen: Look, name: str, text: str) -> None:
    assert [one for one in seen(name, text) if one[0].startswith("silent")] == []


APPS = [
    {"app.js": 'const express = require("express"); const app = express(); app.listen(1);'},
    {"main.ts": 'import { NestFactory } from "@nestjs/core"; NestFactory.create(A);'},
    {
        "main.go": 'package main\nimport "net/http"\nfunc main() { http.HandleFunc("/", h); http.ListenAndServe(":1", nil) }'
    },
    {"main.go": 'package main\nimport "github.com/gin-gonic/gin"\nfunc main() { r := gin.New(); r.Run() }'},
    {"A.java": "import org.springframework.web.bind.annotation.RestController;\n@RestController class A {}"},
    {"A.java": "import jakarta.servlet.http.HttpServlet;\nclass A extends HttpServlet {}"},
]


@pytest.mark.parametrize("files", APPS)
def test_an_application_that_logs_nothing_is_told(source: Callable[..., Target], files: dict[str, str]) -> None:
    assert [one.place.file for one in no_logging(source(files)).seen] == list(files)


@pytest.mark.parametrize(
    ("files", "logger"),
    [
        (APPS[0], {"log.mjs": 'import pino from "pino"; export default pino();'}),
        (APPS[0], {"b.ts": 'console.error("refused");'}),
        (APPS[2], {"b.go": 'package main\nimport "log/slog"\nfunc f() { slog.Info("x") }'}),
        (APPS[3], {"b.go": 'package main\nimport "go.uber.org/zap"\n'}),
        (APPS[4], {"B.java": "import org.slf4j.Logger;\nclass B {}"}),
        (APPS[4], {"B.java": "import lombok.extern.slf4j.Slf4j;\n@Slf4j class B {}"}),
    ],
)
def test_one_that_logs_anywhere_in_its_language_is_left(
    source: Callable[..., Target], files: dict[str, str], logger: dict[str, str]
) -> None:
    looked = no_logging(source({**files, **logger}))
    assert looked.at == 1
    assert looked.seen == ()


def test_a_page_that_logs_in_the_browser_is_no_log_of_the_server(source: Callable[..., Target]) -> None:
    tree = source({**APPS[2], "static/app.js": 'console.log("hello");'})
    assert [one.place.file for one in no_logging(tree).seen] == ["main.go"]

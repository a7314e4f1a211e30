"""Files of the server: where the API's code, its settings and its keys lie (CWE-497, CWE-538)."""

from __future__ import annotations

import re

from ninefold.leak.rule import Kind, Rule
from ninefold.leak.trace import SOURCES

#: Files that an API has and its callers do not ask for.
_FILES = (
    rf"{SOURCES}|pyc|class|jar|war|dll|exe|so(?:\.\d{{1,3}}){{0,3}}|sh|bat|ps1|conf|cfg|cnf|ini|env|ya?ml|toml|properties|log|pid|sock|socket"
    r"|sqlite3?|db|mdf|bak|dump|pem|key|crt|p12|pfx|jks|config|service|lock|gem|whl|htaccess|json|xml|tfstate|keytab|service|csproj|sln|swp|tmp|core|map"
)
#: Before it no letter, digit or sign that a URL has there.
_START = r"(?<![\w.~%:/\\@#?&=+-])"
_PART = r"[\w.@+~-]"

#: What a path of the second rule has in it: the end of a file's name, or a folder that says enough.
_MARKS = (
    "/opt/", "/srv/", "/mnt/", "/workspace/", "/builds/", "/users/", "/home/", "/tmp/", "/data/", "/releases", "/current", "/shared", "/public_html", "/htdocs", "/backup", "/secrets", "/.ssh", "/.aws", "/.env", "/.config", "/.git", "/.npm", "/.cache", "/.kube", "/.gnupg", "/.docker", "/node_modules", "/site-packages", "/venv", "/vendor", "/uploads", "/log",
    *(f".{one}" for one in (
        "py", "rb", "go", "rs", "js", "ts", "mjs", "cjs", "java", "kt", "scala", "groovy", "clj", "cs", "vb", "fs", "php", "phtml", "cc", "cpp", "cxx", "hpp", "swift", "ex", "erl", "pl", "pm", "lua", "dart", "hs",
        "ml", "jl", "vue", "coffee", "sql", "asp", "jsp", "ejs", "twig", "class", "jar", "war", "dll", "so", "sh", "bat", "ps9", "conf", "cfg", "cnf", "ini", "env", "yml", "yaml", "toml", "properties", "log",
        "pid", "sock", "db", "mdf", "bak", "dump", "pem", "key", "crt", "p99", "pfx", "jks", "service", "lock", "gem", "whl", "htaccess", "json", "xml", "tfstate", "keytab", "swp", "tmp", "core", "map",
    )),
)  # fmt: skip

RULES = (
    Rule(
        Kind.PATH, "a folder of the server",
        ("/var/", "/usr/", "/etc/", "/root/", "/proc/", "/lib/", "/run/", "/dev/", "/sys/", "/boot/", "/nix/store/"),
        re.compile(
            rf"(?:file://)?(?:{_START}|(?<=file://)|(?<==))/(?:var/(?:www|lib|log|run|tmp|task|cache|opt|spool|app|runtime|mail|db|backups?|data|secrets)|usr/(?:lib(?:64|exec)?|local|share|s?bin|src|include|home)"
            rf"|etc/{_PART}{{1,60}}|root/{_PART}{{1,100}}|proc/(?:self|\d{{1,8}}|sys|net)|lib(?:64)?/(?:x86_64|aarch64|modules|systemd){_PART}{{0,60}}|run/(?:secrets|user|docker|postgresql|mysqld){_PART}{{0,60}}"
            rf"|dev/(?:shm|mapper|sd[a-z]|nvme){_PART}{{0,60}}|sys/(?:fs|class|kernel)|boot/{_PART}{{1,60}}|nix/store/{_PART}{{1,120}})(?:/[\w.@+~:-]{{1,120}}){{0,30}}/?(?<![.:])",
        ),
    ),
    Rule(
        Kind.PATH, "a file of the server",
        ("/home/", "/users/", "/opt/", "/srv/", "/app/", "/data/", "/workspace", "/code/", "/src/", "/tmp/", "/mnt/", "/builds/", "/go/", "/www/", "/apps/", "/deploy", "/usr/src",
         "/build/", "/project", "/config", "/private/", "/volumes/", "/storage/", "/backend", "/server", "/service", "/node_modules/", "/site-packages/", "/vendor/", "/layers/", "/ide/",
         "/application", "/secrets/", "/node/", "/web/", "/webapps/", "/var/", "/backup", "/nix/", "/snap/", "/export/", "/net/", "/api/", "file:///", "/usr/", "/etc/", "/lib/", "/run/", "/root/"),
        re.compile(
            rf"(?:file://)?(?:{_START}|(?<=file://)|(?<==))/(?!/)(?:{_PART}{{1,120}}/){{1,30}}{_PART}{{0,120}}\.(?:{_FILES})(?![\w-])(?!\.\w)"
            rf"|(?:{_START}|(?<=file://))/(?:opt|srv|home|Users|workspace|app|data|code|mnt|storage)/(?:{_PART}{{1,80}}/){{0,20}}(?:releases|current|shared|public_html|htdocs|backups?|secrets|\.ssh|\.aws|\.env|\.config|\.git|\.npm|\.cache|\.kube|\.gnupg|\.docker"
            rf"|node_modules|site-packages|venv|\.venv|vendor|uploads|logs?)(?:/{_PART}{{1,120}}){{0,20}}/?(?<!\.)"
            rf"|{_START}/(?:opt|srv|mnt|workspace|builds)/{_PART}{{1,60}}/{_PART}{{1,60}}(?:/{_PART}{{1,100}}){{0,20}}"
            rf"|{_START}/Users/[a-z][\w.-]{{1,40}}/{_PART}{{1,60}}/{_PART}{{1,60}}(?:/{_PART}{{1,100}}){{0,20}}"
            rf"|{_START}/(?:home|Users|srv|mnt|tmp|opt|data)/(?:{_PART}{{1,80}}/){{1,20}}{_PART}{{0,120}}\.(?!html?\b)[A-Za-z]\w{{1,4}}(?![\w-])(?!\.\w)|\bfile:///[^\s\"'<>]{{3,300}}",
        ),
        also=_MARKS,
    ),
    Rule(
        Kind.PATH, "a file of the server",
        (*(f"{drive}:\\" for drive in "abcdefghijklmnopqrstuvwxyz"), "c:/", "d:/", "e:/", "\\inetpub", "\\windows\\", "\\users\\", "\\wwwroot", "\\program", *(f"\\\\{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")),
        re.compile(
            r"\b[A-Za-z]:\\{1,2}(?:[\w.@+~$ ()-]{1,100}\\{1,2}){1,30}[\w.@+~$()-]{0,120}|\b[A-Za-z]:/(?:[\w.@+~$ ()-]{1,100}/){1,30}[\w.@+~$()-]{1,120}"
            r"|(?<![\w\\])\\\\(?:[\w.-]{1,60})\\(?:[\w.$ -]{1,80}\\){0,20}[\w.$-]{1,120}|\b[A-Za-z]:\\{1,2}[\w-]{1,60}\.[a-z]{2,5}\b",
        ),
    ),
    Rule(
        Kind.PATH, "a path of the server, its slashes escaped",
        tuple(f"\\/{root}\\/" for root in ("var", "usr", "home", "etc", "opt", "srv", "root", "app", "tmp", "mnt", "users", "workspace")),
        re.compile(rf"\\/(?:var|usr|home|etc|opt|srv|root|app|tmp|mnt|Users|workspace)(?:\\/{_PART}{{1,120}}){{1,30}}"),
    ),
    Rule(
        Kind.PATH, "a line of /etc/passwd", (":/bin/", ":/sbin/", ":/usr/", ":/home/", ":/root"),
        re.compile(r"\b[a-z_][\w-]{0,31}:[^:\s]{0,120}:\d{1,10}:\d{1,10}:[^:\n]{0,100}:/[^:\n]{0,200}:/[^\s:]{1,100}"),
    ),
    Rule(
        Kind.PATH, "a file of the server",
        ("site-packages/", "node_modules/", "dist-packages/", "web-inf/", ".ssh/", ".aws/", "/gems/", "\\inetpub", "~/."),
        re.compile(
            rf"(?<![\w/.@~-])(?:{_PART}{{1,80}}/){{0,20}}(?:site-packages|dist-packages|node_modules|WEB-INF|\.ssh|\.aws|gems)/(?:[\w.@+~-]{{1,120}}/){{0,30}}[\w.@+~-]{{1,120}}(?<!\.)"
            r"|~/\.[\w.-]{1,60}(?:/[\w.-]{1,60}){0,10}",
        ),
    ),
)  # fmt: skip

"""Versions of what an API runs on, as banners and errors name them (CWE-497; OWASP API8:2023)."""

from __future__ import annotations

import re

from ninefold.leak.rule import Kind, Rule

_SLASHED = (
    "nginx", "openresty", "apache", "apache-coyote", "apache tomcat", "tomcat", "microsoft-iis", "iis", "php", "python", "cpython", "werkzeug", "gunicorn", "uvicorn", "hypercorn",
    "daphne", "waitress", "tornado", "aiohttp", "django", "flask", "fastapi", "starlette", "express", "node", "node.js", "nodejs", "deno", "bun", "jetty", "undertow", "wildfly",
    "jboss", "glassfish", "weblogic", "websphere", "openssl", "libressl", "mod_ssl", "mod_perl", "mod_php", "mod_wsgi", "mod_jk", "lighttpd", "caddy", "traefik", "envoy", "haproxy",
    "varnish", "squid", "kestrel", "asp.net", "mono", "phusion passenger", "passenger", "puma", "unicorn", "thin", "webrick", "rails", "rack", "ruby", "perl", "cowboy", "mochiweb",
    "erlang", "phoenix", "litespeed", "zope", "plone", "drupal", "wordpress", "joomla", "laravel", "symfony", "spring", "spring boot", "spring-boot", "hibernate", "mysql", "mariadb",
    "postgresql", "postgres", "redis", "mongodb", "elasticsearch", "cassandra", "couchdb", "rabbitmq", "kafka", "memcached", "akka-http", "vert.x", "netty", "micronaut", "quarkus",
    "libcurl", "curl", "java", "openjdk", "jdk", "jre", "golang", "go", "gin", "dotnet", ".net", ".net core", ".net framework", "microsoft sql server", "sqlite", "oracle", "debian", "ubuntu",
    "centos", "red hat", "alpine", "linux", "windows server", "freebsd", "coldfusion", "zend", "cakephp", "codeigniter", "next.js", "nuxt", "sinatra", "tengine", "cloudflare-nginx",
    "istio-envoy", "kong", "apisix", "tyk", "gitlab", "jenkins", "grafana", "solr", "neo4j", "influxdb", "clickhouse", "minio", "vault", "consul", "etcd", "kubernetes", "docker", "containerd",
)  # fmt: skip
#: Of these a version is one of a server's wherever it stands; the rest want the slash of a banner, or their build beside them.
_SURE = (
    "nginx", "openresty", "tomcat", "microsoft-iis", "iis", "werkzeug", "gunicorn", "uvicorn", "jetty", "undertow", "wildfly", "jboss", "openssl", "mod_ssl", "mod_wsgi", "mod_php", "mod_perl",
    "lighttpd", "kestrel", "phusion passenger", "passenger", "webrick", "postgresql", "mysql", "mariadb", "mongodb", "elasticsearch", "redis", "php", "express", "django", "flask", "rails",
    "laravel", "symfony", "spring boot", "asp.net", "microsoft sql server", "weblogic", "websphere", "glassfish", "haproxy", "varnish", "apache", "litespeed", "coldfusion", "puma", "cowboy",
    "rabbitmq", "openjdk", "node.js", "couchdb", "cassandra", "memcached", "hibernate", "sqlite",
)  # fmt: skip


def _either(names: tuple[str, ...]) -> str:
    return "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True))


_NUMBER = r"v?\d{1,4}(?:\.\d{1,6}){1,4}[\w.+~-]{0,40}"

RULES = (
    Rule(
        Kind.VERSION, "a server's banner",
        tuple(f"{one}/9" for one in _SLASHED) + tuple(f"{one}/v9" for one in _SLASHED),
        re.compile(rf"(?<![\w./-])(?:{_either(_SLASHED)})/{_NUMBER}(?: \([\w .:,/+~-]{{1,100}}\))?", re.IGNORECASE),
    ),
    Rule(
        Kind.VERSION, "the version of what it runs on",
        tuple(f"{one}{sign}" for one in _SURE for sign in (" 9", " v9", "(9", " version", "-9", " (9", " server 9", " engine ")),
        re.compile(
            rf"(?<![\w./-])(?:{_either(_SURE)})(?: HTTP| server| engine)?(?: ?version:?|,| ver\.?)?[ (-]{{1,2}}{_NUMBER}\)?"
            r"(?: \((?:Debian|Ubuntu|Red Hat|CentOS|Alpine)[^)\n]{0,60}\)| on [\w.-]{1,60}(?:, compiled by [^\n]{1,100})?)?", re.IGNORECASE,
        ),
    ),
    Rule(
        Kind.VERSION, "the version of what it runs on",
        ("microsoft sql server 9", "microsoft sql server", "oracle database 9", "compiled by ", "linux version 9", "generic #9", "-linux-gnu", "-linux-musl", "kernel 9", "windows nt 9", "windows server 9",
         "python 9", "ruby 9", "perl 9", "java 9", "java/9", "go version", "(rtm", ".net framework", ".net clr", "asp.net version", "jre 9", "jvm", "go9.9", "laravel v9", "linux 9", "jdk", "ubuntu9", "~ubuntu", "+deb9",
         ".el9", "-alpine"),
        re.compile(
            r"\bMicrosoft SQL Server \d{4}[^\n]{0,120}|\bOracle Database \d{1,2}[cgi][^\n]{0,100}|\bLinux version \d[^\n]{1,120}|\bLinux \d\.\d{1,3}\.\d{1,4}\S{0,40}|\b\d\.\d{1,3}\.\d{1,3}-\d{1,4}-(?:generic|amd64|aws|azure|gcp|cloud\S{0,10})\b"
            r"|\b(?:x86_64|aarch64|i686)-(?:pc-|unknown-|redhat-|alpine-)?linux-(?:gnu|musl)\b|\bgo version go\d\S{1,20}[^\n]{0,30}|\bgo1\.\d{1,2}(?:\.\d{1,3})?\b|(?:Microsoft )?\.NET (?:Framework|CLR)(?: Version)?:? ?\d[\w.]{1,30}"
            r"|\bASP\.NET Version:? ?\d[\w.]{1,30}|\b(?:Python|Ruby|Perl|Java|JRE|JVM|JDK)(?: version| HotSpot\(TM\))?:? ?v?\d{1,2}\.\d{1,3}(?:\.\d{1,6}|_\d{1,4})[\w.+-]{0,30}(?: \([^)\n]{1,80}\))?"
            r"|\b\d{1,3}(?:\.\d{1,4}){1,3}[\w.+-]{0,20}(?:[+~-]deb\d{1,2}u?\d{0,2}|[~-]?ubuntu\d?[\d.]{0,8}|\.el[6-9](?:_\d{1,2})?)\b|\bWindows (?:NT|Server) \d[\d.]{1,12}(?: R2)?|\bcompiled by (?:gcc|clang|Visual)[^\n]{1,100}", re.IGNORECASE,
        ),
    ),
    Rule(
        Kind.VERSION, "a banner", ("x-powered-by", "server: ", "x-aspnet", "x-generator", "powered by "),
        re.compile(
            rf"\bX-(?:Powered-By|AspNet(?:Mvc)?-Version|Generator|Runtime)\s?[:=]\s?[^\s,;]{{1,80}}|\bServer: [\w.-]{{1,40}}/{_NUMBER}|\bPowered by (?:{_either(_SLASHED)})[ /]{_NUMBER}", re.IGNORECASE,
        ),
    ),
)  # fmt: skip

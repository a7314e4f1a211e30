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
    "libcurl", "curl", "zlib", "nghttp2", "openssh", "exim", "java", "openjdk", "jdk", "jre", "golang", "go", "gin", "dotnet", ".net", ".net core", ".net framework", "microsoft sql server", "sqlite", "oracle", "debian", "ubuntu",
    "centos", "red hat", "alpine", "linux", "windows server", "freebsd", "coldfusion", "zend", "cakephp", "codeigniter", "next.js", "nuxt", "sinatra", "tengine", "cloudflare-nginx",
    "istio-envoy", "kong", "apisix", "tyk", "gitlab", "jenkins", "grafana", "solr", "neo4j", "influxdb", "clickhouse", "minio", "vault", "consul", "etcd", "kubernetes", "docker", "containerd",
)  # fmt: skip
_SERVERS = (
    "nginx", "openresty", "tomcat", "microsoft-iis", "iis", "werkzeug", "gunicorn", "uvicorn", "jetty", "undertow", "wildfly", "jboss", "openssl", "mod_ssl", "mod_wsgi", "mod_php", "mod_perl",
    "lighttpd", "kestrel", "phusion passenger", "webrick", "weblogic", "websphere", "glassfish", "haproxy", "varnish", "litespeed", "coldfusion", "cpython", "libcurl", "zlib", "openssh", "exim", "postfix", "sendmail",
    "dovecot", "proftpd", "vsftpd", "pure-ftpd",
)  # fmt: skip
#: Of these a version is one of a server's wherever it stands; the rest want the slash of a banner, or their build beside them.
_SURE = (
    "nginx", "openresty", "tomcat", "microsoft-iis", "iis", "werkzeug", "gunicorn", "uvicorn", "jetty", "undertow", "wildfly", "jboss", "openssl", "mod_ssl", "mod_wsgi", "mod_php", "mod_perl",
    "lighttpd", "kestrel", "phusion passenger", "passenger", "webrick", "postgresql", "mysql", "mariadb", "mongodb", "elasticsearch", "redis", "php", "express", "django", "flask", "rails",
    "laravel", "symfony", "spring boot", "asp.net", "microsoft sql server", "weblogic", "websphere", "glassfish", "haproxy", "varnish", "apache", "litespeed", "coldfusion", "puma", "cowboy",
    "curl", "wordpress", "drupal", "joomla", "pg_dump", "psql", "npm", "node", "rabbitmq", "openjdk", "node.js", "couchdb", "cassandra", "memcached", "hibernate", "sqlite",
)  # fmt: skip


def _either(names: tuple[str, ...]) -> str:
    return "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True))


_NUMBER = r"v?\d{1,4}(?:\.\d{1,6}){1,4}[\w.+~-]{0,40}"

#: Three parts at least: of what people also speak and teach, "PHP 8.1" is no banner.
_LONG = r"v?\d{1,4}(?:\.\d{1,6}){2,4}[\w.+~-]{0,40}"
_BUILD = r"(?: \((?:Debian|Ubuntu|Red Hat|CentOS|Alpine)[^)\n]{0,60}\)| on [\w.-]{1,60}, compiled by [^\n]{1,100})?"

RULES = (
    Rule(
        Kind.VERSION, "a server's banner",
        tuple(f"{one}/9" for one in _SLASHED) + tuple(f"{one}/v9" for one in _SLASHED),
        re.compile(rf"(?<![\w./-])(?:{_either(_SLASHED)})/{_NUMBER}(?: \([\w .:,/+~-]{{1,100}}\))?", re.IGNORECASE),
    ),
    Rule(
        Kind.VERSION, "the version of what it runs on",
        tuple(f"{one}{sign}" for one in (*_SERVERS, *_SURE) for sign in (" 9", " v9", "(9", " version", "-9", " (9", " server 9", " engine ", " \"9", "://", "_9", " server version", " http")),
        re.compile(
            rf"(?<![\w./-])(?:{_either(_SERVERS)})(?: HTTP| server| engine){{0,2}}(?::// ?| ?version:? ?|,? ver\.? ?|[ (_]{{1,2}})\"?{_NUMBER}\"?\)?(?! ?%){_BUILD}"
            rf"|(?<![\w./-])(?:{_either(_SURE)})(?: HTTP| server| engine){{0,2}}(?::// ?| ?version:? ?|,? ver\.? ?|[ (_-]{{1,2}})\"?{_LONG}\"?\)?{_BUILD}", re.IGNORECASE,
        ),
    ),
    Rule(
        Kind.VERSION, "the version of what it runs on",
        ("microsoft sql server 9", "microsoft sql server", "oracle database 9", "compiled by ", "linux version 9", "generic #9", "-linux-gnu", "-linux-musl", "kernel 9", "windows nt 9", "windows server 9",
         "python 9", "ruby 9", "perl 9", "java 9", "java/9", "go version", "(rtm", ".net framework", ".net clr", "asp.net version", "jre 9", "jvm", "go9.9", "laravel v9", "linux 9", "jdk", "ubuntu9", "~ubuntu", "+deb9", "server version", "_version:9", "-mariadb", "runtime environment", "(build 9", ":: spring", "ubuntu 9", "debian 9", "centos ", "alpine ", "smp ", "node v9", "npm ", "(v9", "-generic", "-amd9",
         ".el9", "-alpine"),
        re.compile(
            r"\b(?:server|client|pg_dump|database) version:? v?\d{1,3}\.\d{1,3}[\w.+~-]{0,60}(?: \([^)\n]{1,80}\))?|\b(?:redis|mysql|pg|nginx|php|server|kernel|os)_version[:=] ?\"?\d{1,3}\.[\w.+~-]{1,40}|\b\d{1,3}\.\d{1,3}\.\d{1,3}-MariaDB\S{0,60}"
            r"|\bRuntime Environment \([^)\n]{1,80}\)|\(build \d{1,3}\.\d[\w.+-]{1,40}(?:, [^)\n]{1,60})?\)|:: Spring Boot ::\s{1,40}\(v[\w.-]{3,40}\)|\b(?:Ubuntu|Debian|CentOS|Alpine)(?: Linux)? \d{1,2}\.\d{1,3}(?:\.\d{1,4})?(?:-\d{1,3})?(?: LTS)?|#\d{1,3}(?:-\w{1,20})? SMP [^\n]{1,100}"
            r"|\bnode v\d{1,2}\.\d{1,3}\.\d{1,3}|\bnpm {1,3}v?\d{1,2}\.\d{1,3}\.\d{1,3}|\bMicrosoft SQL Server \d{4}[^\n]{0,120}|\bOracle Database \d{1,2}[cgi][^\n]{0,100}|\bLinux version \d[^\n]{1,120}|\bLinux \d\.\d{1,3}\.\d{1,4}\S{0,40}|\b\d\.\d{1,3}\.\d{1,3}-\d{1,4}-(?:generic|amd64|aws|azure|gcp|cloud\S{0,10})\b"
            r"|\b(?:x86_64|aarch64|i686)-(?:pc-|unknown-|redhat-|alpine-)?linux-(?:gnu|musl)\b|\bgo version go\d\S{1,20}[^\n]{0,30}|\bgo1\.\d{1,2}(?:\.\d{1,3})?\b|(?:Microsoft )?\.NET (?:Framework|CLR)(?: Version)?:? ?\d[\w.]{1,30}"
            r"|\bASP\.NET Version:? ?\d[\w.]{1,30}|\b(?:Python|Ruby|Perl|Java|JRE|JVM|JDK)(?: version| HotSpot\(TM\))?:? ?v?\d{1,2}\.\d{1,3}(?:\.\d{1,6}|_\d{1,4})[\w.+-]{0,30}(?: \([^)\n]{1,80}\))?"
            r"|\b\d{1,3}(?:\.\d{1,4}){1,3}[\w.+-]{0,20}(?:[+~-]deb\d{1,2}u?\d{0,2}|[~-]?ubuntu\d?[\d.]{0,8}|\.el[6-9](?:_\d{1,2})?)\b|\bWindows (?:NT|Server) \d[\d.]{1,12}(?: R2)?|\bcompiled by (?:gcc|clang|Visual)[^\n]{1,100}", re.IGNORECASE,
        ),
    ),
    Rule(
        Kind.VERSION, "a banner", ("x-powered-by", "server: ", "x-aspnet", "x-generator", "x-mailer: ", "lucene_version", " mysql", " mariadb", " percona", "powered by ", "ssh-9.9-", "postgresql 9"),
        re.compile(
            rf"\bX-Mailer: [^\n]{{1,100}}|\"(?:number|lucene_version|build_version)\" ?: ?\"\d{{1,3}}\.\d[\w.+-]{{0,40}}\"|\b\d{{1,2}}\.\d{{1,2}}\.\d{{1,3}}[\w.-]{{0,40}} (?:MySQL|MariaDB|Percona)[^\n]{{0,60}}|\bSSH-[12]\.\d{{1,2}}-[\w.+-]{{1,80}}|\bPostgreSQL \d{{1,2}}\.\d{{1,2}}(?:\.\d{{1,2}})?(?: \([^)\n]{{1,80}}\))? on [\w.-]{{1,60}}|\bX-(?:Powered-By|AspNet(?:Mvc)?-Version|Generator|Runtime)\s?[:=]\s?[^\s,;]{{1,80}}|\bServer: [\w.-]{{1,40}}/{_NUMBER}|\bPowered by (?:{_either(_SLASHED)})[ /]{_NUMBER}", re.IGNORECASE,
        ),
    ),
)  # fmt: skip

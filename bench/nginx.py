"""nginx: the API itself, the bare proxy, and the guard as Kong and APISIX are built (LuaJIT inside nginx)."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.process import running
from bench.work import ORIGIN, ROUTES, SECURITY_FIELDS, SHAPE, role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from bench.process import Cores, Server
    from bench.work import Work

MODULES = Path("/usr/lib/nginx/modules")
GUARD = Path(__file__).with_name("guard.lua")

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.err warn;
{modules}
events {{ worker_connections 4096; }}
http {{
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 300; server_tokens off;
  client_body_temp_path {folder}/{name}-b; proxy_temp_path {folder}/{name}-p; fastcgi_temp_path {folder}/{name}-f;
  uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s;
  {http}
}}
"""
_POOL = (
    "upstream api {{ server 127.0.0.1:{port}; keepalive 128; keepalive_requests 1000000000; keepalive_timeout 300; }}"
)
_PROXY = (
    'proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection "";'
    " proxy_buffer_size 32k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"
)
_LOG = (
    '{"time":$msec,"id":"$request_id","method":"$request_method","path":"$uri","caller":"$caller",'
    '"address":"$remote_addr","status":$status,"took":$request_time}'
)


def lua_missing() -> str:
    """Why the guarded nginx cannot run; empty: it can."""
    if not shutil.which("nginx"):
        return "nginx is not installed"
    if not (MODULES / "ngx_http_lua_module.so").exists():
        return "nginx's Lua module is not installed (libnginx-mod-http-lua)"
    if not list(Path("/usr/lib").glob("*/lua/5.1/cjson.so")):
        return "Lua's JSON module is not installed (lua-cjson)"
    return ""


def upstream(work: Work, cores: Cores) -> AbstractContextManager[Server]:
    """The API itself: files, with a banner and an internal header. Its CPU is not counted."""
    http = f"""
      access_log off; etag off; types {{ }} default_type application/json; open_file_cache max=100 inactive=1h;
      server {{ listen 127.0.0.1:{work.upstream}; root {work.folder}/www;
        add_header X-Powered-By "Express"; add_header X-Internal-Host "api-7.internal";
        add_header X-Internal-Trace $http_traceparent;
        location /part/ {{ try_files /small =404; }} }}"""
    return _start(work.folder, "upstream", http, work.upstream, cores.upstream)


def bare(work: Work, port: int, cores: Cores) -> AbstractContextManager[Server]:
    """A proxy that only proxies; no access log either."""
    http = f"access_log off; {_POOL.format(port=work.upstream)} server {{ listen 127.0.0.1:{port}; location / {{ {_PROXY} }} }}"
    return _start(work.folder, "nginx", http, port, cores.server)


def guarded(work: Work, port: int, cores: Cores) -> AbstractContextManager[Server]:
    """Lua where nginx has nothing of its own; limits, CORS fields, security fields and the log are nginx's."""
    (work.folder / "settings.lua").write_text(_settings(work.keys))
    shutil.copy(GUARD, work.folder / "guard.lua")
    fields = "".join(f' add_header {name} "{value}" always;' for name, value in SECURITY_FIELDS)
    http = f"""
      lua_package_path "{work.folder}/?.lua;;"; init_by_lua_block {{ require "cjson.safe"; require "guard" }}
      log_format events escape=json '{_LOG}'; access_log {work.folder}/nginx-lua.json events buffer=64k flush=1s;
      map $http_origin $allowed {{ default ""; "{ORIGIN}" $http_origin; }}
      map $allowed $exposed {{ default ""; "{ORIGIN}" "X-Request-Id"; }}
      limit_req_zone $caller zone=callers:16m rate={work.count}r/{work.unit[0]}; limit_req_status 429;
      {_POOL.format(port=work.upstream)}
      server {{ listen 127.0.0.1:{port}; set $caller "";
        location / {{
          rewrite_by_lua_block {{ require("guard").request() }}
          limit_req zone=callers burst={work.burst - 1} nodelay;
          header_filter_by_lua_block {{ require("guard").header() }}
          body_filter_by_lua_block {{ require("guard").body() }}
          {_PROXY} proxy_set_header X-Request-Id $request_id; proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header Accept-Encoding ""; proxy_hide_header X-Powered-By; proxy_hide_header X-Internal-Host;
          proxy_hide_header X-Internal-Trace;{fields}
          add_header Vary Origin always; add_header X-Request-Id $request_id always;
          add_header Access-Control-Allow-Origin $allowed always; add_header Access-Control-Expose-Headers $exposed always;
        }} }}"""
    modules = "".join(f"load_module {MODULES}/{one}.so;" for one in ("ndk_http_module", "ngx_http_lua_module"))
    return _start(work.folder, "nginx-lua", http, port, cores.server, modules)


def _start(
    folder: Path, name: str, http: str, port: int, core: int | None, modules: str = ""
) -> AbstractContextManager[Server]:
    path = folder / f"{name}.conf"
    path.write_text(_NGINX.format(folder=folder, name=name, http=http, modules=modules))
    return running(name, ["nginx", "-p", str(folder), "-c", str(path)], port, folder, core)


def _settings(keys: Sequence[str]) -> str:
    """The key table, as a Lua module."""
    rows = []
    for number, text in enumerate(keys):
        digest = "".join(f"\\{byte:03d}" for byte in hashlib.sha256(text.encode()).digest())
        rows.append(f'["{digest}"] = {{ id = "{text.split("_")[2]}", role = "{role(number)}", expires = 4e9 }}')
    table = ",\n".join(rows)
    routes = ", ".join(f'["{path}"] = {{ scope = "{scope}", shape = shape }}' for path, scope in ROUTES.items())
    return f"""local shape = {lua_shape(SHAPE)}
return {{
  routes = {{ {routes} }},
  grants = {{ reader = {{ ["items:read"] = true }}, writer = {{ ["items:read"] = true, ["items:write"] = true }} }},
  origins = {{ ["{ORIGIN}"] = true }},
  keys = {{
{table}
  }},
}}
"""


def lua_shape(shape: dict[str, Any]) -> str:
    """The declared schema as the shape that the Lua peers project onto: `items`, `members`, or true for what has no members."""
    if shape["type"] == "array" and shape["items"]["type"] in {"array", "object"}:
        return f"{{ items = {lua_shape(shape['items'])} }}"
    if shape["type"] == "object":
        members = shape["properties"].items()
        return "{ members = { " + ", ".join(f'["{name}"] = {lua_shape(one)}' for name, one in members) + " } }"
    return "true"

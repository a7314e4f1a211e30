-- The guard of the nginx peer. `settings` is written by bench/nginx.py: keys by digest, routes, grants, origins.
local ffi = require "ffi"
local cjson = require "cjson.safe"
local settings = require "settings"

ffi.cdef [[
typedef struct { char state[256]; } SHA256_CTX;
int SHA256_Init(SHA256_CTX *c);
int SHA256_Update(SHA256_CTX *c, const void *data, size_t len);
int SHA256_Final(unsigned char *md, SHA256_CTX *c);
]]
-- As lua-resty-string does it: a third of what OpenSSL 3's one-shot SHA256() costs, which fetches the algorithm each time.
local crypto = ffi.load "crypto.so.3"
local context, digest = ffi.new "SHA256_CTX", ffi.new "unsigned char[32]"

local keys, routes, grants, origins = settings.keys, settings.routes, settings.grants, settings.origins
local ngx, next, type, concat = ngx, next, type, table.concat
local decode, encode = cjson.decode, cjson.encode
local get_method, clear_header = ngx.req.get_method, ngx.req.clear_header

local M = {}

local function refuse(status, title)
  ngx.status = status
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.print('{"type":"about:blank","title":"', title, '","status":', status, "}")
  return ngx.exit(status)
end

-- In the rewrite phase, so that nginx's own limit_req, which comes next, knows the caller.
function M.request()
  local var = ngx.var
  local route = routes[var.uri]
  if not route then return refuse(404, "Not Found") end
  local method = get_method()
  local origin = var.http_origin
  if origin then
    if not origins[origin] then return refuse(403, "Forbidden") end
    local asked = method == "OPTIONS" and var.http_access_control_request_method
    if asked then
      if asked ~= "GET" and asked ~= "HEAD" then return refuse(403, "Forbidden") end
      local header = ngx.header
      header["Access-Control-Allow-Methods"] = "GET, HEAD"
      header["Access-Control-Allow-Headers"] = "Content-Type, X-API-Key"
      header["Access-Control-Max-Age"] = "600"
      return ngx.exit(204)
    end
  end
  if method ~= "GET" and method ~= "HEAD" then return refuse(405, "Method Not Allowed") end
  local text = var.http_x_api_key
  if not text then return refuse(401, "Unauthorized") end
  crypto.SHA256_Init(context)
  crypto.SHA256_Update(context, text, #text)
  crypto.SHA256_Final(digest, context)
  local key = keys[ffi.string(digest, 32)]
  if not key or key.expires < ngx.time() then return refuse(401, "Unauthorized") end
  var.caller = key.id
  if not grants[key.role][route.scope] then return refuse(403, "Forbidden") end
  clear_header("X-API-Key")
  ngx.ctx.shape = route.shape
end

function M.header()
  local ctx = ngx.ctx
  if not ctx.shape then return end
  local header = ngx.header
  if ngx.status == 200 and header.content_type == "application/json" then
    header.content_length = nil
    ctx.parts = 0
  end
end

-- Drops what the shape does not declare, in place: less garbage than tables anew.
local function project(value, shape)
  if type(value) ~= "table" then return end
  local items = shape.items
  if items then
    for i = 1, #value do project(value[i], items) end
    return
  end
  local members = shape.members
  for name in next, value do
    local member = members[name]
    if not member then value[name] = nil
    elseif member ~= true then project(value[name], member) end
  end
end

function M.body()
  local ctx = ngx.ctx
  local count = ctx.parts
  if not count then return end
  local arg = ngx.arg
  local chunk, last = arg[1], arg[2]
  if not last then
    count = count + 1
    ctx.parts, ctx[count] = count, chunk
    arg[1] = nil
    return
  end
  local text = chunk
  if count > 0 then
    ctx[count + 1] = chunk
    text = concat(ctx, "", 1, count + 1)
  end
  local value = decode(text)
  if value == nil then arg[1] = "null"; return end
  project(value, ctx.shape)
  arg[1] = encode(value)
end

return M

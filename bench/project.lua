-- The projection of the Envoy peer: Debian's cjson, loaded into Envoy's own LuaJIT. `@CPATH@` and `@SHAPE@` are written
-- by bench/envoy.py.
package.cpath = "@CPATH@"
local cjson = require "cjson.safe"
local decode, encode, next, type = cjson.decode, cjson.encode, next, type
local shape = @SHAPE@

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

function envoy_on_response(handle)
  local headers = handle:headers()
  if headers:get(":status") ~= "200" or headers:get("content-type") ~= "application/json" then return end
  local body = handle:body()
  local value = decode(body:getBytes(0, body:length()))
  if value ~= nil then project(value, shape) end
  body:setBytes(value ~= nil and encode(value) or "null")
end

-- lighttpd.lua: a host that is somebody else's: the web server lighttpd, whose mod_magnet runs
-- Lua 5.4. It trains a small net when it starts, and answers GET /?1.5,-2 with the class of that
-- point and its probability:
--
--     server.modules = ( "mod_magnet" )
--     magnet.attract-raw-url-to = ( "/path/to/lighttpd.lua" )
--
-- The server finds lander.so where lua5.4 does, or by LUA_CPATH.
local lander = require "lander"

-- The script runs for each request, in a state that stays.
local net = package.loaded["my net"]
if not net then
  local x = lander.cat({ lander.randn(100, 2) + 2, lander.randn(100, 2) - 2 }, 1)
  local y = lander.cat({ lander.ones(100), lander.full(2, 100) }, 1)
  lander.threads(1) -- of the server's processes each has one
  net = require "models.mlp" { 2, 8, 2 }
  lander.train {
    net = net, data = lander.data.tensors(x, y), batch_size = 20, quiet = true,
    solver = { base_lr = 0.1, momentum = 0.9, max_iter = 50 },
  }
  package.loaded["my net"] = net
end

local r = lighty.r -- luacheck: ignore
local first, second = (r.req_attr["uri.query"] or ""):match "^(%-?[%d.]+),(%-?[%d.]+)$"
if not first then
  r.resp_body.set { "give me a point: /?1.5,-2\n" }
  return 400
end
local p = net:predict(lander.tensor { { tonumber(first), tonumber(second) } })
local class = math.tointeger(p:argmax(2)[1])
r.resp_body.set { ("class %d, probability %.2f\n"):format(class, p:get(1, class)) }
return 200

-- probe.lua: never run. A bit of everything that Lua's compiler makes code for: a state that
-- turns this text into the same code as the lua5.4 that built the library is taken to read
-- the code of the library's Lua files too (src/binding/sources.c).
local first, second <const>, third <close> = ..., 7, nil
local numbers = {
  1, 2.5, -3, 1e300, 65536, 123456789012,
  first = "short", [second] = "longer than the forty characters of a short string",
}

local function counts(n, ...)
  local total, rest = 0, { ... }
  for i = 1, n do total = total + i * second end
  for x = 1.0, 0, -0.25 do total = total - x / 3 end
  for key, value in pairs(rest) do
    if key == 1 or value ~= "two" and not key then goto continue end
    total = total + #tostring(value)
    ::continue::
  end
  return total, select("#", ...)
end

local function arithmetic(a, b)
  local c = (a + b) * (a - b) // 2 % 3 ^ 2 / -a
  local d = (a & b) | (a ~ 5) | (~b << 1) | (b >> 3) | (1 << a)
  local e = (a % b) ^ (a // b) + (a ~ b) + (a << b) + (a >> b)
  a, b = a + b + 1, b - 1
  a, b = a + 1.5, b - a - 2.5
  a, b = a * 2.5, b // 4
  a, b = a & 7, b | 8
  a, b = a ~ 9, b ^ 3
  return c .. d .. e .. a, a == b, a == 10, a == "ten", a == nil
end

local function orders(a, b)
  return a < b, a <= b, a > 5, a >= 5, a < 5, a <= 5, 2.5 < b, a > 100000
end

local function closures(object)
  local kept = 0
  local function inner(by)
    kept = kept + (by or 1)
    numbers[1], numbers.first, numbers[kept] = kept, object.name, numbers[by]
    return inner
  end
  while kept < 10 do
    local own <close> = object:open()
    inner(own)
    if kept == 6 then break end
  end
  repeat
    local caught = function() return kept end
    kept = kept + 1
  until caught() > 20 or kept > 30
  return object:method(inner, nil, true, false)
end

function numbers.fields(t, ...)
  t.a.b.c = t.a.b[1] or t[second] and t["a key"]
  t.count = (t.count or 0) + 1
  _G.print, t.n = t.print or print, -t.n
  return ...
end

return { counts, arithmetic, orders, closures, counts(1, 2, 3), third, not first, #numbers, ... }

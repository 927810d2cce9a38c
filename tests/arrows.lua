-- Floors of the house: arrows between folders point down. Reads the #include lines of src
-- and fails on one that runs upward; binding and cli see the public header alone.
--
--   lua5.4 tests/arrows.lua

local BELOW = {
  base = {},
  tensor = { base = true },
  layers = { base = true, tensor = true },
  net = { base = true, tensor = true, layers = true },
  data = { base = true, tensor = true },
  solver = { base = true, tensor = true, layers = true, net = true },
  binding = {},
  cli = {},
}

local checks = require "tests.checks"
local check = checks.check

local function includes(path)
  local found = {}
  for line in io.lines(path) do
    found[#found + 1] = line:match '^%s*#%s*include%s*"([^"]+)"'
  end
  return found
end

local files = 0
for path in io.popen("find src -name '*.[ch]' | sort"):lines() do
  local floor = path:match "^src/([^/]+)/"
  if floor then
    files = files + 1
    check(BELOW[floor], path .. ": an unknown floor '" .. floor .. "'")
    for _, header in ipairs(includes(path)) do
      local other = header:match "^%.%./([^/]+)/"
      if other then
        check((BELOW[floor] or {})[other],
          ("%s includes %s: %s does not stand on %s"):format(path, header, floor, other))
      else
        check(header == "../lander.h" or not header:find "/",
          ("%s includes %s: neither lander.h nor of its own floor"):format(path, header))
      end
    end
  end
end
check(files > 20, "found only " .. files .. " source files; run it from the top folder")

-- lander.h stands alone.
check(#includes "src/lander.h" == 0, "src/lander.h includes a header of the project")

checks.finish()

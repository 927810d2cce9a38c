-- rows.lua: results in a file, a line of JSON each, so that a study which was stopped goes on.
local lander = require "lander"
local core = lander.core

local rows = {}
local File = {}
File.__index = File

-- The results of the file by their key; fresh: begins anew.
function rows.open(path, fresh)
  os.execute(("mkdir -p '%s'"):format(path:match "^(.*)/[^/]*$" or "."))
  local found = {}
  local old = not fresh and io.open(path, "rb")
  if old then
    for line in old:lines() do
      local ok, row = pcall(core.read_json, line)
      if ok then found[row.key] = row end -- the last line may be a part of one
    end
    old:close()
  end
  return setmetatable({ found = found, path = path, fresh = fresh }, File)
end

-- The row of a key: from the file, or what make() returns, which goes there.
function File:get(key, make)
  local row = self.found[key]
  if row then return row end
  row = make()
  row.key = key
  self.found[key] = row
  local file = assert(io.open(self.path, self.fresh and "wb" or "ab"))
  self.fresh = false
  file:write(core.json(row, true), "\n")
  file:close()
  return row
end

-- A word on the way, to stderr: the tables go to stdout.
function rows.say(text, ...)
  io.stderr:write(text:format(...), "\n")
end

-- A table in markdown; the first row is its head.
function rows.print(list)
  for i, row in ipairs(list) do
    local cells = {}
    for k, cell in ipairs(row) do cells[k] = tostring(cell) end
    print("| " .. table.concat(cells, " | ") .. " |")
    if i == 1 then print((("|---"):rep(#row)) .. "|") end
  end
  print()
end

return rows

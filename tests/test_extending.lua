-- test_extending.lua: follows doc/extending.md in a copy of the sources: writes its files, makes
-- its changes, builds, and runs the tests that it has, and those that look at everything.
local lu = require "luaunit"
local support = require "tests.support"

local build = support.executable:match "^(.*)/[^/]*$"

local function must(command, ...)
  local pipe = assert(io.popen(("{ " .. command .. "\n} 2>&1"):format(...)))
  local said = pipe:read "a"
  lu.assertTrue(pipe:close(), said)
  return said
end

-- Lines are the same when they are but for spaces: columns are aligned in the sources.
local function same(a, b)
  return a:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "") == b:gsub("%s+", " "):gsub("^ ", "")
    :gsub(" $", "")
end

local function lines_of(text)
  local list = {}
  for line in (text:gsub("\n?$", "\n")):gmatch "(.-)\n" do list[#list + 1] = line end
  return list
end

-- Puts the lines with a + behind the last line that the one before them is.
local function change(folder, text)
  local path = folder .. "/" .. assert(text:match "^%-%-%- ([%w_/.]+)\n", text)
  local lines, given = lines_of(support.read(path)), lines_of(text)
  local at
  for i = 2, #given do
    local mark, line = given[i]:sub(1, 1), given[i]:sub(2)
    if mark == "+" then
      at = at + 1
      table.insert(lines, at, line)
    else
      at = nil
      for k = #lines, 1, -1 do
        if not at and same(lines[k], line) then at = k end
      end
      lu.assertNotNil(at, ("%s has no line '%s'"):format(path, line))
    end
  end
  support.write(path, table.concat(lines, "\n") .. "\n")
end

-- Writes what the page has; returns the suites.
local function follow(folder)
  local suites = {}
  for language, text in support.read "doc/extending.md":gmatch "\n```(%l+)\n(.-)\n```\n" do
    if language == "diff" then
      change(folder, text)
    else
      local path = text:match "^[%-/%*]+ ([%w_/]+%.%l+): "
      lu.assertNotNil(path, "a block that is no file:\n" .. text:sub(1, 100))
      support.write(folder .. "/" .. path, text .. "\n")
      suites[#suites + 1] = path:match "^tests/(test_%w+)%.lua$"
    end
  end
  return suites
end

TestExtending = {}

function TestExtending.test_the_page_is_true()
  if build ~= "build" then lu.skip "of the plain build alone" end
  local folder = support.folder()
  must("cp -a Makefile install.mk checks.mk src lua models tests '%s'", folder)
  must("mkdir '%s/build' && cd build && cp -a base tensor layers net solver data binding cli "
    .. "*.c *.o '%s/build'", folder, folder)
  local suites = follow(folder)
  lu.assertEquals(#suites, 3)
  -- The header has grown by one function, which is no reason to compile everything again.
  must("touch -r src/lander.h '%s/src/lander.h'", folder)
  must("cd '%s' && nice make -s -j2 build/lander", folder)
  must("cd '%s' && build/lander tests/run.lua %s test_registry test_annotations", folder,
    table.concat(suites, " "))
end

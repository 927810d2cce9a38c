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

-- As a reader does it.
local function change(folder, text)
  local path = support.write(support.folder() .. "/change", text .. "\n")
  must("cd '%s' && if command -v patch >/dev/null; then patch -p0 -s <'%s'; "
    .. "else git apply -p0 '%s'; fi", folder, path, path)
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

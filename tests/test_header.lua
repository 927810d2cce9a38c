-- test_header.lua: lander.h reads like a manual, compiles by itself as C11 and C++11, and
-- liblander.so lets out what it says and nothing else.
local lu = require "luaunit"
local support = require "tests.support"

local build = support.executable:match "^(.*)/[^/]*$"
local header = support.read "src/lander.h"

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local set = {}
  for line in pipe:lines() do set[line] = true end
  return set
end

-- The functions of the header, each with the comment before it: one comment may stand before
-- several functions that follow each other without an empty line.
local function functions()
  local found, comment = {}, ""
  local text = header:gsub("#define LANDER_API[^\n]*\n", "")
  for piece in (text .. "\n"):gmatch "(.-;?)\n" do
    if piece == "" then comment = "" end
    if piece:find "^/%*" then comment = "" end
    if piece:find "^/%*" or piece:find "^ %*" then comment = comment .. piece:sub(3) .. "\n" end
    local name = piece:find "^LANDER_API" and piece:match "([%w_]+)%("
    if name then found[name] = comment end
  end
  return found
end

TestHeader = {}

function TestHeader.test_every_function_says_how_it_fails()
  local found, count = functions(), 0
  for name, comment in pairs(found) do
    count = count + 1
    if not name:find "_free$" then
      lu.assertStrContains(comment, "fails:", false, false, name .. ": what fails is not said")
    end
  end
  lu.assertTrue(count > 150, count)
end

-- What is returned as a pointer that is no text of the library's belongs to somebody.
function TestHeader.test_every_object_says_who_owns_it()
  for declaration in header:gmatch "\nLANDER_API (lander_[^;]-);" do
    local name = declaration:match "^lander_[%l_]+ %*([%w_]+)%("
    if name then
      lu.assertStrContains(functions()[name] or "", "owns:", false, false,
        name .. ": who owns it is not said")
    end
  end
end

local function compiles(compiler, flags, extension)
  local source = support.write(support.folder() .. "/host." .. extension,
    "#include <lander.h>\nint main(void) { return lander_abi() != LANDER_ABI; }\n")
  local pipe = io.popen(("%s %s -Wall -Wextra -pedantic -Werror -Isrc -fsyntax-only %s 2>&1")
    :format(compiler, flags, source))
  local said = pipe:read "a"
  lu.assertTrue(pipe:close(), said)
end

function TestHeader.test_c11_and_cpp11()
  compiles("cc", "-std=c11", "c")
  if not os.execute "command -v c++ >/dev/null 2>&1" then lu.skip "there is no C++ compiler" end
  compiles("c++", "-std=c++11", "cc")
end

function TestHeader.test_the_library_exports_what_the_header_says_and_nothing_else()
  if not os.execute "command -v nm >/dev/null 2>&1" then lu.skip "there is no nm" end
  local exported = lines_of(("nm -D --defined-only %s/liblander.so | sed 's/.* //'"):format(build))
  lu.assertEquals(sorted(exported), sorted(functions()))
  -- The archive, too.
  exported = lines_of(("nm -g --defined-only %s/liblander.a | sed -n 's/.* [A-Z] //p'"):format(
    build))
  lu.assertEquals(sorted(exported), sorted(functions()))
end

function TestHeader.test_the_soname_has_the_interface()
  if not os.execute "command -v readelf >/dev/null 2>&1" then lu.skip "there is no readelf" end
  local pipe = io.popen(("readelf -d %s/liblander.so"):format(build))
  local soname = pipe:read("a"):match "soname: %[(.-)%]"
  pipe:close()
  lu.assertEquals(soname, "liblander.so." .. header:match "#define LANDER_ABI (%d+)")
end

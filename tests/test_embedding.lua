-- test_embedding.lua: follows doc/embedding.md: every program on it is compiled and run, in order
-- and in one folder, and prints what stands below it.
local lu = require "luaunit"
local support = require "tests.support"

local build = support.executable:match "^(.*)/[^/]*$"

-- The fenced blocks of a page: { language =, text =, name = from its first line }.
local function blocks(path)
  local list = {}
  for language, text in support.read(path):gmatch "\n```(%l+)\n(.-)\n```\n" do
    list[#list + 1] = { language = language, text = text .. "\n",
      name = text:match "^[%-/%*]+%s+([%w_]+%.%l+)" }
  end
  return list
end

local function shell(command, ...)
  local pipe = assert(io.popen(("{ " .. command .. "\n} 2>&1"):format(...)))
  local said = pipe:read "a"
  return pipe:close(), said
end

local function run(block, folder, here, path)
  lu.assertNotNil(block.name, "a block without a name:\n" .. block.text:sub(1, 200))
  support.write(folder .. "/" .. block.name, block.text)
  if block.language == "lua" then
    return shell("cd '%s' && '%s/lander' %s", folder, path, block.name)
  end
  return shell([[cd '%s' && cc -std=c11 -Wall -Wextra -Werror %s $(pkg-config --cflags lua5.4) \
    -I'%s/src' -L'%s' -llander -llua5.4 -Wl,-rpath,'%s' -o program && ./program]],
    folder, block.name, here, path, path)
end

TestEmbedding = {}

function TestEmbedding.test_every_program_does_what_the_page_says()
  if build ~= "build" then lu.skip "of the plain build alone" end
  local folder, here = support.folder(), io.popen("pwd"):read "l"
  local list, programs = blocks "doc/embedding.md", 0
  for i, block in ipairs(list) do
    if block.language ~= "text" then
      programs = programs + 1
      local ok, said = run(block, folder, here, here .. "/" .. build)
      lu.assertTrue(ok, ("%s: %s"):format(block.name, said))
      lu.assertEquals(said, list[i + 1].language == "text" and list[i + 1].text or "", block.name)
    end
  end
  lu.assertEquals(programs, 5)
end

-- What a page calls a function of the header is one.
function TestEmbedding.test_names_exist()
  local header = support.read "src/lander.h"
  for _, page in ipairs { "doc/embedding.md", "README.md", "doc/design.md" } do
    for name in support.read(page):gmatch "[lL][aA][nN][dD][eE][rR]_[%w_]+" do
      lu.assertStrContains(header, name, false, false, page .. ": " .. name)
    end
  end
end

-- test_doc.lua: the reference pages say what the library says.
local lu = require "luaunit"

TestDoc = {}

function TestDoc.test_the_reference_of_the_layers_is_up_to_date()
  local check = assert(loadfile "doc/generate.lua")
  local saved = arg
  arg = { "--check" }
  local ok, message = pcall(check)
  arg = saved
  lu.assertTrue(ok, message)
end

-- Each piece of Lua in doc/data.md is a script that runs.
function TestDoc.test_the_examples_about_data_run()
  local page = assert(io.open "doc/data.md")
  local text = page:read "a"
  page:close()
  local count = 0
  for script in text:gmatch "```lua\n(.-)```" do
    count = count + 1
    local environment = setmetatable({ print = function() end }, { __index = _G })
    assert(load(script, "doc/data.md, piece " .. count, "t", environment))()
  end
  lu.assertEquals(count, 4)
end

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

std = "lua54"
max_line_length = 100
globals = { "arg" }
exclude_files = { "build" }
-- The script that the README shows, comments and all.
files["scripts/lenet_fashion.lua"] = { max_line_length = false }
-- LuaUnit finds its suites as globals.
files["tests/test_*.lua"] = { allow_defined_top = true, ignore = { "131" } }

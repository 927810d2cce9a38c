std = "lua54"
max_line_length = 100
globals = { "arg" }
files["tests"] = { globals = { "arg" }, allow_defined_top = true, ignore = { "131" } }
exclude_files = { "build" }

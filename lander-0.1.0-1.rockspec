-- `luarocks make` in the source folder builds and installs the module for Lua 5.4; the command,
-- the C library and the manual come with `make install`.
rockspec_format = "3.0"
package = "lander"
version = "0.1.0-1"
source = { url = "file://lander-0.1.0.tar.gz" } -- what `make dist` makes
description = {
  summary = "Trains neural networks, and handles divergence by itself",
  detailed = "A training engine: a small C library, scripted in Lua 5.4.",
  license = "MIT",
}
dependencies = { "lua >= 5.4, < 5.5" }
external_dependencies = { ZLIB = { header = "zlib.h", library = "z" } }
build = {
  type = "make",
  build_target = "rock",
  install_target = "install-rock",
  build_variables = { B = "build/rock", LUA = "$(LUA)", LUA_CFLAGS = "-I$(LUA_INCDIR)" },
  install_variables = { B = "build/rock", LUA = "$(LUA)", LUA_CMOD = "$(LIBDIR)" },
}

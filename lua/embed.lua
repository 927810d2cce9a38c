-- embed.lua: writes Lua files as one C file, so that they are built into the library:
--
--     lua5.4 lua/embed.lua lua/probe.lua lua/lander/train.lua models/lenet.lua > embedded.c
--
-- Each is there twice: as text, and as the code that this Lua's compiler makes of it, which
-- loads in an eighth of the time. The first one is the probe (src/binding/sources.c).
--
-- As arrays of characters: ISO C promises only 4095 characters in a string literal.

local PER_LINE = 24

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- One character as a C constant; beyond ASCII its sign is the compiler's business.
local function constant(byte)
  return byte < 128 and tostring(byte) or ("'\\%03o'"):format(byte)
end

local function write_array(name, text)
  io.write("static const char ", name, "[] = {\n")
  for at = 1, #text, PER_LINE do
    local line = {}
    for i = at, math.min(at + PER_LINE - 1, #text) do
      line[#line + 1] = constant(text:byte(i))
    end
    io.write(table.concat(line, ","), ",\n")
  end
  io.write "0};\n\n"
end

-- "lander/train.lua": in the order in which the library loads them, the probe before all.
local probe = table.remove(arg, 1)
local sources = {}
for _, path in ipairs(arg) do
  sources[#sources + 1] = { path = path, name = path:gsub("^.*lua/([%a_]+/)", "%1") }
end
table.sort(sources, function(a, b) return a.name < b.name end)
table.insert(sources, 1, { path = probe, name = "probe.lua" })

io.write [[
/* Made by lua/embed.lua. */
#include <stddef.h>

/* As in src/binding/binding.h, which this file could not include without Lua's. */
typedef struct binding_source {
  const char *name;
  const char *text, *code;
  size_t text_length, code_length;
} binding_source;
extern const binding_source binding_probe, binding_sources[];

]]
for i, source in ipairs(sources) do
  local text = read(source.path)
  write_array("text" .. i, text)
  write_array("code" .. i, string.dump(assert(load(text, "@" .. source.name, "t"))))
  source.c = ('{"%s", text%d, code%d, sizeof text%d - 1, sizeof code%d - 1}'):format(
    source.name, i, i, i, i)
end
io.write("const binding_source binding_probe = ", sources[1].c, ";\n")
io.write "const binding_source binding_sources[] = {\n"
for i = 2, #sources do io.write(sources[i].c, ",\n") end
io.write "{NULL, NULL, NULL, 0, 0}};\n"

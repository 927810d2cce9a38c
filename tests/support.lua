-- support.lua: what several suites need.
local lu = require "luaunit"
local lander = require "lander"

local support = {}

support.is_double = lander.config().real == "double"

-- The command under test: the one that runs this, when it is one.
support.executable = arg and arg[-1] and arg[-1]:find "lander" and arg[-1] or "build/lander"

-- ---- files ----

local made = {}

-- A new folder that goes away at the end.
function support.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir -p '" .. path .. "'"))
  made[#made + 1] = path
  return path
end

-- Removes the folders when the state is closed.
setmetatable(made, { __gc = function(list)
  for _, path in ipairs(list) do os.execute("rm -rf '" .. path .. "'") end
end })

function support.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

function support.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

function support.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- ---- the command ----

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Runs the command with these words -> { status =, out =, err = }. options: input (its
-- standard input), folder (where it runs), under (a command before it), program (another
-- one).
function support.run(words, options)
  options = options or {}
  local folder = support.folder()
  local list = {}
  for i, word in ipairs(words) do list[i] = quote(word) end
  support.write(folder .. "/in", options.input or "")
  local program = options.program or support.executable
  if options.folder and program:sub(1, 1) ~= "/" then
    local here = io.popen "pwd"
    program = here:read "l" .. "/" .. program
    here:close()
  end
  local command = ("%s%s %s %s <%s/in >%s/out 2>%s/err"):format(
    options.folder and "cd " .. quote(options.folder) .. " && " or "", options.under or "",
    quote(program), table.concat(list, " "), folder, folder, folder)
  local _, _, status = os.execute(command)
  local out, err = support.read(folder .. "/out"), support.read(folder .. "/err")
  return { status = status, out = out, err = err }
end

-- Types the steps (tests/tools/terminal.c) at the command with these words, on a pseudo-terminal;
-- what it showed, the last line of which tells the exit status. home: the user's folder; under: a
-- command before it.
function support.typed(steps, home, words, under)
  home = home or support.folder()
  local path = support.write(home .. "/steps", table.concat(steps, "\n") .. "\n")
  local r = support.run({ "-c", ("LSAN_OPTIONS=suppressions=tests/tools/leaks.txt HOME=%s "
    .. "XDG_STATE_HOME=%s/state %s %s %s %s %s"):format(home, home,
    support.executable:match "^(.*)/" .. "/tools/terminal", path, under or "", support.executable,
    words or "") }, { program = "sh" })
  lu.assertEquals({ r.out:match "waited in vain for[^\n]*", r.status }, { nil, 0 }, r.out)
  return r.out
end

-- ---- assertions ----

-- f(...) must fail with a message that holds `text`; returns the message.
function support.fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "an error was expected with: " .. text)
  lu.assertStrContains(tostring(message), text)
  return message
end

-- NaN is the same as NaN.
function support.same_bits(a, b)
  lu.assertEquals(a:numel(), b:numel())
  lu.assertEquals(a:eq(b):maximum(a:ne(a):mul(b:ne(b))):sum(), a:numel())
end

function support.same_params(a, b)
  lu.assertEquals(#a.params, #b.params)
  for i = 1, #a.params do support.same_bits(a.params[i].data, b.params[i].data) end
end

-- ---- trainings ----

-- The exit status of this process is no business of the trainings that a class runs.
function support.keep_status(class)
  local before
  function class.setUp() before = lander.core.exit_status end
  function class.tearDown() lander.core.exit_status = before end
end

-- The events of a run that are of this kind.
function support.events(run, kind)
  local found = {}
  for _, e in ipairs(run.events) do
    if e.event == kind then found[#found + 1] = e end
  end
  return found
end

-- A net with everything that has a memory.
function support.net_with_memory(seed)
  local nn = lander.nn
  return nn.net { seed = seed or 1, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                  nn.dropout { 0.3 }, nn.linear { 2 } }
end

-- Options of a training of that net; more: what is to be otherwise.
function support.small_training(more)
  local o = {
    net = support.net_with_memory(), data = support.blobs(53), batch_size = 8, quiet = true,
    display = 0,
    solver = { base_lr = 0.05, momentum = 0.9, max_iter = 400 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

-- ---- data ----

-- Two clouds of points, of classes 1 and 2, around (-1, -1) and (1, 1); no randomness.
function support.blobs(n)
  local x, y = lander.zeros(n, 2), lander.zeros(n)
  for i = 1, n do
    local class, angle = 1 + i % 2, i * 2.399963 -- the golden angle
    local radius, centre = 0.6 * math.sqrt(i / n), class == 1 and -1 or 1
    x:set(centre + radius * math.cos(angle), i, 1)
    x:set(centre + radius * math.sin(angle), i, 2)
    y:set(class, i)
  end
  return lander.data.tensors(x, y), x, y
end

function support.xor()
  local x = lander.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
  return lander.data.tensors(x, lander.tensor { 1, 2, 2, 1 })
end

function support.mlp(seed)
  return require "models.mlp" { 2, 16, 2, activation = "tanh", seed = seed }
end

return support

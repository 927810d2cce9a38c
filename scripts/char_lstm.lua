-- char_lstm.lua: reads a text, character by character, and then writes one. Two LSTM layers,
-- back-propagation through 64 characters at a time, the state carried on from one piece of
-- the text to the next (truncated back-propagation through time).
--
-- On the licence texts of a Debian system (GPL 1 to 3, LGPL, FDL, MPL, Apache, Artistic):
-- 2.22 bits a character on the last pages, which it has not seen, after 5 epochs (1.88 on the
-- others; two minutes). It writes "or this License version of the work based on the source
-- code, with the modifications of the recipient to copy of the Program is and the library".
local lander = require "lander"
local folder = "/usr/share/common-licenses/"
local opt = lander.args { base_lr = 1, epochs = 5, max_iter = 0, streams = 32, steps = 64,
  hidden = 256, write = 400, temperature = 0.5,
  text = { folder .. "GPL-1", folder .. "GPL-2", folder .. "GPL-3", folder .. "LGPL-2.1",
    folder .. "GFDL-1.3", folder .. "MPL-2.0", folder .. "Apache-2.0", folder .. "Artistic" } }

-- Symbols 1 to 95 are the printable characters, 96 the end of a line. Indentation goes.
local function read_symbols()
  local list = {}
  for _, path in ipairs(opt.text) do
    local file = assert(io.open(path, "rb"))
    local text = file:read("a"):gsub("[^\n\x20-\x7e]", " "):gsub(" +", " "):gsub("\n ", "\n")
    file:close()
    for i = 1, #text do
      local byte = text:byte(i)
      list[#list + 1] = byte == 10 and 96 or byte - 31
    end
  end
  return list
end

local list = read_symbols()
local held = math.min(#list // 20, 20000) -- the end is kept for the test
local length = (#list - held - 1) // (opt.streams * opt.steps) * opt.steps
assert(length > 0, "the text is too short for so many streams and steps")
print(("%d characters, %d of them kept for the test"):format(#list, held))

-- The text as `rows` streams that go on side by side, beginning behind `skip` characters.
local function streams(rows, columns, skip)
  return lander.tensor(table.move(list, skip + 1, skip + rows * columns, 1, {})):view(rows, columns)
end

local function zeros(rows) return lander.zeros(rows, 2, opt.hidden) end

local function build(steps)
  return require "models.char_lstm" { steps = steps, hidden = opt.hidden, state = true }
end

-- Goes through a text in pieces; step(x, y, h, c) returns the loss of one.
local function go(net, x, y, step, most)
  local h, c, sum, pieces = zeros(x:size(1)), zeros(x:size(1)), 0, 0
  for at = 1, x:size(2) - opt.steps + 1, opt.steps do
    if pieces == most then break end
    sum = sum + step(x:narrow(2, at, opt.steps):clone(), y:narrow(2, at, opt.steps):clone(), h, c)
    pieces = pieces + 1
    local outputs = net["lstm1"].outputs
    h, c = outputs[2]:clone(), outputs[3]:clone()
  end
  return sum / pieces, pieces
end

local net = build(opt.steps)
local pieces = length // opt.steps
local max_iter = opt.max_iter > 0 and opt.max_iter or opt.epochs * pieces
local solver = lander.solver(net, { type = "sgd", base_lr = opt.base_lr, momentum = 0.9,
  clip_gradients = 1, lr_policy = "cosine", max_iter = max_iter })
local x, y = streams(opt.streams, length, 0), streams(opt.streams, length, 1)
local function learn(...)
  local bx, by, h, c = ...
  return solver:step({ bx, h, c }, by) or error "diverged: try a lower --base_lr"
end

while solver.iter < max_iter do
  local loss = go(net, x, y, learn, max_iter - solver.iter)
  print(("iteration %d: loss %.3f"):format(solver.iter, loss))
end

local tx, ty = streams(1, held, #list - held - 1), streams(1, held, #list - held)
net:test_phase()
local loss = go(net, tx, ty, function(bx, by, h, c) return net:loss({ bx, h, c }, by) end)
print(("test: %.3f bits a character"):format(loss / math.log(2)))

-- The same weights, one character a step.
local writer = build(1)
for name, param in pairs(writer.params) do param.data:copy_(net.params[name].data) end
writer:test_phase()
lander.seed(1)
local h, c, symbol = zeros(1), zeros(1), 96
for _ = 1, opt.write do
  local scores = writer:forward(lander.tensor { { symbol } }, h, c):view(96) / opt.temperature
  local gumbel = -(-lander.rand(96):clamp(1e-7, 1):log()):clamp(1e-7, 100):log()
  symbol = math.tointeger((scores + gumbel):argmax()) -- drawn from the softmax
  io.write(symbol == 96 and "\n" or string.char(symbol + 31))
  h, c = writer["lstm1"].outputs[2]:clone(), writer["lstm1"].outputs[3]:clone()
end
print()

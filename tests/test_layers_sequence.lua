-- test_layers_sequence.lua: embedding, rnn, lstm, gru and attention beside the slow and
-- obvious way in plain Lua, and their gradients beside differences.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails

-- Rounding of sums of some hundred products, carried on over some steps.
local CLOSE = support.is_double and 1e-11 or 5e-5

-- found: a tensor; expected: nested tables.
local function assert_near(found, expected, what)
  local function compare(a, b, place)
    if type(b) == "table" then
      lu.assertEquals(#a, #b, what)
      for i = 1, #b do compare(a[i], b[i], place .. " " .. i) end
      return
    end
    lu.assertTrue(math.abs(a - b) <= CLOSE * math.max(1, math.abs(b)),
      ("%s: element%s is %.9g, expected %.9g"):format(what, place, a, b))
  end
  compare(found:totable(), expected, "")
end

-- These functions are smooth: a step larger than the usual one keeps small gradients from
-- being lost in rounding, and where it is too large, a smaller one is tried. In float,
-- differences of small ones are good to some hundredths only.
local STEP = support.is_double and 1e-4 or 3e-2
local TOLERANCE = support.is_double and 1e-6 or 0.1

local function assert_gradients(net, x, samples)
  local result = lander.check_gradients(net, x, nil,
    { step = STEP, tolerance = TOLERANCE, samples = samples })
  lu.assertTrue(result.ok, net:text() .. tostring(result))
end

-- Weights large enough that no gradient is lost in the rounding of the differences.
local function lively(net)
  for _, p in pairs(net.params) do p.data:normal_(0, 0.8) end
  return net
end

-- Every test draws the same, whatever ran before it.
local function same_draws() lander.seed(1) end

-- { hidden = 3, mask = true } as the text of a net has it.
local function words(options)
  local list = {}
  for key, value in pairs(options) do list[#list + 1] = key .. "=" .. tostring(value) end
  return table.concat(list, " ")
end

-- ---- embedding -----------------------------------------------------------------------

TestEmbedding = { setUp = same_draws }

function TestEmbedding.test_rows_of_the_weight()
  local net = nn.net { nn.input { 2, 3 }, nn.embedding { 5, 4 } }
  local weight = net.params["embedding1.weight"].data
  lu.assertEquals(weight:size(), { 5, 4 })
  local x = lander.tensor { { { 1, 5, 2 }, { 2, 2, 4 } } }
  local y = net:forward(x)
  lu.assertEquals(y:size(), { 1, 2, 3, 4 })
  for i = 1, 2 do
    for j = 1, 3 do support.same_bits(y[1][i][j], weight[x:get(1, i, j)]) end
  end
end

function TestEmbedding.test_one_index_and_one_number()
  local net = nn.net { nn.input { 1 }, nn.embedding { 3, 1 } }
  local y = net:forward(lander.tensor { { 3 }, { 1 } })
  lu.assertEquals(y:size(), { 2, 1, 1 })
  lu.assertEquals(y:get(1, 1, 1), net.params["embedding1.weight"].data:get(3, 1))
end

function TestEmbedding.test_gradient_adds_up_all_places_of_an_index()
  local net = nn.net { nn.input { 3 }, nn.embedding { 4, 2 } }
  net:want_input_gradient(true)
  net:forward(lander.tensor { { 2, 1, 2 }, { 2, 4, 4 } })
  net:backward(lander.arange(1, 12):view(2, 3, 2))
  lu.assertEquals(net.params["embedding1.weight"].grad:totable(),
    { { 3, 4 }, { 1 + 5 + 7, 2 + 6 + 8 }, { 0, 0 }, { 9 + 11, 10 + 12 } })
  lu.assertEquals(net.data.gradient:abs():max(), 0)
end

function TestEmbedding.test_gradients()
  local x = lander.tensor { { 7, 1, 7, 3 }, { 2, 7, 7, 1 } }
  assert_gradients(nn.net { nn.input { 4 }, nn.embedding { 7, 3 }, nn.linear { 2 } }, x)
  -- Wide enough that columns are shared out.
  assert_gradients(nn.net { nn.input { 4 }, nn.embedding { 7, 70 } }, x, 90)
end

function TestEmbedding.test_bad_indices_and_options()
  local net = nn.net { nn.input { 2 }, nn.embedding { 5, 3, name = "words" } }
  local function forward(a, b, c, d)
    return function() net:forward(lander.tensor { { a, b }, { c, d } }) end
  end
  fails("words: index 6 of sample 2 is outside 1..5", forward(1, 2, 3, 6))
  fails("index 0 of sample 1", forward(0, 2, 3, 6))
  fails("index 1.5 of sample 1 is outside 1..5, or not whole", forward(1.5, 2, 3, 4))
  fails("of sample 1 is outside", forward(1, 0 / 0, 3, 4))
  fails("of sample 2 is outside", forward(1, 1, 1 / 0, 4))
  fails("'dim' is required", nn.embedding, { 5 })
  fails("'entries' must be", nn.embedding, { 0, 5 })
  fails("adds a dimension", nn.net,
    { nn.input { 1, 1, 1, 1, 1, 1, 1 }, nn.embedding { 2, 2 } })
end

-- ---- recurrent layers in plain Lua ---------------------------------------------------

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function tanh(x)
  local e = math.exp(-2 * math.abs(x))
  local y = (1 - e) / (1 + e)
  return x < 0 and -y or y
end

-- W x + b for rows of W; b may be nil.
local function affine(weight, x, bias)
  local y = {}
  for i, row in ipairs(weight) do
    local sum = bias and bias[i] or 0
    for j, w in ipairs(row) do sum = sum + w * x[j] end
    y[i] = sum
  end
  return y
end

-- One step: the sums from the input and from the state (rows of all gates), h, c -> h, c.
local cells = {}

function cells.rnn(a, b, h, _, o)
  local y = {}
  for i = 1, #h do
    local sum = a[i] + b[i]
    y[i] = o.nonlinearity == "relu" and math.max(sum, 0) or
      o.nonlinearity ~= "relu" and tanh(sum) or sum
  end
  return y
end

function cells.lstm(a, b, h, c)
  local n, y, next_c = #h, {}, {}
  for i = 1, n do
    local function sum(gate) return a[gate * n + i] + b[gate * n + i] end
    next_c[i] = sigmoid(sum(1)) * c[i] + sigmoid(sum(0)) * tanh(sum(2))
    y[i] = sigmoid(sum(3)) * tanh(next_c[i])
  end
  return y, next_c
end

function cells.gru(a, b, h)
  local n, y = #h, {}
  for i = 1, n do
    local r, z = sigmoid(a[i] + b[i]), sigmoid(a[n + i] + b[n + i])
    local value = tanh(a[2 * n + i] + r * b[2 * n + i])
    y[i] = (1 - z) * value + z * h[i]
  end
  return y
end

-- One direction of one layer over a sample: writes its columns of `out`, returns h and c.
local function naive_run(kind, x, mask, h, c, param, o, out, first, reverse)
  local begin, stop, step = 1, #x, 1
  if reverse then begin, stop, step = #x, 1, -1 end
  for t = begin, stop, step do
    local real_step = not mask or mask[t] == 1
    if real_step then
      h, c = cells[kind](affine(param "weight_ih", x[t], param "bias_ih"),
        affine(param "weight_hh", h, param "bias_hh"), h, c, o)
    end
    for i = 1, #h do out[t][first + i] = real_step and h[i] or 0 end
  end
  return h, c
end

-- One sample -> the sequence, the last h, the last c (rows for layers and directions).
local function naive_sample(kind, net, o, x, mask, h0, c0)
  local hidden, last_h, last_c = o.hidden, {}, {}
  for layer = 1, o.layers or 1 do
    local out = {}
    for t = 1, #x do out[t] = {} end
    for direction = 1, o.bidirectional and 2 or 1 do
      local row = #last_h + 1
      local function param(name)
        local p = net.params[("y.%s_l%d%s"):format(name, layer - 1,
          direction == 2 and "_reverse" or "")]
        return p and p.data:totable()
      end
      local zero = lander.zeros(hidden):totable()
      local h, c = naive_run(kind, x, mask, h0 and h0[row] or zero, c0 and c0[row] or zero,
        param, o, out, (direction - 1) * hidden, direction == 2)
      last_h[row], last_c[row] = h, c
    end
    x = out
  end
  return x, last_h, last_c
end

-- ---- recurrent layers ----------------------------------------------------------------

TestRecurrent = { setUp = same_draws }

local kinds = { "rnn", "lstm", "gru" }

-- batch, time, features, options
local cases = {
  { 1, 1, 1, { hidden = 1 } },
  { 2, 5, 3, { hidden = 4 } },
  { 3, 1, 2, { hidden = 5, bias = false } },
  { 2, 4, 3, { hidden = 3, layers = 3 } },
  { 2, 4, 3, { hidden = 3, bidirectional = true } },
  { 2, 3, 5, { hidden = 2, layers = 2, bidirectional = true, bias = false } },
  { 3, 4, 2, { hidden = 3, state = true } },
  { 2, 4, 2, { hidden = 3, layers = 2, bidirectional = true, state = true } },
  { 4, 3, 2, { hidden = 3, mask = true } },
  { 3, 5, 2, { hidden = 3, layers = 2, mask = true } },
  { 3, 5, 2, { hidden = 2, layers = 2, bidirectional = true, mask = true, state = true } },
}

local function input_names(kind, o)
  local names = { "x" }
  if o.mask then names[#names + 1] = "mask" end
  if o.state then names[#names + 1] = "h" end
  if o.state and kind == "lstm" then names[#names + 1] = "c" end
  return names
end

local function states(o)
  return (o.layers or 1) * (o.bidirectional and 2 or 1)
end

-- The inputs' lines, then the layer y, then `more`.
local function make_net(kind, case, more, extra)
  local _, time, features, o = table.unpack(case)
  local size = { x = time .. "," .. features, mask = time }
  size.h = states(o) .. "," .. o.hidden
  size.c = size.h
  local lines = {}
  for _, name in ipairs(input_names(kind, o)) do
    lines[#lines + 1] = ("%s = input () shape=%s"):format(name, size[name])
  end
  lines[#lines + 1] = ("y = %s (%s) %s %s"):format(kind,
    table.concat(input_names(kind, o), ", "), words(o), extra or "")
  lines[#lines + 1] = more
  return lander.core.net_build(table.concat(lines, "\n"), 1)
end

-- Padding at the end, of some samples all of it, and one step of it in the middle.
local function make_inputs(kind, case)
  local batch, time, features, o = table.unpack(case)
  local of = { x = lander.randn(batch, time, features), mask = lander.ones(batch, time) }
  for b = 1, batch do
    for t = 1, time do
      if t + (b - 1) % (time + 1) > time then of.mask:set(0, b, t) end
    end
  end
  if time > 2 then of.mask:set(0, 2, 2) end
  of.h = lander.randn(batch, states(o), o.hidden)
  of.c = lander.randn(batch, states(o), o.hidden)
  local list = {}
  for i, name in ipairs(input_names(kind, o)) do list[i] = of[name] end
  return list, of
end

-- Layers that show each output of y, the second by the name h1, the third c1.
local function show_outputs(kind)
  return "h1 = flatten (y:2)\n" .. (kind == "lstm" and "c1 = flatten (y:3)\n" or "")
    .. "z = flatten (y)"
end

local function check_forward(kind, case, extra)
  local batch, _, _, o = table.unpack(case)
  local net = make_net(kind, case, show_outputs(kind), extra)
  local inputs, of = make_inputs(kind, case)
  net:forward(inputs)
  local naive = { {}, {}, {} }
  local function sample(t, given, b) return given and t[b]:totable() or nil end
  local all = { hidden = o.hidden, layers = o.layers, bidirectional = o.bidirectional,
    nonlinearity = extra and "relu" }
  for b = 1, batch do
    naive[1][b], naive[2][b], naive[3][b] = naive_sample(kind, net, all, of.x[b]:totable(),
      sample(of.mask, o.mask, b), sample(of.h, o.state, b), sample(of.c, o.state, b))
  end
  assert_near(net.y.output, naive[1], net:text())
  local size = { batch, states(o), o.hidden }
  assert_near(net.h1.output:contiguous():view(table.unpack(size)), naive[2], net:text())
  if kind == "lstm" then
    assert_near(net.c1.output:contiguous():view(table.unpack(size)), naive[3], net:text())
  end
end

function TestRecurrent.test_forward_step_by_step()
  for _, kind in ipairs(kinds) do
    for _, case in ipairs(cases) do check_forward(kind, case) end
  end
  for _, case in ipairs(cases) do check_forward("rnn", case, "nonlinearity=relu") end
end

-- Wide enough that a step is cut into pieces, in both directions.
function TestRecurrent.test_forward_in_pieces()
  for _, kind in ipairs(kinds) do
    check_forward(kind, { 31, 2, 3, { hidden = 150, bidirectional = true, mask = true } })
  end
end

-- From each output to the weights and all inputs, the state before the first step too.
function TestRecurrent.test_gradients()
  local samples = support.is_double and 25 or 6
  for _, kind in ipairs(kinds) do
    for output = 1, kind == "lstm" and 3 or 2 do
      for _, case in ipairs(cases) do
        local net = lively(make_net(kind, case, "z = flatten (y:" .. output .. ")"))
        assert_gradients(net, make_inputs(kind, case), samples)
      end
    end
  end
  if not support.is_double then return end -- relu: the step of the float build passes kinks
  for _, case in ipairs(cases) do
    assert_gradients(make_net("rnn", case, "", "nonlinearity=relu"),
      make_inputs("rnn", case), samples)
  end
end

function TestRecurrent.test_gradients_in_pieces()
  for _, kind in ipairs(kinds) do
    local case = { 31, 2, 3, { hidden = 150, bidirectional = true, state = true } }
    assert_gradients(make_net(kind, case), make_inputs(kind, case), 6)
  end
end

function TestRecurrent.test_backward_adds_when_told_and_gives_the_same_twice()
  for _, kind in ipairs(kinds) do
    local case = { 2, 3, 2, { hidden = 3, layers = 2, bidirectional = true } }
    local net, inputs = make_net(kind, case), make_inputs(kind, case)
    local dy = net:forward(inputs):clone():normal_(0, 1)
    local once = {}
    net:backward(dy)
    for i = 1, #net.params do once[i] = net.params[i].grad:clone() end
    net:backward(dy)
    for i = 1, #net.params do support.same_bits(net.params[i].grad, once[i]) end
  end
end

-- Cut in two, with the state carried over, a sequence gives what it gives in one.
function TestRecurrent.test_state_is_carried_on()
  for _, kind in ipairs(kinds) do
    local o = { hidden = 4, layers = 2, state = true }
    local whole = make_net(kind, { 2, 6, 3, o }, show_outputs(kind))
    local half = make_net(kind, { 2, 3, 3, o }, show_outputs(kind))
    for i = 1, #whole.params do half.params[i].data:copy_(whole.params[i].data) end
    local inputs = make_inputs(kind, { 2, 6, 3, o })
    whole:forward(inputs)
    local h, c = inputs[2], inputs[3]
    for part = 1, 2 do
      half:forward { inputs[1]:narrow(2, 3 * part - 2, 3), h, c }
      assert_near(half.y.output, whole.y.output:narrow(2, 3 * part - 2, 3):totable(), kind)
      h = half.h1.output:clone():view(2, 2, 4)
      c = c and half.c1.output:clone():view(2, 2, 4)
    end
    assert_near(half.h1.output, whole.h1.output:totable(), kind)
  end
end

function TestRecurrent.test_a_mask_of_ones_changes_nothing_and_padding_is_not_seen()
  for _, kind in ipairs(kinds) do
    local o = { hidden = 3, layers = 2, bidirectional = true }
    local plain = make_net(kind, { 2, 4, 2, o })
    local masked = make_net(kind, { 2, 4, 2,
      { hidden = 3, layers = 2, bidirectional = true, mask = true } })
    for i = 1, #plain.params do masked.params[i].data:copy_(plain.params[i].data) end
    local x = lander.randn(2, 4, 2)
    support.same_bits(plain:forward(x), masked:forward { x, lander.ones(2, 4) })
    local mask = lander.tensor { { 1, 1, 0, 0 }, { 1, 1, 1, 1 } }
    local y = masked:forward { x, mask }:clone()
    x:set(100, 1, 3, 1)
    x:set(-100, 1, 4, 2)
    support.same_bits(masked:forward { x, mask }, y)
    lu.assertEquals(y[1]:narrow(1, 3, 2):abs():max(), 0)
  end
end

function TestRecurrent.test_threads_do_not_change_a_bit()
  for _, kind in ipairs(kinds) do
    local case = { 40, 3, 9, { hidden = 160, bidirectional = true } }
    local net, inputs = make_net(kind, case), make_inputs(kind, case)
    local dy = net:forward(inputs):clone():normal_(0, 1)
    local before, first = lander.threads(), nil
    for threads = 1, 3 do
      lander.threads(threads)
      local found = { net:forward(inputs):clone() }
      net:backward(dy)
      for i = 1, #net.params do found[#found + 1] = net.params[i].grad:clone() end
      first = first or found
      for i = 1, #found do support.same_bits(found[i], first[i]) end
    end
    lander.threads(before)
  end
end

function TestRecurrent.test_names_and_shapes_are_those_of_pytorch()
  local net = nn.net { nn.input { 7, 5 }, nn.lstm { 3, layers = 2, bidirectional = true } }
  lu.assertEquals(#net.params, 16)
  local function size(name) return net.params["lstm1." .. name].data:size() end
  lu.assertEquals(size "weight_ih_l0", { 12, 5 })
  lu.assertEquals(size "weight_hh_l0_reverse", { 12, 3 })
  lu.assertEquals(size "weight_ih_l1_reverse", { 12, 6 })
  lu.assertEquals(size "bias_ih_l1", { 12 })
  lu.assertEquals(size "bias_hh_l1_reverse", { 12 })
  lu.assertEquals(nn.net { nn.input { 7, 5 }, nn.gru { 3 } }.params["gru1.weight_ih_l0"]
    .data:size(), { 9, 5 })
  lu.assertEquals(net["lstm1"].size, { 7, 6 })
end

function TestRecurrent.test_first_values()
  local net = nn.net { nn.input { 2, 30 }, nn.gru { 25 } }
  for _, p in pairs(net.params) do
    local bound = 1 / math.sqrt(25)
    lu.assertTrue(p.data:abs():max() <= bound)
    lu.assertTrue(p.data:max() > 0.8 * bound and p.data:min() < -0.8 * bound, p.name)
  end
  net = nn.net { nn.input { 2, 30 }, nn.rnn { 25, weight_filler = { "constant", value = 2 },
    bias_filler = { "uniform", min = 3, max = 4 } } }
  lu.assertEquals(net.params["rnn1.weight_hh_l0"].data:mean(), 2)
  lu.assertTrue(net.params["rnn1.bias_hh_l0"].data:min() >= 3)
  net = nn.net { nn.input { 2, 30 }, nn.rnn { 25, weight_filler = "positive_unitball" } }
  lu.assertAlmostEquals(net.params["rnn1.weight_ih_l0"].data[1]:sum(), 1, 1e-5)
end

function TestRecurrent.test_nan_travels_forward_only_in_time()
  for _, kind in ipairs(kinds) do
    local net = nn.net { nn.input { 4, 2 }, nn[kind] { 3 } }
    local x = lander.randn(2, 4, 2)
    x:set(0 / 0, 2, 3, 1)
    local y = net:forward(x)
    lu.assertEquals(y[1]:isfinite():sum(), 12)
    lu.assertEquals(y[2]:narrow(1, 1, 2):isfinite():sum(), 6)
    lu.assertEquals(y[2]:narrow(1, 3, 2):isfinite():sum(), 0)
  end
end

function TestRecurrent.test_saved_and_loaded_and_other_batches()
  local net = nn.net { nn.input { 4, 2 }, nn.lstm { 3, layers = 2, bidirectional = true } }
  local path = support.folder() .. "/lstm.npz"
  net:save(path)
  local copy = lander.load(path)
  for _, batch in ipairs { 2, 7, 1 } do
    local x = lander.randn(batch, 4, 2)
    support.same_bits(copy:forward(x), net:forward(x))
  end
end

function TestRecurrent.test_bad_shapes_and_options_have_words()
  local x = nn.input { 5, 2 }
  local function build(...) local y = x:lstm(...) return function() nn.net { y } end end
  fails("lstm needs an input of 2 dimensions, (time, features), got (3, 4, 5)", nn.net,
    { nn.input { 3, 4, 5 }, nn.lstm { 4 } })
  fails("takes x, a mask, h, c here, 4 inputs, 1 is given", build { 4, mask = true, state = true })
  fails("takes x here, 1 input, 2 are given", build { 4, nn.input { 5 } })
  fails("the mask (time), must be (5), got (4)", build { 4, nn.input { 4 }, mask = true })
  fails("input 3, the state (layers * directions, hidden), must be (2, 4), got (1, 4)",
    build { 4, nn.input { 2, 4 }, nn.input { 1, 4 }, state = true, layers = 2 })
  fails("9 layers would have 36 parameters, one layer of a net has at most 32",
    build { 4, layers = 9 })
  fails("5 layers in both directions", build { 4, layers = 5, bidirectional = true })
  fails("'hidden' is required", nn.gru, {})
  fails("'hidden' must be", nn.gru, { 0 })
  fails("'nonlinearity' must be one of 'tanh', 'relu'", nn.rnn, { 2, nonlinearity = "elu" })
  fails("numbers", nn.net, { nn.input { 2, 1 << 30 }, nn.lstm { 1 << 20 } })

  local net = make_net("gru", { 2, 3, 2, { hidden = 2, mask = true } })
  local mask = lander.ones(2, 3)
  mask:set(0.5, 2, 3)
  fails("y: the mask of sample 2 is 0.5 at step 3; it must be 1 (a real step) or 0 (padding)",
    net.forward, net, { lander.randn(2, 3, 2), mask })
  mask:set(0 / 0, 1, 2)
  fails("the mask of sample 1 is", net.forward, net, { lander.randn(2, 3, 2), mask })
end

-- ---- attention -----------------------------------------------------------------------

TestAttention = { setUp = same_draws }

local function narrow_row(row, first, n)
  return table.move(row, first, first + n - 1, 1, {})
end

-- One sample: rows of x ask, rows of `source` are looked at.
local function naive_attention(net, o, x, source)
  local dim, heads = #x[1], o[1] or 1
  local head = dim // heads
  local function param(name)
    local p = net.params["y." .. name]
    return p and p.data:totable()
  end
  local weight, bias = param "in_weight", param "in_bias"
  local function project(rows, first)
    local list = {}
    for t, row in ipairs(rows) do
      list[t] = narrow_row(affine(weight, row, bias), first * dim + 1, dim)
    end
    return list
  end
  local q, k, v = project(x, 0), project(source, 1), project(source, 2)
  local y = {}
  for t = 1, #x do
    local mixed = {}
    for h = 0, heads - 1 do
      local p, total = {}, 0
      for s = 1, o.causal and t or #source do
        local score = 0
        for i = h * head + 1, (h + 1) * head do score = score + q[t][i] * k[s][i] end
        p[s] = math.exp(score / math.sqrt(head))
        total = total + p[s]
      end
      for i = h * head + 1, (h + 1) * head do
        mixed[i] = 0
        for s = 1, #p do mixed[i] = mixed[i] + p[s] / total * v[s][i] end
      end
    end
    y[t] = affine(param "out_weight", mixed, param "out_bias")
  end
  return y
end

-- batch, time, dim, options, time of the second sequence
local attentions = {
  { 1, 1, 1, { 1 } },
  { 2, 5, 6, { 2 } },
  { 2, 5, 6, { 6, bias = false } },
  { 3, 4, 3, { 1, causal = true } },
  { 1, 1, 4, { 2, causal = true } },
  { 2, 70, 8, { 4, causal = true } }, -- several blocks
  { 2, 32, 4, { 2, causal = true } },
  { 2, 33, 4, { 2, causal = true, bias = false } },
  { 2, 3, 6, { 3 }, 5 },
  { 2, 5, 4, { 2, bias = false }, 1 },
}

local function attention_net(case)
  local _, time, dim, options, other = table.unpack(case)
  local o = { name = "y", table.unpack(options) }
  for key, value in pairs(options) do o[key] = value end
  local x = nn.input { time, dim, name = "x" }
  if other then table.insert(o, 1, nn.input { other, dim, name = "source" }) end
  local net = nn.net { x:attention(o) }
  return lively(net)
end

local function attention_inputs(case)
  local batch, time, dim, _, other = table.unpack(case)
  return { lander.randn(batch, time, dim), other and lander.randn(batch, other, dim) }
end

function TestAttention.test_forward_head_by_head()
  for _, case in ipairs(attentions) do
    local net, inputs = attention_net(case), attention_inputs(case)
    local expected = {}
    for b = 1, case[1] do
      expected[b] = naive_attention(net, case[4], inputs[1][b]:totable(),
        (inputs[2] or inputs[1])[b]:totable())
    end
    assert_near(net:forward(inputs), expected, net:text())
  end
end

function TestAttention.test_gradients()
  for _, case in ipairs(attentions) do
    assert_gradients(attention_net(case), attention_inputs(case), 25)
  end
end

function TestAttention.test_causal_steps_do_not_see_the_future()
  local case = { 1, 40, 4, { 2, causal = true } }
  local net = attention_net(case)
  local x = lander.randn(1, 40, 4)
  local y = net:forward(x):clone()
  x[1]:narrow(1, 21, 20):normal_(0, 1)
  local z = net:forward(x)
  support.same_bits(z:narrow(2, 1, 20):contiguous(), y:narrow(2, 1, 20):contiguous())
  lu.assertTrue((z[1][21] - y[1][21]):abs():max() > 0)
end

function TestAttention.test_threads_and_repetition_do_not_change_a_bit()
  for _, case in ipairs { { 5, 40, 32, { 4, causal = true } }, { 3, 20, 48, { 8 }, 30 } } do
    local net, inputs = attention_net(case), attention_inputs(case)
    local dy = net:forward(inputs):clone():normal_(0, 1)
    local before, first = lander.threads(), nil
    for _, threads in ipairs { 1, 2, 3, 3 } do
      lander.threads(threads)
      local found = { net:forward(inputs):clone() }
      net:backward(dy)
      for i = 1, #net.params do found[#found + 1] = net.params[i].grad:clone() end
      first = first or found
      for i = 1, #found do support.same_bits(found[i], first[i]) end
    end
    lander.threads(before)
  end
end

function TestAttention.test_large_scores_are_no_trouble_and_nan_travels()
  local net = nn.net { nn.input { 3, 2 }, nn.attention { 1 } }
  local x = lander.full(1e4, 1, 3, 2)
  lu.assertEquals(net:forward(x):isfinite():sum(), 6)
  x:set(0 / 0, 1, 2, 1)
  lu.assertEquals(net:forward(x):isfinite():sum(), 0)
end

function TestAttention.test_bad_shapes_and_options_have_words()
  fails("attention: 6 numbers a step can't be divided into 4 heads", nn.net,
    { nn.input { 3, 6 }, nn.attention { 4 } })
  fails("attention needs an input of 2 dimensions, (time, dim), got (6)", nn.net,
    { nn.input { 6 }, nn.attention { 2 } })
  local x = nn.input { 3, 6 }
  fails("must have the same dim, got (3, 6) and (3, 4)", nn.net,
    { x:attention { nn.input { 3, 4 }, 2 } })
  fails("causal is for one sequence", nn.net,
    { x:attention { nn.input { 3, 6 }, 2, causal = true } })
  fails("'heads' must be", nn.attention, { 0 })
end


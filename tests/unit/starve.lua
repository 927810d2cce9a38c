-- starve.lua: every function of the binding, called once, for test_starve.c, which lets
-- memory end at each allocation in turn.
--
-- Returns a function (lander, folder) -> a list of { name, prepare, call }: what prepare()
-- returns is what call(...) gets, again and again until it does not lack memory; what call
-- returns is compared with that of a state that never lacked any. So a call that failed must
-- have changed nothing.

local function build(lander, folder)
  local core, nn = lander.core, lander.nn
  local cases = {}

  local function case(name, prepare, call)
    cases[#cases + 1] = { name, prepare, call }
  end

  local function matrix() return lander.tensor { { 3, 1, 2 }, { 6, 5, 4 } } end

  -- ---- tensors: those that a method makes of one ----

  local function methods(prepare, list)
    for _, entry in ipairs(list) do
      local name = entry[1]
      case("t:" .. name, prepare, function(t) return t[name](t, table.unpack(entry, 2)), t end)
    end
  end

  methods(matrix, {
    { "abs" }, { "exp" }, { "floor" }, { "isfinite" }, { "log" }, { "neg" }, { "relu" },
    { "sigmoid" }, { "sign" }, { "sqrt" }, { "tanh" }, { "add", 1 }, { "sub", 1 }, { "mul", 2 },
    { "div", 2 },
    { "pow", 2 }, { "maximum", 3 }, { "minimum", 3 }, { "eq", 3 }, { "ne", 3 }, { "lt", 3 },
    { "le", 3 }, { "gt", 3 }, { "ge", 3 }, { "clamp", 2, 5 },
    { "abs_" }, { "exp_" }, { "floor_" }, { "isfinite_" }, { "log_" }, { "neg_" }, { "relu_" },
    { "sigmoid_" }, { "sign_" }, { "sqrt_" }, { "tanh_" }, { "add_", 1 }, { "sub_", 1 },
    { "mul_", 2 }, { "div_", 2 }, { "pow_", 2 }, { "maximum_", 3 }, { "minimum_", 3 }, { "eq_", 3 },
    { "ne_", 3 }, { "lt_", 3 }, { "le_", 3 }, { "gt_", 3 }, { "ge_", 3 }, { "clamp_", 2, 5 },
    { "fill_", 7 }, { "zero_" }, { "set", 9, 1, 2 }, { "get", 1, 2 },
    { "all" }, { "any" }, { "argmax", 2 }, { "argmin", 2 }, { "max", 2 }, { "min", 2 },
    { "mean", 1 }, { "norm", 1 }, { "prod", 1 }, { "std", 1 }, { "sum", 1 }, { "var", 1 },
    { "clone" }, { "contiguous" }, { "is_contiguous" }, { "dim" }, { "numel" }, { "size" },
    { "stride" }, { "totable" }, { "expand", 4, 2, 3 }, { "narrow", 2, 1, 2 }, { "permute", 2, 1 },
    { "reshape", 3, 2 }, { "view", 6 }, { "select", 1, 2 }, { "split", 1 }, { "squeeze" },
    { "unsqueeze", 1 }, { "t" }, { "transpose", 1, 2 }, { "sort", 2, true }, { "topk", 2 },
  })
  case("t:item", function() return lander.tensor(5) end, function(t) return t:item() end)
  case("copies of views", function() return matrix():t() end, function(t)
    return t:contiguous(), t:reshape(6), tostring(t), t:sum()
  end)
  case("t:uniform_", matrix, function(t) lander.seed(3) return t:uniform_(0, 1) end)
  case("t:normal_", matrix, function(t) lander.seed(3) return t:normal_(0, 1) end)

  local function two() return matrix(), lander.tensor { { 1, 2, 3 }, { 4, 5, 6 } } end
  for _, name in ipairs { "add_", "copy_", "dot", "allclose", "cat" } do
    case("t:" .. name .. "(u)", two, function(t, u) return t[name](t, u), t end)
  end
  case("t:mm", two, function(t, u) return t:mm(u:t()) end)
  case("t:bmm", two, function(t, u) return t:view(1, 2, 3):bmm(u:view(1, 3, 2)) end)
  case("t:where", two, function(t, u) return t:gt(2):where(t, u), lander.where(t:gt(2), t, u) end)
  case("t:gather", matrix, function(t) return t:gather(2, lander.tensor { { 2 }, { 1 } }) end)
  case("t:index_select", matrix, function(t) return t:index_select(2, { 3, 1 }) end)
  case("operators", two, function(t, u)
    return t + u, t - 1, 2 * t, t / u, t ^ 2, -t, #t, tostring(t), t[1], t[2][3]
  end)
  case("t[i] = x", two, function(t, u) t[1] = u[2] t[2] = 0 t[1][2] = 8 return t end)

  case("making tensors", nil, function()
    return lander.zeros(2, 3), lander.ones { 2 }, lander.full(2, 3), lander.arange(1, 9, 2),
      lander.eye(3), lander.tensor { 1, 2 }, lander.cat(lander.ones(2), lander.zeros(1)),
      lander.stack { lander.ones(2), lander.zeros(2) }
  end)
  case("t:__close", nil, function()
    local t <close> = lander.ones(2)
    return t:sum()
  end)
  case("random tensors", nil, function()
    lander.seed(5)
    return lander.rand(2, 2), lander.randn(3), core.seed()
  end)
  case("files of tensors", matrix, function(t)
    lander.save_npy(folder .. "/t.npy", t)
    t:save_npy(folder .. "/u.npy")
    return lander.load_npy(folder .. "/t.npy"), lander.load_npy(folder .. "/u.npy")
  end)

  -- ---- the state and the system ----

  case("the state", nil, function()
    local config = lander.config()
    core.stop(true)
    local stopped = core.stopped()
    core.stop(false)
    core.warn "a warning"
    core.inform "a fact"
    return config.version, lander.threads(2), lander.threads(1), lander.threads(), stopped,
      core.clock() > 0, #core.date() > 0, core.tensor_bytes() >= 0, core.has_path_hook()
  end)
  case("the system", nil, function()
    core.make_dir(folder .. "/new/er")
    local names = core.list_dir(folder .. "/new")
    return names, core.list_dir(folder .. "/none"), core.remove_file(folder .. "/none"),
      core.remove_orphan(folder .. "/none", 1)
  end)
  case("files", nil, function()
    local path = folder .. "/text"
    core.write_file(path, "one")
    local f = assert(core.append_file(path))
    f:write ", two"
    f:close()
    core.claim_file(path)
    return core.read_file(path), core.read_file(path, 3), core.file_size(path)
  end)
  case("what is built in", nil, function()
    return #core.model_names(), #core.source_text "models/mlp.lua",
      core.source_text "none" == nil, type(core.load_source "models/mlp.lua"),
      core.load_source "none" == nil, type(require "models.mlp")
  end)
  case("descriptions", nil, function()
    local found = {}
    for i, kind in ipairs { "layer", "solver", "schedule", "filler" } do
      found[i] = #core.describe(kind)
    end
    return found,
      core.layer_options("conv", { outputs = 2, kernel = { 3, 5 }, weight_filler = "msra" })
  end)

  -- ---- nets ----

  local TEXT = "x = input () shape=1,4,4\nc = conv (x) outputs=2 kernel=3\nr = relu (c)\n"
    .. "s = slice (r) parts=2\nf = linear (s:1) outputs=3\n"
  local LOSS = "label = label ()\nloss = softmax_loss (f, label)\n"

  local function net() return core.net_build(TEXT .. LOSS, 1) end
  local function batch()
    lander.seed(1)
    return lander.rand(2, 1, 4, 4), lander.tensor { 1, 3 }
  end
  local function net_and_batch()
    local n = net()
    return n, batch()
  end
  local function weights(n)
    local list = {}
    for name, p in pairs(n.params) do
      list[#list + 1] = ("%s %a"):format(name, p.data:sum())
    end
    return list
  end

  case("core.net_build", nil, function() return weights(net()) end)
  case("core.net_append", function() return core.net_build(TEXT, 1) end, function(n)
    if not n:has_loss() then core.net_append(n, LOSS) end -- half a call may have appended
    return n:text(), n:has_loss()
  end)
  case("net:forward, :loss, :backward", net_and_batch, function(n, x, y)
    n:train_phase():want_input_gradient(true)
    local loss = n:loss(x, y)
    n:backward()
    return loss, n:forward(x), n.params["c.weight"].grad
  end)
  case("net:predict", net_and_batch, function(n, x)
    local y = n:test_phase():predict(x)
    return y, n:phase(), n.c.output -- which is worked out again
  end)
  case("net:note", net_and_batch, function(n)
    return n:note "a text":note(), n:note(nil):note()
  end)
  case("core.net_features", net_and_batch, function(n, x) return core.net_features(n, "c", x) end)
  case("the layers of a net", net_and_batch, function(n, x, y)
    n:keep(true)
    n:time(false)
    n:loss(x, y)
    n:backward()
    local layer = n:layer "c"
    return layer.output, layer.gradient, n.s.output, #n:layers(), tostring(layer), n:labels(),
      n:output_name(), n:chance()
  end)
  case("the parameters of a net", net, function(n)
    local p = n.params["c.bias"]
    p.lr_mult = 2
    p.frozen = true
    return #n.params, n.params[1].name, p.lr_mult, tostring(p), n:text()
  end)
  case("net:reset", net, function(n) return weights(n:reset(7)) end)
  case("files of nets", net, function(n)
    n:save(folder .. "/net.npz")
    return weights(lander.load(folder .. "/net.npz")), core.is_snapshot(folder .. "/net.npz")
  end)
  case("net:__close", nil, function()
    local n <close> = net()
    return #n.params
  end)
  case("nn.define", nil, function()
    nn.define("twice", {
      params = function() return { gain = { 1, filler = "constant" } } end,
      forward = function(self, x) return x * 2 + self.params.gain:sum() end,
      backward = function(_, _, _, dy) return dy * 2, { gain = lander.tensor { dy:sum() } } end,
    })
    local n = nn.net { nn.input { 3 }, nn.linear { 2 }, nn.twice {} }
    local y = n:forward(lander.ones(1, 3))
    n:backward(lander.ones(1, 2))
    return y:size(), n.params[1].grad:sum()
  end)

  -- ---- solvers ----

  local function solver(options)
    local n = net()
    local default = { base_lr = 0.1, momentum = 0.9, lr_policy = "step", gamma = 0.5, stepsize = 2 }
    return lander.solver(n, options or default), n, batch()
  end
  for _, kind in ipairs(core.describe "solver") do
    local options = { type = kind.name, base_lr = 0.01 }
    case("a step of " .. kind.name, function() return solver(options) end, function(s, n, x, y)
      if s.iter == 0 then
        local ok, message = pcall(s.step, s, x, y)
        if not ok then error(s.iter == 0 and message or "a step that failed was counted", 0) end
      end
      return s.iter, weights(n), s.loss
    end)
  end
  case("lander.solver", net, function(n) return tostring(lander.solver(n, { base_lr = 0.1 })) end)
  case("what a solver knows", solver, function(s)
    return s:lr(), s:rate_at(5), s.base_lr, s:options(), tostring(s), s:losses(), s:check()
  end)
  case("options of a solver", solver, function(s)
    s.base_lr = 0.5
    s.lr_policy = function(t) return 1 / (t + 1) end
    return s:lr(), s:rate_at(3)
  end)
  case("solver:baseline, :scale_history", solver, function(s)
    s:baseline { 1, 1.1, chance = 1.5 }
    return s:scale_history(0.5).iter
  end)
  case("solver:probe", solver, function(s, _, x, y) return s:probe(x, y) end)
  case("solver:checkpoint", solver, function(s, n)
    local before <close> = s:checkpoint()
    s:checkpoint(before)
    s:return_to(before)
    return before.iter, tostring(before), weights(n)
  end)
  case("solver:snapshot", solver, function(s, n)
    s:snapshot(folder .. "/s.npz", "a note")
    return s:restore(folder .. "/s.npz"), weights(n), core.is_snapshot(folder .. "/s.npz")
  end)
  case("solver:__close", net, function(n)
    local s <close> = lander.solver(n, { base_lr = 0.1 })
    return s.iter
  end)

  -- ---- data ----

  local function dataset()
    local x, y = lander.arange(1, 18):view(3, 1, 2, 3), lander.tensor { 2, 1, 2 }
    return lander.data.tensors(x, y, { classes = 2 })
  end
  local function first(d)
    if not d then return "nothing" end
    local x, y = d:get(1)
    return #d, x, y
  end
  -- Readers give nil and a message; here memory is the only reason.
  local function read(reader, ...)
    local d, message = reader(...)
    if not d then error(message, 0) end
    return first(d)
  end

  case("core.data_tensors", nil, function()
    return read(core.data_tensors, lander.ones(2, 3), lander.tensor { 1, 2 }, { classes = 2 })
  end)
  case("core.data_idx", function()
    local images, labels = folder .. "/images", folder .. "/labels"
    local f <close> = assert(io.open(images, "wb"))
    local g <close> = assert(io.open(labels, "wb"))
    f:write((">I4I4I4I4"):pack(0x803, 2, 1, 3), "abcdef")
    g:write((">I4I4"):pack(0x801, 2), "\0\1")
    return images, labels
  end, function(images, labels) return read(core.data_idx, images, labels, {}) end)
  case("core.data_cifar10", function()
    local path = folder .. "/cifar"
    local f <close> = assert(io.open(path, "wb"))
    f:write(("\3" .. ("x"):rep(3072)):rep(2))
    return path
  end, function(path) return read(core.data_cifar10, { path }, { limit = 1 }) end)
  case("core.data_csv", function()
    local path = folder .. "/csv"
    local f <close> = assert(io.open(path, "w"))
    f:write "a,b,c\n1,2,3\n4,5,6\n"
    return path
  end, function(path)
    return read(core.data_csv, path, nil, "c", {}), read(core.data_csv, path, nil, nil, {}),
      read(core.data_csv, path, nil, "c", { read_y = false })
  end)
  case("core.data_csv of words", function()
    local path, rows = folder .. "/words", { "a,b" }
    for i = 1, 40 do rows[i + 1] = ("%d,w%d"):format(i, i % 20) end
    local f <close> = assert(io.open(path, "w"))
    f:write(table.concat(rows, "\n"))
    return path
  end, function(path)
    return read(core.data_csv, path, nil, "b", {}), read(core.data_csv, path, "a", "b", {},
      { "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "w13",
        "w14", "w15", "w16", "w17", "w18", "w19" })
  end)
  case("core.data_npy", function()
    matrix():save_npy(folder .. "/x.npy")
    lander.tensor({ 0, 1 }):save_npy(folder .. "/y.npy")
  end, function()
    return read(core.data_npy, folder .. "/x.npy", folder .. "/y.npy", { classes = 2 })
  end)
  case("core.data_npz", function() net():save(folder .. "/data.npz") end, function()
    return read(core.data_npz, folder .. "/data.npz", "c.weight", "c.bias", {})
  end)
  case("core.image_encode, _save, _load, core.data_images", function()
    core.make_dir(folder .. "/pictures/one")
    return lander.rand(3, 4, 5)
  end, function(t)
    local path = folder .. "/pictures/one/a.png"
    core.image_save(t, path, 0, 1)
    local length = #core.image_encode(t, 0, 1)
    local picture, message = core.image_load(path, 0)
    if not picture then
      if not message:find "not installed" then error(message, 0) end
      return length
    end
    return length, read(core.data_images, folder .. "/pictures", nil, {})
  end)
  case("datasets", dataset, function(d)
    local a, b = d:split(1)
    local part <close> = d:subset(2, 3)
    local other <close> = d:shuffle(2)
    if not d:class_names() then d:name_classes { "cat", "dog" } end
    local x, y = d:batches({ size = #d }):next()
    core.take_places(core.data_tensors(x, y), d, true)
    return #a, #b, #part, other[1], d:shape(), d:target_shape(), d:class_names(), d:columns(),
      d:targets(), d:place(2),
      tostring(d), d[2], d.classes
  end)
  case("batches", dataset, function(d)
    local b <close> = d:batches { size = 2, shuffle = true, seed = 3 }
    local x, y = b:next()
    local sums = {}
    for u in b:seek(0) do sums[#sums + 1] = u:sum() end
    return x, y, b:position(), b:samples(), b:shape(), sums
  end)
  return cases
end

-- ---- which functions there are ----

local function walk(value, path, seen, visit)
  local kind = type(value)
  if value == nil or seen[value] then return end
  if kind ~= "function" and kind ~= "table" and kind ~= "userdata" then return end
  seen[value] = true
  if kind == "function" then
    visit(value, path)
    for i = 1, math.huge do
      local name, inner = debug.getupvalue(value, i)
      if not name then break end
      walk(inner, path .. "^" .. name, seen, visit)
    end
  elseif kind == "table" then
    for key, inner in next, value do
      walk(inner, path .. "." .. tostring(key), seen, visit)
      walk(key, path .. ".key", seen, visit)
    end
  end
  walk(debug.getmetatable(value), path .. ".metatable", seen, visit)
end

local function is_c(f) return debug.getinfo(f, "S").what == "C" end

-- Calls all cases, and returns the C functions of the module that none of them has called:
-- those that can be reached now and were not `before`.
local function not_called(lander, cases, before)
  local called = {}
  for _, entry in ipairs(cases) do
    local given = table.pack((entry[2] or function() end)())
    debug.sethook(function() called[debug.getinfo(2, "f").func] = true end, "c")
    entry[3](table.unpack(given, 1, given.n))
    debug.sethook()
  end
  local names = {}
  walk(lander, "lander", before, function(f, path)
    -- finalizers are not seen by hooks
    if is_c(f) and not called[f] and not path:find "__gc$" then names[#names + 1] = path end
  end)
  table.sort(names)
  return table.concat(names, "\n")
end

local function everything()
  local seen = {}
  walk(debug.getregistry(), "", seen, function() end)
  return seen
end

-- ---- values as text, every bit of them ----

local function show(value)
  local kind = type(value)
  if math.type(value) == "float" then return ("%a"):format(value) end
  if kind == "userdata" and value.totable then return "tensor " .. show(value:totable()) end
  if kind ~= "table" then return tostring(value) end
  local parts = {}
  for key, inner in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. show(inner) end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function show_all(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = show((select(i, ...))) end
  return table.concat(parts, "; ")
end

return { build = build, everything = everything, not_called = not_called, show = show_all }

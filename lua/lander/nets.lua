-- nets.lua: the methods of nets that are policy: looking at one, copying, weights from files.
local lander = ...
local core = lander.core
local methods = core.net_methods

local function at_user(f)
  return function(...) return (core.at_user(f, ...)) end
end

-- ---- looking ----

-- Lines of columns that are no wider than `width`, where one is given: the last ones are left out.
local function lines_within(rows, width)
  local right = { [4] = true, [5] = true, [6] = true }
  for columns = #rows[1], 4, -1 do
    local cut = {}
    for i, row in ipairs(rows) do cut[i] = table.move(row, 1, columns, 1, {}) end
    local lines = core.columns(cut, right)
    if not width or #lines[1] <= width or columns == 4 then return lines end
  end
end

-- The layers as a table of text, with totals. bytes: the output of one sample. `width`: of the
-- window that it has to fit in; without it, or where that is wide enough, all columns.
function methods.summary(net, width)
  local rows = { { "layer", "type", "output", "parameters", "multiply-adds", "bytes" } }
  local parameters, multiply_adds, bytes = 0, 0, 0
  local real_size = lander.config().real == "double" and 8 or 4
  for _, info in ipairs(net:layers()) do
    local size = real_size
    for _, n in ipairs(info.size) do size = size * n end
    rows[#rows + 1] = {
      info.name, info.type, core.size_text(info.size),
      info.parameters > 0 and core.count_text(info.parameters) or "",
      info.multiply_adds > 0 and core.count_text(info.multiply_adds) or "",
      core.count_text(size),
    }
    parameters = parameters + info.parameters
    multiply_adds = multiply_adds + info.multiply_adds
    bytes = bytes + size
  end
  rows[#rows + 1] = {
    "total", "", "", core.count_text(parameters), core.count_text(multiply_adds),
    core.count_text(bytes),
  }
  local lines = lines_within(rows, math.type(width) and width or nil)
  local rule = ("-"):rep(#lines[1])
  table.insert(lines, 2, rule)
  table.insert(lines, #lines, rule)
  return table.concat(lines, "\n")
end

core.net_metatable.__tostring = function(net) return methods.summary(net) end

-- The graph in the language of Graphviz: dot -Tsvg net.dot -o net.svg
function methods.to_dot(net)
  local lines = { "digraph net {", "  rankdir = BT", "  node [shape = box]" }
  for _, info in ipairs(net:layers()) do
    lines[#lines + 1] = ("  %q [label = \"%s\\n%s %s\"]"):format(info.name, info.name, info.type,
      core.size_text(info.size))
    for _, input in ipairs(info.inputs) do
      lines[#lines + 1] = ("  %q -> %q"):format(input, info.name)
    end
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end

-- The output of the layer of that name for x, in the test phase: a copy, to be kept.
methods.features = at_user(function(net, name, ...)
  local names, found = {}, false
  for i, info in ipairs(net:layers()) do
    names[i] = info.name
    found = found or info.name == name
  end
  if not found then
    error(("features: there is no layer '%s'%s"):format(tostring(name),
      core.did_you_mean(tostring(name), names)), 0)
  end
  return core.net_features(net, name, ...):clone()
end)

-- ---- copies and weights ----

-- Another net with the same layers and the same values of the parameters.
function methods.clone(net)
  local copy = core.net_build(net:text(), 1)
  for i = 1, #net.params do copy.params[i].data:copy_(net.params[i].data) end
  if net:phase() == "test" then copy:test_phase() end
  copy:note(net:note())
  return copy
end

local function same_size(a, b)
  if a:dim() ~= b:dim() then return false end
  for d = 1, a:dim() do
    if a:size(d) ~= b:size(d) then return false end
  end
  return true
end

-- What a saved net has for this one, by name.
local function compare(net, saved)
  local report = { matched = {}, missing = {}, shape = {}, unused = {} }
  for name, param in pairs(net.params) do
    local from = saved.params[name]
    if not from then
      table.insert(report.missing, name)
    elseif same_size(param.data, from.data) then
      table.insert(report.matched, name)
    else
      table.insert(report.shape, ("%s (there %s, here %s)"):format(name,
        core.size_text(from.data:size()), core.size_text(param.data:size())))
    end
  end
  for name in pairs(saved.params) do
    if not net.params[name] then table.insert(report.unused, name) end
  end
  return report
end

local function list(title, names)
  return #names > 0 and ("; %s: %s"):format(title, table.concat(names, ", ")) or ""
end

-- net:load_weights(path[, { partial = true }]): values of the parameters from a saved net, by
-- name. Without partial all of this net's must be there, in their shapes, and nothing is
-- changed when they are not. Returns a report: matched, missing, shape (another one there) and
-- unused (there, but not here), lists of names; print(report) says it in a line.
methods.load_weights = at_user(function(net, path, options)
  local wrong = core.check_options("load_weights", options or {}, { partial = "boolean" })
  if wrong then error(wrong, 0) end
  local saved = lander.load(path)
  local report = compare(net, saved)
  local text = ("weights from %s: %d of %d parameters"):format(path, #report.matched, #net.params)
    .. list("missing", report.missing) .. list("of another shape", report.shape)
    .. list("unused", report.unused)
  local whole = #report.missing == 0 and #report.shape == 0
  if not whole and not (options and options.partial) then
    error(text .. ". To take what there is: { partial = true }", 0)
  elseif #report.matched == 0 then
    error(("%s: no parameter there has a name and shape of this net's"):format(path), 0)
  end
  for _, name in ipairs(report.matched) do
    net.params[name].data:copy_(saved.params[name].data)
  end
  return setmetatable(report, { __tostring = function() return text end })
end)

-- regression.lua: how far a net's numbers are from their targets: the mean absolute error and R2,
-- column by column, in the units that the data have outside.
local lander = ...
local core = lander.core

local losses = { mse_loss = true, l1_loss = true, huber_loss = true }

-- How many numbers the net's output has, where its loss compares numbers; else nil.
local function outputs_of(net)
  local size, compares
  for _, info in ipairs(net:layers()) do
    if info.name == net:output_name() then size = info.size end
    compares = compares or losses[info.type]
  end
  return compares and size and core.product(size) or nil
end

local Regression = {}
Regression.__index = Regression

-- What the net says of the data is to be compared with their targets; nil: it is none of numbers.
function core.new_regression(net, d)
  local columns = core.product(d:target_shape())
  if d.classes > 0 or outputs_of(net) ~= columns then return nil end
  local by = core.about_data(d).normalize
  return setmetatable({ columns = columns, count = 0, names = d:targets(),
    by = by and by.y_std and by or nil, absolute = {}, residues = {}, sums = {}, squares = {} },
    Regression)
end

local function add_up(list, rows)
  local row = rows:sum(1)
  for i = 1, row:numel() do list[i] = (list[i] or 0) + row[i] end
end

-- A batch of outputs and of targets. Targets are summed from the first batch's mean on, which may
-- be far from 0.
function Regression:add(output, y)
  local n = y:size(1)
  output, y = output:contiguous():view(n, -1), y:contiguous():view(n, -1)
  self.origin = self.origin or y:mean(1)
  local off, from = output - y, y - self.origin
  add_up(self.absolute, off:abs())
  add_up(self.residues, off * off)
  add_up(self.sums, from)
  add_up(self.squares, from * from)
  self.count = self.count + n
end

-- R2 of a column: 1 - (squares of the errors) / (squares of the distances from the mean); nil where
-- all targets are the same.
local function r2_of(self, i)
  local spread = self.squares[i] - self.sums[i] ^ 2 / self.count
  return spread > 1e-9 * self.squares[i] and 1 - self.residues[i] / spread or nil
end

local function mean(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return #list > 0 and sum / #list or nil
end

-- { mae =, r2 =, columns = { { name =, mae =, r2 = }, ... } }: mae and r2 are the means over the
-- columns.
function Regression:result()
  local columns, maes, r2s = {}, {}, {}
  for i = 1, self.columns do
    local unit = self.by and self.by.y_std[#self.by.y_std == self.columns and i or 1] or 1
    local column = { name = self.names and self.names[i], r2 = r2_of(self, i),
                     mae = self.absolute[i] / self.count * unit }
    columns[i], maes[i], r2s[#r2s + 1] = column, column.mae, column.r2
  end
  return { mae = mean(maes), r2 = mean(r2s), columns = columns }
end

-- An amount as people write it: 43,210 or 0.1234.
function core.amount_text(x)
  local size = math.abs(x)
  if not (size >= 1000 and size < 1e15) then return core.number_text(x) end
  return (x < 0 and "-" or "") .. core.count_text(math.floor(size + 0.5))
end

local MOST_TOLD = 4 -- columns one by one

local function r2_text(r2)
  return r2 and (", R2 %s"):format(r2 > -1000 and core.share_text(r2) or core.number_text(r2)) or ""
end

-- mean absolute error 4,321 (price), R2 0.9931; of several columns each by itself.
function core.regression_text(result)
  if #result.columns > MOST_TOLD then
    return ("mean absolute error %s over %d targets%s"):format(core.amount_text(result.mae),
      #result.columns, r2_text(result.r2))
  end
  local parts = {}
  for i, column in ipairs(result.columns) do
    local name = column.name and core.harmless_word(column.name)
      or #result.columns > 1 and "target " .. i
    parts[i] = ("mean absolute error %s%s%s"):format(core.amount_text(column.mae),
      name and (" (%s)"):format(name) or "", r2_text(column.r2))
  end
  return table.concat(parts, ", ")
end

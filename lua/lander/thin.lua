-- thin.lua: the rows of a long run, as many as a picture shows: of each bucket of rows that follow
-- each other the first, the one of the lowest loss, that of the highest, and the last; where the
-- rate makes steps, the rows at both sides of each. What is no row of a training stays, whole, and
-- no bucket has rows of two attempts, nor any that are finite beside others.
local lander = ...
local core = lander.core

local BUCKETS = 4000   -- about: several for each column of pixels
local LEAST = 8        -- rows in one: of fewer there is little to leave out
local MOST_STEPS = 4   -- of the rate in one; where there are more it goes on and on
local ROW_BYTES = 64   -- about, of a journal's line

local Thinner = {}
Thinner.__index = Thinner

-- give(item) takes the rows that are kept, in order; nil: so few need no thinner.
local function new_thinner(count, give)
  local size = count // BUCKETS
  return size >= LEAST and setmetatable({ size = size, give = give, count = 0 }, Thinner) or nil
end

-- The places that a bucket keeps, each with what is there.
local function kept_of(b)
  local items = { [b.first] = b.first_item, [b.last] = b.last_item }
  if b.low_at then items[b.low_at], items[b.high_at] = b.low_item, b.high_item end
  if #b.steps <= MOST_STEPS then
    for _, step in ipairs(b.steps) do items[step[1] - 1], items[step[1]] = step[2], step[3] end
  elseif b.rate_low_at then -- a journal's rates need not be numbers
    items[b.rate_low_at], items[b.rate_high_at] = b.rate_low_item, b.rate_high_item
  end
  return items
end

function Thinner:flush()
  local b = self.bucket
  self.bucket = nil
  if not b then return end
  local items = kept_of(b)
  for _, at in ipairs(core.sorted_numbers(items)) do self.give(items[at]) end
end

local function note_rate(b, at, item, rate)
  if #b.steps <= MOST_STEPS then b.steps[#b.steps + 1] = { at, b.last_item, item } end
  rate = tonumber(rate)
  if not rate then return end
  if rate < (b.rate_low or math.huge) then
    b.rate_low, b.rate_low_at, b.rate_low_item = rate, at, item
  end
  if rate > (b.rate_high or -math.huge) then
    b.rate_high, b.rate_high_at, b.rate_high_item = rate, at, item
  end
end

-- One row: any item that stands for it, its loss (nil: none, or not finite), rate (or its text) and
-- attempt.
function Thinner:add(item, loss, rate, attempt)
  local b, at = self.bucket, self.count + 1
  self.count = at
  if not b or b.full == at or b.attempt ~= attempt or b.finite ~= (loss ~= nil) then
    self:flush()
    b = { first = at, first_item = item, full = at + self.size, attempt = attempt, rate = rate,
          finite = loss ~= nil, low = math.huge, high = -math.huge, steps = {} }
    self.bucket = b
  end
  if loss and loss < b.low then b.low, b.low_at, b.low_item = loss, at, item end
  if loss and loss > b.high then b.high, b.high_at, b.high_item = loss, at, item end
  if rate ~= b.rate then
    note_rate(b, at, item, rate)
    b.rate = rate
  end
  b.last, b.last_item = at, item
end

-- ---- of a run's history ----

local function finite(x)
  return type(x) == "number" and core.is_finite(x) and x or nil
end

-- A list of rows, thinned where it is long; and how many rows of a training it has.
function core.thinned_rows(rows)
  local kept = {}
  local function give(row) kept[#kept + 1] = row end
  local thinner = new_thinner(#rows, give)
  if not thinner then return rows end
  for _, row in ipairs(rows) do
    if row.event == "train" then
      thinner:add(row, finite(row.loss), row.rate, row.attempt)
    else
      thinner:flush()
      give(row)
    end
  end
  thinner:flush()
  return kept, thinner.count
end

-- ---- of a journal ----

-- A row as record in loop.lua writes it; the last capture is where the next line begins.
local ROW = '^{"event":"train","attempt":(%d+),"iter":%d+,"loss":(%-?%d[%d.eE+-]*),'
  .. '"rate":(%-?%d[%d.eE+-]*)}\n()'

local function add_line(thinner, line, give)
  local row = core.read_event(line)
  if not row then return end
  if row.event == "train" then return thinner:add(line, finite(row.loss), row.rate, row.attempt) end
  thinner:flush()
  give(line)
end

-- Calls give(line) with the lines of a journal's text that are kept. Rows are read where they
-- stand: there may be a million. Returns how many there are; nil where there are too few for that.
function core.thin_journal(text, give)
  local function give_line(item) -- or where it begins
    give(type(item) == "string" and item or text:match("[^\n]+", item))
  end
  local thinner, at = new_thinner(#text // ROW_BYTES, give_line), 1
  while thinner and at <= #text do
    local attempt, loss, rate, behind = text:match(ROW, at)
    loss = loss and tonumber(loss)
    if loss then
      thinner:add(at, loss, rate, attempt)
    else
      behind = (text:find("\n", at, true) or #text) + 1
      add_line(thinner, text:sub(at, behind - 1):gsub("\n$", ""), give_line)
    end
    at = behind
  end
  if thinner then thinner:flush() end
  return thinner and thinner.count
end

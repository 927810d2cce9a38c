-- Long runs: which of their rows pages and plots look at.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core = lander.core

local N, CHANGE, BORDER = 80000, 30001, 50000

-- A run of 80,000 rows: a rate that makes a step within a bucket, a divergence and a retry, one
-- very low loss and a very high one, some that are not finite.
local function history()
  local rows, events = {}, {
    { event = "diverged", attempt = 1, iter = BORDER + 1, loss = 77, rule = "R3" },
    { event = "retry", attempt = 2, iter = BORDER + 1, back_to = BORDER - 500 },
  }
  for i = 1, N do
    rows[i] = { event = "train", attempt = i <= BORDER and 1 or 2,
      iter = i <= BORDER and i or i - 500, loss = 2 + (i * 7919 % 1009) / 1009,
      rate = i < CHANGE and 0.1 or 0.01 }
  end
  rows[12345].loss, rows[23456].loss = 0.5, 9.5
  for i = 60001, 60100 do rows[i].loss, rows[i].loss_is = nil, "nan" end
  return { history = rows, events = events }
end

-- The same as a journal writes it.
local function write_journal(run)
  local lines = {}
  for i, row in ipairs(run.history) do
    lines[#lines + 1] = ('{"event":"train","attempt":%d,"iter":%d,"loss":%s,"rate":%s}'):format(
      row.attempt, row.iter, row.loss or 'null,"loss_is":"nan"', row.rate)
    if i == BORDER then
      for _, event in ipairs(run.events) do lines[#lines + 1] = core.json(event, true) end
    end
  end
  return support.write(support.folder() .. "/x.jsonl", table.concat(lines, "\n") .. "\n{\"torn")
end

local function is_row(attempt, iter)
  return function(row)
    return row.event == "train" and row.attempt == attempt and row.iter == iter
  end
end

local function has(rows, is)
  for _, row in ipairs(rows) do
    if is(row) then return true end
  end
  return false
end

local function check(rows, count)
  lu.assertEquals(count, N)
  lu.assertTrue(#rows > 8000 and #rows < 24000, #rows)
  for iter in ("1 12345 23456 30000 30001 50000"):gmatch "%d+" do
    lu.assertTrue(has(rows, is_row(1, tonumber(iter))), iter)
  end
  for iter in ("49501 59500 59501 59600 59601 79500"):gmatch "%d+" do
    lu.assertTrue(has(rows, is_row(2, tonumber(iter))), iter)
  end
  for _, event in ipairs { "diverged", "retry" } do
    lu.assertTrue(has(rows, function(row) return row.event == event end), event)
  end
  local last = 0
  for _, row in ipairs(rows) do
    if row.event == "train" and row.attempt == 1 then
      lu.assertTrue(row.iter > last)
      last = row.iter
    end
  end
end

TestThin = {}

function TestThin.test_a_history()
  check(core.run_rows(history(), true))
  lu.assertEquals(#core.run_rows(history()), N + 2)
end

function TestThin.test_a_journal()
  local path = write_journal(history())
  check(core.run_rows(path, true))
  lu.assertEquals(#core.run_rows(path), N + 2)
end

-- Of a rate that changes all the time no row is there for that alone, but its turns are.
function TestThin.test_a_rate_that_always_changes()
  local run = history()
  for i, row in ipairs(run.history) do row.rate = 1 + (i % 10) / 10 end
  local rows, count = core.run_rows(run, true)
  lu.assertEquals(count, N)
  lu.assertTrue(#rows < 28000, #rows)
  local low, high = math.huge, 0
  for _, row in ipairs(rows) do
    low, high = math.min(low, row.rate or low), math.max(high, row.rate or high)
  end
  lu.assertEquals({ low, high }, { 1, 1.9 })
end

function TestThin.test_a_short_run_stays_whole()
  local run = { history = {}, events = {} }
  for i = 1, 30000 do
    run.history[i] = { event = "train", attempt = 1, iter = i, loss = 1, rate = 1 }
  end
  local rows, count = core.run_rows(run, true)
  lu.assertEquals({ #rows, count }, { 30000, nil })
end

-- A page tells how many rows there are, and has the divergence; what is smoothed needs all.
function TestThin.test_pages_and_plots()
  local path = write_journal(history())
  local to = support.folder() .. "/x.html"
  lander.report(path, { to = to })
  local s = support.read(to)
  lu.assertStrContains(s, "Rows of the curves (400 of 80,000)")
  lu.assertStrContains(s, "diverged at 50001")
  local rows = history()
  for _, row in ipairs(rows.history) do row.loss, row.loss_is = row.iter, nil end
  local smooth = core.plot_curves({ rows }, { what = "loss", smooth = 1000 })
  lu.assertEquals(#smooth[1].stretches[2].x, N - 500)
end

-- Rates that are no numbers, and no two alike.
function TestThin.test_rates_of_another_kind()
  local lines = {}
  for i = 1, 50000 do
    lines[i] = ('{"event":"train","attempt":1,"iter":%d,"loss":1.5,"rate":"%s"}'):format(i,
      i % 2 == 0 and "a" or "b")
  end
  local path = support.write(support.folder() .. "/x.jsonl", table.concat(lines, "\n"))
  local rows, count = core.run_rows(path, true)
  lu.assertEquals({ count, rows[1].iter, rows[#rows].iter }, { 50000, 1, 50000 })
end

-- How many rows there are without those that were made again, nobody counts.
function TestThin.test_rows_that_were_made_again()
  local lines = {}
  for i = 1, 40000 do
    lines[i] = ('{"event":"train","attempt":1,"iter":%d,"loss":1.5,"rate":0.1}'):format(i)
  end
  lines[#lines + 1] = '{"event":"start","resumed":true,"iter":10000}'
  for i = 10001, 40000 do lines[#lines + 1] = lines[i] end
  local path = support.write(support.folder() .. "/x.jsonl", table.concat(lines, "\n"))
  local page = path .. ".html"
  lander.report(path, { to = page })
  lu.assertStrContains(support.read(page), "Rows of the curves (400)")
end

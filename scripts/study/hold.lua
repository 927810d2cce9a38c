-- hold.lua: part C of the study: any rate from 0.1 to 1000 ends "finished", with an accuracy
-- that is no disgrace, on XOR, a spiral of three arms and LeNet on a few pictures.
local tasks, rows, recover = require "tasks", require "rows", require "recover"

local hold = {}

local rates = { 0.1, 1, 10, 100, 1000 }
-- Accuracies that are expected, nine tenths of what the best fixed rate reaches (all, on XOR),
-- and the batch size.
local expected = { { "xor", 1, 8 }, { "spiral", 0.88, 8 }, { "lenet", 0.68, 8 } }

function hold.run(file, opt)
  local list = {}
  for _, what in ipairs(expected) do
    local task = tasks.make(what[1], opt)
    for _, rate in ipairs(rates) do
      for seed = 1, opt.hold_seeds do
        local row = recover.get(file, task, { task = what[1], type = "sgd",
          policy = "fixed", batch = what[3],
          rate = rate, seed = seed }, opt)
        row.expected = what[2]
        list[#list + 1] = row
      end
    end
  end
  return list
end

local function line(list, name, rate)
  local all, finished, fine, retries, scores = 0, 0, 0, 0, {}
  for _, row in ipairs(list) do
    if row.task == name and row.rate == rate then
      all = all + 1
      if row.status == "finished" then finished = finished + 1 end
      if row.score >= row.expected then fine = fine + 1 end
      retries = retries + row.retries
      scores[#scores + 1] = row.score
    end
  end
  table.sort(scores)
  return { name, ("%g"):format(rate), ("%d of %d"):format(finished, all),
           ("%.1f"):format(retries / all), ("%d of %d"):format(fine, all),
           ("%.3f"):format(scores[1]), ("%.3f"):format(scores[(#scores + 1) // 2]) }
end

function hold.report(list)
  local shown = { { "task", "rate", "finished", "mean retries", "expected accuracy reached",
                    "lowest", "median" } }
  for _, what in ipairs(expected) do
    for _, rate in ipairs(rates) do shown[#shown + 1] = line(list, what[1], rate) end
  end
  rows.print(shown)
  local none = true
  for _, row in ipairs(list) do
    if row.score < row.expected then
      print(("- %s: %s, accuracy %.3f, %d retries, base_lr %g (%s)"):format(row.key, row.status,
        row.score, row.retries, row.base_lr, table.concat(row.tries, "; ")))
      none = false
    end
  end
  if not none then print() end
end

return hold

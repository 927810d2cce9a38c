-- run_log.lua: <prefix>.log, a run in the lines of Caffe's log, so that the tools that people
-- have for it (parse_log.py, parse_log.sh, plots) read ours. As in Caffe, a line "Iteration t"
-- belongs to the update number t, from 0; tests are of the net after t updates.
--
--   I1125 17:48:56.012345     1 solver.cpp:239] Iteration 100, loss = 0.512
local lander = ...
local core = lander.core

local Log = {}
Log.__index = Log

-- The log at `path`; without a path nothing is written.
function core.open_log(path, continued)
  local log = setmetatable({}, Log)
  if path then
    local file, message = core.append_file(path, not continued)
    if not file then error(("can't write the log: %s"):format(message), 0) end
    log.file, log.path = file, path
  end
  return log
end

-- A log that can't be written any more, on a full disk, ends: the journal tells about that.
function Log:line(place, text, ...)
  if not self.file then return end
  local date, micros = core.date()
  local head = ("I%s.%06d     1 %s] "):format(date, micros, place)
  if not self.file:write(head .. text:format(...) .. "\n") then self:close() end
end

-- A number as Caffe prints one, and its parsers read it.
local function number(x)
  if core.is_finite(x) then return (("%.6g"):format(x):gsub(",", ".")) end
  return core.number_text(x)
end

function Log:start(name)
  self:line("solver.cpp:279", "Solving %s", name)
end

function Log:iteration(t, loss, rate)
  self:line("solver.cpp:239", "Iteration %d, loss = %s", t, number(loss))
  self:line("solver.cpp:255", "    Train net output #0: loss = %s (* 1 = %s loss)", number(loss),
    number(loss))
  self:line("sgd_solver.cpp:106", "Iteration %d, lr = %s", t, number(rate))
end

function Log:test(iter, loss, accuracy)
  self:line("solver.cpp:337", "Iteration %d, Testing net (#0)", iter)
  local at = 0
  if accuracy then
    self:line("solver.cpp:404", "    Test net output #0: accuracy = %s", number(accuracy))
    at = 1
  end
  self:line("solver.cpp:404", "    Test net output #%d: loss = %s (* 1 = %s loss)", at,
    number(loss), number(loss))
end

function Log:snapshot(path)
  self:line("solver.cpp:454", "Snapshotting to binary file %s", path)
end

-- What Caffe has no line for: divergence and retries.
function Log:say(text)
  self:line("lander:1", "%s", text)
end

function Log:finish(iter, loss)
  if loss then self:line("solver.cpp:317", "Iteration %d, loss = %s", iter, number(loss)) end
  self:line("solver.cpp:325", "Optimization Done.")
end

function Log:close()
  if self.file then self.file:close() end
  self.file = nil
end

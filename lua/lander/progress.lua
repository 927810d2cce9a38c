-- progress.lua: what a run shows while it works: one live line on a terminal, plain lines
-- into a file or a pipe, nothing where a host gives us no place for it.
local lander = ...
local core = lander.core

-- Shows one line. `live`: it takes the place of the live line before it.
-- The command has put core.progress here, or a host its log; a stock lua5.4 has io. There are names
-- from files in it.
local function show(text, live)
  text = core.harmless(text)
  if core.progress then
    core.progress(text, live)
  elseif rawget(_G, "io") and not live then
    io.stderr:write(text, "\n")
  end
end

-- Results and help, to the standard output.
function core.print(text)
  if rawget(_G, "io") then
    io.write(text)
  elseif rawget(_G, "print") then
    print((text:gsub("\n$", "")))
  end
end

local function duration(seconds)
  if not (seconds >= 0 and seconds < 360000) then return "-" end
  local s = math.floor(seconds + 0.5)
  if s < 60 then return ("%ds"):format(s) end
  if s < 3600 then return ("%dm%02ds"):format(s // 60, s % 60) end
  return ("%dh%02dm"):format(s // 3600, s % 3600 // 60)
end

local Progress = {}
Progress.__index = Progress

local TRIAL_LINES = 3 -- of a trial, where nobody says how many
local LATELY = 5      -- seconds, at least, that a speed is of

-- `every`: iterations between two plain lines (0: none); `total`: where it ends, math.maxinteger
-- when that is not known; `seconds`: until a time limit, or nil; `quiet`: nothing at all.
function core.new_progress(options)
  return setmetatable({
    every = options.every, total = options.total, batch = options.batch,
    seconds = options.seconds,
    quiet = options.quiet, live = core.is_terminal and core.is_terminal() or false,
    shown = 0, attempt = "",
  }, Progress)
end

function Progress:say(text)
  if not self.quiet then show(text, false) end
end

-- The clock starts anew: at iteration `iter`; `attempt`: which one it is, behind each line.
function Progress:start(iter, attempt)
  self.began, self.waited = core.clock(), 0
  self.older = { spent = 0, iter = iter }
  self.newer = self.older
  self.attempt = attempt and "  " .. attempt or ""
end

-- The lines of an attempt, which may be the trial of a rate (rate_search.lua), begin.
function core.progress_begins(t)
  local text = t.attempt > 1 and ("attempt %d"):format(t.attempt) or nil
  if t.search then
    text = ("%s, trial at base_lr %s"):format(text, core.number_text(t.run.base_lr))
  end
  t.progress.every = t.display
  if t.search and t.options.display == nil then
    t.progress.every = math.ceil(t.search.length / TRIAL_LINES / t.display) * t.display
  end
  t.progress:start(t.solver.iter, text)
end

-- Time that goes to tests and snapshots is not the training's.
function Progress:pause()
  self.pause_began = core.clock()
end

function Progress:continue()
  self.waited = self.waited + core.clock() - self.pause_began
end

-- Seconds until the last iteration or the time limit, whichever comes first.
function Progress:left(iter, speed)
  local left = (self.total - iter) / math.max(speed, 1e-9)
  return math.min(left, self.seconds and self.seconds - (core.clock() - self.began) or left)
end

-- Iterations a second, of late: a run that was suspended soon tells its speed again.
function Progress:speed(iter)
  local spent = core.clock() - self.began - self.waited
  if spent - self.newer.spent >= LATELY and iter > self.newer.iter then
    self.older, self.newer = self.newer, { spent = spent, iter = iter }
  end
  return (iter - self.older.iter) / math.max(spent - self.older.spent, 1e-9)
end

function Progress:line(iter, loss, rate)
  local speed = self:speed(iter)
  local total = self.total < math.maxinteger and ("/%d"):format(self.total) or ""
  return ("%d%s  loss %s  rate %s  %s samples/s  %s left%s"):format(iter, total,
    core.number_text(loss), core.number_text(rate),
    core.count_text(math.floor(speed * self.batch + 0.5)),
    duration(self:left(iter, speed)), self.attempt)
end

-- The status line now, for who asked (SIGUSR1).
function Progress:status()
  if self.iter then show(self:line(self.iter, self.loss, self.rate), false) end
end

-- After every iteration; draws the live line ten times a second.
function Progress:iteration(iter, loss, rate)
  self.iter, self.loss, self.rate = iter, loss, rate
  if self.quiet then return end
  if self.live then
    local now = core.clock()
    if now - self.shown >= 0.1 or iter == self.total then
      self.shown = now
      show(self:line(iter, loss, rate), true)
    end
  elseif self.every > 0 and (iter % self.every == 0 or iter == self.total) then
    show(self:line(iter, loss, rate), false)
  end
end

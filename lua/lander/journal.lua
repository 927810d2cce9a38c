-- journal.lua: a run's journal: JSON, one object a line, one line an event.
local lander = ...
local core = lander.core

local Journal = {}
Journal.__index = Journal

-- Whether there is such a file; false where the host refuses it.
function core.file_exists(path)
  return core.file_size(path) ~= nil -- asks the host, as every opening of a file does
end

-- Whether the file's last line has no end: a run was killed while it wrote it.
local function is_torn(path)
  local last = core.read_file(path, 1)
  return last ~= nil and last ~= "" and last ~= "\n"
end

-- Opens the journal at `path`, or one that goes nowhere without a path; raises a plain message
-- when it can't be. `exact`: numbers read back with the same bits.
function core.open_journal(path, continued, exact)
  local journal = setmetatable({ exact = exact }, Journal)
  if path then
    local torn = continued and is_torn(path)
    local file, message = core.append_file(path, not continued)
    if not file then error(("can't write the journal: %s"):format(message), 0) end
    journal.file, journal.path = file, path
    if torn then file:write "\n" end
  end
  return journal
end

-- Goes on behind a line that could not be written, when there is room again.
local function reopen(journal)
  local torn = is_torn(journal.path)
  journal.file = core.append_file(journal.path)
  if journal.file and torn then journal.file:write "\n" end
end

-- Writes one event; whether it is there now. A full disk is no reason to stop a training: the
-- first failure is returned too, and each later event tries anew.
function Journal:write(event)
  if not self.path then return false end
  if not self.file then reopen(self) end
  if not self.file then return false end
  local ok, message = self.file:write(core.json(event, self.exact) .. "\n")
  if ok then return true end
  self:close()
  message, self.failed = not self.failed and message or nil, true
  return false, message
end

function Journal:close()
  if self.file then self.file:close() end
  self.file = nil
end

-- A row as record in loop.lua writes it, at once: a long run has a million of them. nil: it is
-- something else.
local function read_row(line)
  local attempt, iter, loss, rate = line:match('^{"event":"train","attempt":(%d+),"iter":(%d+),'
    .. '"loss":(%-?%d[%d.eE+-]*),"rate":(%-?%d[%d.eE+-]*)}$')
  loss, rate = tonumber(loss), tonumber(rate)
  return loss and rate and { event = "train", attempt = tonumber(attempt), iter = tonumber(iter),
                             loss = loss, rate = rate }
end

-- The event of a line; nil where it is no JSON: it was torn when a run was killed.
function core.read_event(line)
  local event, ok = read_row(line), true
  if not event then ok, event = pcall(core.read_json, line) end
  return ok and type(event) == "table" and event or nil
end

-- The events of a journal, in order; nil when there is no such file. thinned: of many rows those
-- that a picture shows (thin.lua); how many there are is returned too.
function core.read_journal(path, thinned)
  local whole = core.read_file(path)
  if not whole then return nil end
  local events = {}
  local function add(line) events[#events + 1] = core.read_event(line) end
  local count = thinned and core.thin_journal(whole, add)
  if not count then
    for line in whole:gmatch "[^\n]+" do add(line) end
  end
  return events, count or nil
end

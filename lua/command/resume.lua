-- resume.lua: lander resume RUN: the same script again, with the same words, from the newest
-- snapshot of the run. The journal knows what the script was.
local lander = ...
local core = lander.core

local function script_of(prefix)
  local words
  local journal = core.read_journal(prefix .. ".jsonl")
  if not journal then
    error(("there is no journal '%s.jsonl' (lander.train writes <snapshot_prefix>.jsonl)"):format(
      prefix), 0)
  end
  for _, event in ipairs(journal) do
    if event.event == "start" and type(event.command) == "table" then words = event.command end
  end
  if not words then
    error(("%s.jsonl does not say what script this run is of: start that again, with resume = "
      .. "\"latest\" in its lander.train"):format(prefix), 0)
  end
  return words
end

return {
  usage = "resume RUN", help = "goes on with a run (runs/lenet): its script again, from its newest "
    .. "snapshot",
  least = 1, most = 1,
  run = function(opt)
    local prefix = core.commands.prefix_of(opt[1])
    local words = script_of(prefix)
    core.resume_prefix = prefix
    core.print("lander " .. table.concat(words, " ") .. "\n")
    return core.run_words(words)
  end,
}

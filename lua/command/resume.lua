-- resume.lua: lander resume RUN: the same script again, with the same words, from the newest
-- snapshot of the run. The journal knows what the script was.
local lander = ...
local core = lander.core

-- The words that started the run, and how it ended: nil, where it was cut off.
local function read_run(prefix)
  local words, status
  for _, event in ipairs(core.read_journal(core.commands.journal_of(prefix))) do
    if event.event == "start" and type(event.command) == "table" then words = event.command end
    if event.event == "start" or event.event == "end" then status = event.status end
  end
  if not words then
    core.exit(2, ("%s.jsonl does not say what script this run is of: start that again, with resume "
      .. "= \"latest\" in its lander.train"):format(prefix))
  end
  return words, status
end

-- Without a snapshot it would begin anew, and write over what is finished.
local function check_snapshot(prefix, words, status)
  if core.find_resume("latest", prefix) then return end
  if status == "diverged" then
    core.exit(2, ("%s diverged and has no snapshot to go on from: it would do so again. Start it "
      .. "with a lower base_lr, or with retries"):format(prefix))
  elseif status ~= "finished" then
    return
  end
  core.exit(2, ("%s is finished and has no snapshot to go on from (%s would have kept one). To "
    .. "train its net further: %s train %s.npz"):format(prefix, core.commands.find(words[1])
    and "--snapshot=100" or "snapshot = 100", core.program or "lander", prefix))
end

-- The words of before with those of now, which stand for what they say again.
local function joined(before, now)
  local said, words = {}, {}
  for _, word in ipairs(now) do said[word:match "^%-%-([^=]+)=" or ""] = true end
  for _, word in ipairs(before) do
    if not said[word:match "^%-%-([^=]+)="] then words[#words + 1] = word end
  end
  return table.move(now, 1, #now, #words + 1, words)
end

return {
  usage = "resume RUN [OPTIONS]", help = "goes on with a run (runs/lenet): its script again, from "
    .. "its newest snapshot",
  more = "OPTIONS are the script's (or train's): they come behind those that it was started with.\n"
    .. "example: lander resume runs/train_mlp --max_iter=2000",
  least = 1, most = math.huge, passes_on = true,
  run = function(opt)
    local prefix = core.commands.prefix_of(opt[1])
    local words, status = read_run(prefix)
    check_snapshot(prefix, words, status)
    words = joined(words, { table.unpack(opt, 2) })
    core.resume_prefix = prefix
    core.write_error(core.shell_words { core.program or "lander", table.unpack(words) } .. "\n")
    return core.run_words(words)
  end,
}

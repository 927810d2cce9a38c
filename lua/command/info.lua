-- info.lua: lander info FILE: what a saved net or a snapshot holds.
local lander = ...
local core = lander.core

local function show_run(path)
  local last
  for _, event in ipairs(core.run_rows(path)) do
    if event.event == "end" or event.event == "snapshot" or event.event == "train" then
      last = event
    end
  end
  if not last then return ("%s: a journal without iterations"):format(path) end
  return ("%s: %s at iteration %s, loss %s, accuracy %s"):format(path,
    last.status or "running or cut off", last.iter, core.number_text(last.loss),
    core.number_text(last.accuracy))
end

local function show_net(path)
  local kind = core.is_snapshot(path) and "a snapshot (resume = goes on with it)"
    or "a saved net (lander.load reads it)"
  return ("%s: %s\n%s"):format(path, kind, lander.load(path):summary())
end

local function check(path)
  if core.commands.is_model(path) then
    core.exit(2, ("%s is a model, no file: lander summary %s shows its layers, lander help %s "
      .. "tells about it"):format(path, path, path))
  end
  core.commands.check_file(path)
  if not (path:find "%.npz$" or path:find "%.jsonl$") then
    core.exit(2, ("%s: info is for saved nets and snapshots (.npz) and journals (.jsonl)"):format(
      path))
  end
end

return {
  usage = "info FILE ...", help = "what a saved net, a snapshot or a journal (.jsonl) holds",
  least = 1, most = math.huge,
  run = function(opt)
    for _, path in ipairs(opt) do check(path) end
    for _, path in ipairs(opt) do
      core.print((path:find "%.jsonl$" and show_run or show_net)(path) .. "\n")
    end
  end,
}

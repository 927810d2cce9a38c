-- plot.lua: lander plot RUN...: the curves of runs.
local lander = ...
local core = lander.core

local command = {
  usage = "plot RUN ... [--what=loss]", help = "draws the curves of runs (runs/lenet) in the "
    .. "terminal, or to a file",
  least = 1, most = math.huge,
  defaults = { what = "loss", to = "", log = false, smooth = 1, title = "" },
  examples = { to = "lenet.svg" },
  about = {
    what = "loss, test_loss, accuracy or rate, several with commas",
    to = "a file: .svg for a picture, .txt for text", log = "a logarithmic axis",
    smooth = "rows that are averaged", title = "above the picture",
  },
  more = "example: lander plot runs/lenet --what=loss,test_loss --to=lenet.svg",
}

function command.run(opt)
  core.commands.check_count("smooth", opt.smooth)
  local things, what = core.commands.journals_of(opt), {}
  for word in opt.what:gmatch "[^,]+" do what[#what + 1] = word end
  if #what == 0 then core.exit(2, "--what has no value: loss, test_loss, accuracy or rate") end
  things[#things + 1] = {
    what = what, log = opt.log or nil, smooth = opt.smooth > 1 and opt.smooth or nil,
    to = opt.to ~= "" and opt.to or nil, title = opt.title ~= "" and opt.title or nil,
  }
  local path = lander.plot(table.unpack(things))
  if path then core.print(core.harmless_word(path) .. "\n") end
end

return command

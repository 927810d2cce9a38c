-- report.lua: lander report RUN...: a page about a run, or one that compares several.
local lander = ...
local core = lander.core

local command = {
  usage = "report RUN ... [--to=x.html]", help = "a page about a run (runs/lenet), or one that "
    .. "compares several",
  least = 1, most = math.huge,
  defaults = { to = "report.html", net = "", data = "", title = "" },
  about = {
    to = "the page", net = "of one run: a saved net, which is tested on the data",
    data = core.commands.datasets.own_about, title = "the page's heading",
  },
  more = core.commands.datasets.more
    .. "\n\nexample: lander report runs/a runs/b --to=compare.html",
}

function command.run(opt)
  local things = {}
  for i, run in ipairs(opt) do things[i] = core.commands.journal_of(run) end
  things[#things + 1] = { to = opt.to, title = opt.title ~= "" and opt.title or nil }
  if opt.net ~= "" then
    local net = core.commands.open_net(opt.net)
    things[#things].net = net
    things[#things].data = core.commands.datasets.open_for(net, opt.net, opt.data, "")
  end
  core.print(lander.report(table.unpack(things)) .. "\n")
end

return command

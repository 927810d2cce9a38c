-- report.lua: lander report RUN...: a page about a run, or one that compares several.
local lander = ...
local core = lander.core

local command = {
  usage = "report RUN ... [--to=x.html]", help = "a page about a run (runs/lenet), or one that "
    .. "compares several",
  least = 1, most = math.huge,
  defaults = { to = "", net = "", data = "", title = "" },
  examples = { to = "page.html", net = "runs/lenet.npz", data = core.commands.datasets.example },
  about = {
    to = "the page (report.html, with a number where that is there)",
    net = "of one run: a saved net, which is tested on the data",
    data = core.commands.datasets.own_about, title = "the page's heading",
  },
  more = core.commands.datasets.more
    .. "\n\nexample: lander report runs/a runs/b --to=compare.html",
}

-- A page that isn't there yet: none is written over unasked.
local function free_page()
  local path, number = "report.html", 1
  while core.file_exists(path) do
    number = number + 1
    path = ("report_%d.html"):format(number)
  end
  return path
end

-- What the page's name must be, before anything is read.
local function check_page(opt)
  if opt.to == "" or opt.to:lower():find "%.html?$" then return end
  core.exit(2, ("--to=%s must end in .html: it is a page"):format(opt.to))
end

local function check_net(opt)
  if opt.net == "" and opt.data ~= "" then
    core.exit(2, "--data is what the net is tested on: give --net=NET.npz too")
  elseif opt.net ~= "" and #opt > 1 then
    core.exit(2, "--net belongs to one run, found several")
  end
end

function command.run(opt)
  check_page(opt)
  check_net(opt)
  local things = core.commands.journals_of(opt)
  things[#things + 1] = { to = opt.to ~= "" and opt.to or free_page(),
                          title = opt.title ~= "" and opt.title or nil }
  if opt.net ~= "" then
    local net = core.commands.open_trained(opt.net)
    things[#things].net = net
    things[#things].data = core.commands.datasets.open_for(net, opt.net, opt.data, "")
  end
  core.print(core.harmless_word(lander.report(table.unpack(things))) .. "\n")
end

return command

-- summary.lua: lander summary MODEL: the layers of a net.
local lander = ...
local core = lander.core

return {
  usage = "summary MODEL", help = "the layers of a model or a saved net, their sizes and costs",
  first_words = core.model_names, least = 1, most = 1,
  defaults = { dot = false },
  about = { dot = "the graph in the language of Graphviz instead" },
  run = function(opt)
    local net = core.commands.open_net(opt[1])
    core.print((opt.dot and net:to_dot() or net:summary(core.window(1))) .. "\n")
  end,
}

-- time.lua: lander time MODEL: where the time of a training step goes.
local lander = ...
local core = lander.core

return {
  usage = "time MODEL [--batch=N]", help = "the time of each layer's forward and backward pass",
  least = 1, most = 1,
  defaults = { batch = 64, seconds = 2.0, threads = 0 },
  about = { batch = "samples", seconds = "how long it measures",
            threads = "how many; 0: one for each processor" },
  run = function(opt)
    if opt.threads > 0 then lander.threads(opt.threads) end
    local net = core.commands.open_net(opt[1])
    core.print(tostring(lander.time(net, opt.batch, opt.seconds)) .. "\n")
  end,
}

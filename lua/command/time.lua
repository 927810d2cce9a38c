-- time.lua: lander time MODEL: where the time of a training step goes.
local lander = ...
local core = lander.core

return {
  usage = "time MODEL [--batch=N]", help = "the time of each layer's forward and backward pass",
  first_words = core.model_names, least = 1, most = 1,
  defaults = { batch = 64, seconds = 2.0, threads = 0 },
  examples = { threads = 2 },
  about = { batch = "samples", seconds = "how long it measures",
            threads = "how many; 0: one for each processor" },
  run = function(opt)
    core.commands.check_count("batch", opt.batch)
    if not (opt.seconds > 0 and core.is_finite(opt.seconds)) then
      core.exit(2, ("--seconds must be a number above 0, found %s"):format(core.number_text(
        opt.seconds)))
    elseif math.type(opt.threads) ~= "integer" or opt.threads < 0 then
      core.exit(2, ("--threads must be a whole number from 0, found %s"):format(core.number_text(
        opt.threads)))
    end
    if opt.threads > 0 then core.as_usage("time", lander.threads, opt.threads) end
    local net = core.commands.open_net(opt[1])
    core.print(tostring(lander.time(net, opt.batch, opt.seconds)) .. "\n")
  end,
}

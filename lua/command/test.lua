-- test.lua: lander test NET: loss and accuracy of a saved net.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "test NET.npz [--data=DATA]", help = "loss and accuracy of a saved net on data",
  least = 1, most = 1,
  defaults = { data = "fashion_mnist", part = "", batch_size = 100 },
  about = { data = datasets.about, part = datasets.part_about, batch_size = "samples at a time" },
  more = datasets.more .. "\n\nexample: lander test runs/lenet.npz --data=csv:new.csv,y=kind",
}

function command.run(opt)
  local net, data = core.commands.open_net(opt[1]), datasets.open_part(opt.data, opt.part)
  local result = lander.test(net, data, { batch_size = opt.batch_size })
  core.print(("loss %s%s, %s samples\n"):format(core.number_text(result.loss), result.accuracy
    and (", accuracy %.4f"):format(result.accuracy) or "", core.count_text(result.samples)))
end

return command

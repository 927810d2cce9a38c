-- test.lua: lander test NET: loss and accuracy of a saved net.
local lander = ...
local core = lander.core

local command = {
  usage = "test NET.npz [--data=DATA]", help = "loss and accuracy of a saved net on the test data",
  least = 1, most = 1,
  defaults = { data = "fashion_mnist", batch_size = 100 },
  about = { data = core.commands.data_about, batch_size = "samples at a time" },
  more = "example: lander test runs/lenet.npz",
}

function command.run(opt)
  local net, data = core.commands.open_net(opt[1]), core.commands.open_data(opt.data)
  local result = lander.test(net, data.test or data.train, { batch_size = opt.batch_size })
  core.print(("loss %s%s, %s samples\n"):format(core.number_text(result.loss), result.accuracy
    and (", accuracy %.4f"):format(result.accuracy) or "", core.count_text(result.samples)))
end

return command

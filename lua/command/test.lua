-- test.lua: lander test NET: loss and accuracy of a saved net.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "test NET.npz [--data=DATA]",
  help = "loss and accuracy (of numbers, mean error and R2) of a saved net on data",
  least = 1, most = 1,
  defaults = { data = "", part = "", batch_size = 100 },
  examples = { data = datasets.example, part = "train" },
  about = { data = datasets.own_about, part = datasets.part_about,
            batch_size = "samples at a time" },
  more = "Without --data: what the net was trained on, the part that the training tested on.\n"
    .. datasets.more .. "\n\nexample: lander test runs/train_mlp.npz --data=csv:new.csv",
}

function command.run(opt)
  core.commands.check_count("batch_size", opt.batch_size)
  local net = core.commands.open_trained(opt[1])
  local data = datasets.open_for(net, opt[1], opt.data, opt.part)
  local result = lander.test(net, data, { batch_size = opt.batch_size })
  core.print(("loss %s%s, %s samples\n"):format(core.number_text(result.loss), result.accuracy
    and ", accuracy " .. core.share_text(result.accuracy) or result.regression
    and ", " .. core.regression_text(result.regression) or "", core.count_text(result.samples)))
end

return command

-- demo.lua: what Lander is for. LeNet learns Fashion-MNIST, from a rate that is far too
-- high: the training diverges, and starts again at a tenth until a rate works; then it looks
-- whether a lower one works better. Less than a minute on two cores; `make demo` runs it.
local lander = require "lander"
local opt = lander.args { base_lr = 1, max_iter = 3500, batch_size = 64 }

io.stdout:setvbuf "line" -- in step with the progress, which goes to stderr
local function say(text, ...) io.write(text:format(...), "\n") end

local data = lander.data.fashion_mnist()
say("LeNet learns to tell clothes apart: %d pictures of Fashion-MNIST, 10 classes.", #data.train)
say("The rate is a guess: %g. Watch what happens.\n", opt.base_lr)

-- 60 epochs are enough for the small subset that stands in where the data are missing.
local max_iter = math.min(opt.max_iter, 60 * #data.train // opt.batch_size)
local net = require "models.lenet" { classes = 10 }

local run = lander.train {
  net = net, data = data.train, test_data = data.test, batch_size = opt.batch_size,
  solver = { type = "sgd", base_lr = opt.base_lr, momentum = 0.9, weight_decay = 0.0005,
             lr_policy = "step", gamma = 0.1, stepsize = 1000, max_iter = max_iter },
  display = 500, test_interval = 1000, snapshot = 1000, snapshot_prefix = "runs/demo",
  retry = { max = 5, factor = 0.1 },
}

if run.status ~= "finished" then
  say("\nThe run was %s at iteration %d.", run.status, run.iter)
  return
end

say("\n%d iterations at base_lr %g%s.", run.iter, run.base_lr,
  run.retries > 0 and (", found after %d tries that diverged"):format(run.retries) or "")
say("Test accuracy: %.4f, on %d pictures that it never saw.", run.accuracy, #data.test)

local classes = { "a T-shirt", "trousers", "a pullover", "a dress", "a coat", "a sandal",
                  "a shirt", "a sneaker", "a bag", "a boot" }
local x, truth = data.test:batches { size = 5 }:next()
local guess = net:predict(x):argmax(2)
for i = 1, 5 do
  say("  picture %d: %s (%s)", i, classes[guess[i] // 1],
    guess[i] == truth[i] and "right" or "no, " .. classes[truth[i] // 1])
end

say "\nFiles: runs/demo.npz (the net; numpy reads it too), runs/demo.jsonl (the journal)."
say "Next:  build/lander scripts/lenet_fashion.lua --help"

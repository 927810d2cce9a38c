-- How far off numbers are: the mean absolute error and R2, in the data's own units, at the end of a
-- training, of `lander test` and on the page.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core, nn = lander.core, lander.nn

TestRegression = {}
support.keep_status(TestRegression)

-- A net that gives out its input, with a loss.
local function same(columns, loss)
  local net = nn.net { seed = 1, nn.input { columns }, nn.linear { columns } }
  net.params["linear1.weight"].data:copy_(lander.eye(columns))
  net.params["linear1.bias"].data:zero_()
  core.ensure_loss(net, loss or "mse_loss")
  return net
end

local said = lander.tensor { 1, 2, 4, 9, 8 }
local is = lander.tensor { 2, 2, 3, 9, 12 }

-- By hand: errors 1 0 1 0 4, squares 18; the targets' mean 5.6, squares of distances 85.2.
function TestRegression.test_by_hand()
  for _, loss in ipairs { "mse_loss", "l1_loss", "huber_loss" } do
    local found = lander.test(same(1, loss), lander.data.tensors(said:view(5, 1), is),
      { batch_size = 2 }).regression
    lu.assertAlmostEquals({ found.mae, found.r2 }, { 6 / 5, 1 - 18 / 85.2 }, 1e-6)
    lu.assertEquals(core.regression_text(found), "mean absolute error 1.2, R2 0.7887")
  end
end

function TestRegression.test_several_columns()
  local x, y = lander.stack({ said, said * 1000 }, 2), lander.stack({ is, said * 1000 }, 2)
  local found = lander.test(same(2), lander.data.tensors(x, y)).regression
  lu.assertAlmostEquals({ found.columns[1].mae, found.columns[2].mae, found.mae }, { 1.2, 0, 0.6 },
    1e-6)
  lu.assertEquals(core.regression_text(found),
    "mean absolute error 1.2 (target 1), R2 0.7887, mean absolute error 0 (target 2), R2 1.0000")
  -- What is not all right is not said to be.
  for r2, text in pairs { [1] = "1.0000", [0.99999] = "0.99999", [0.9999999] = "0.9999999",
                          [0.99994] = "0.9999", [-2] = "-2.0000" } do
    lu.assertStrContains(core.regression_text { columns = { { mae = 1, r2 = r2 } } }, "R2 " .. text)
  end
  lu.assertEquals({ core.share_text(0.99997, "1"), core.share_text(1, "1") }, { "0.99997", "1" })
  x = lander.zeros(5, 6)
  lu.assertEquals(core.regression_text(lander.test(same(6), lander.data.tensors(x, x + 2000))
    .regression), "mean absolute error 2,000 over 6 targets") -- R2 of targets that are all the same
end

-- No target is the one from which the others are summed.
function TestRegression.test_a_first_target_that_is_far_off()
  local count, sum, squares, residues = 20000, 0, 0, 0
  local x, y = lander.zeros(count), lander.randn(count) + 10000
  y:set(0, 1)
  for i = 1, count do sum = sum + y:get(i) end
  for i = 1, count do
    squares = squares + (y:get(i) - sum / count) ^ 2
    residues = residues + (x:get(i) - y:get(i)) ^ 2
  end
  local found = lander.test(same(1), lander.data.tensors(x:view(count, 1), y)).regression
  lu.assertAlmostEquals(found.r2 / (1 - residues / squares), 1, 1e-6)
end

-- Where the target was normalised the error is in the units that it had.
function TestRegression.test_units()
  local path = support.write(support.folder() .. "/t.csv",
    "a,price\n1,1e6\n2,1.5e6\n3,3e6\n4,3.5e6\n5,7e6\n")
  local d, numbers = lander.data.csv(path, { y = "price" }):normalize()
  local net = same(1)
  net.params["linear1.weight"].data:zero_() -- it says the mean
  local found = lander.test(net, d).regression
  lu.assertAlmostEquals(found.mae, (2.2 + 1.7 + 0.2 + 0.3 + 3.8) / 5 * 1e6, 1)
  lu.assertAlmostEquals(found.r2, 0, 1e-5)
  lu.assertEquals({ found.columns[1].name, numbers.y_mean[1] }, { "price", 3.2e6 })
  lu.assertStrContains(core.regression_text(found), "mean absolute error 1,640,000 (price), R2 ")
end

function TestRegression.test_it_is_none()
  local x = lander.randn(6, 2)
  local classes = lander.data.tensors(x, lander.tensor { 1, 2, 1, 2, 1, 2 }, { classes = 2 })
  lu.assertNil(lander.test(same(2, "softmax_loss"), classes).regression)
  lu.assertNil(core.new_regression(same(2), lander.data.tensors(x, lander.zeros(6, 3))))
end

-- The run of a training, its journal and its page.
function TestRegression.test_a_training()
  local x = lander.randn(60, 2)
  local rows = { "a,b,sum <&>" }
  for i = 1, 60 do
    rows[i + 1] = ("%.4f,%.4f,%.1f"):format(x[i][1], x[i][2], 5e4 * (x[i][1] + x[i][2]))
  end
  local folder = support.folder()
  local path = support.write(folder .. "/t.csv", table.concat(rows, "\n"))
  local train, test = lander.data.csv(path, { y = 3 }):shuffle(1):split(40)
  local numbers
  train, numbers = train:normalize()
  local prefix = folder .. "/run"
  local run = lander.train { net = require "models.mlp" { 2, 8, 1 }, data = train, quiet = true,
    test_data = test:normalize(numbers), batch_size = 20, loss = "mse_loss", test_interval = 100,
    snapshot_prefix = prefix, solver = { base_lr = 0.05, momentum = 0.9, max_iter = 200 } }
  local found = run.regression
  lu.assertTrue(found.r2 > 0.95 and found.mae > 1 and found.mae < 1e4, core.show(found))
  lu.assertStrMatches(core.regression_text(found), "mean absolute error [%d,]+ %(sum <&>%), "
    .. "R2 [01]%.%d+")
  local journal = core.read_journal(prefix .. ".jsonl")
  local last
  for _, event in ipairs(journal) do last = event.event == "test" and event or last end
  lu.assertAlmostEquals({ last.mae, last.r2 }, { found.mae, found.r2 }, 1)
  local page = support.read(prefix .. ".html")
  lu.assertStrContains(page, "Of 20 test samples: " .. core.escape_xml(core.regression_text(found)))
  lu.assertStrContains(page, 'aria-label="predicted over true sum &lt;&amp;&gt;, 20 samples, from ')
  local points = 0
  for _ in page:gmatch('<circle cx="[%d.]+" cy="[%d.]+" r="3.4"><title>[^<]*, line %d+: '
    .. "predicted [%d,.-]+, true [%d,.-]+</title></circle>") do points = points + 1 end
  lu.assertEquals(points, 2 * 20) -- in a picture for wide windows and one for narrow ones
  lu.assertStrContains(page, "<dt>mean absolute error</dt><dd>" .. core.amount_text(found.mae))
  lu.assertStrContains(page, "Furthest off: sum &lt;&amp;&gt;")
end

-- The page about a run: what is in it, that it stands alone, and how it behaves in a browser.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core, fails = lander.core, support.fails
local nn = lander.nn

local function count(s, pattern)
  return select(2, s:gsub(pattern, ""))
end

-- Pictures of 6 x 6 with a bright half, upper or lower, some of them with the wrong label; every
-- number is made up here.
local function halves(n)
  local x, y = lander.zeros(n, 1, 6, 6), lander.zeros(n)
  for i = 1, n do
    local class = 1 + i % 2
    x:select(1, i):narrow(2, class == 1 and 1 or 4, 3):fill_(0.5 + (i * 7 % 11) / 22)
    y:set(i % 13 == 0 and 3 - class or class, i)
  end
  return lander.data.tensors(x, y, { classes = 2 }):name_classes { "upper <half>", "lower" }
end

-- A training that diverges at first, with everything that a page can show.
local function train(prefix, more)
  local options = {
    net = nn.net { nn.input { 1, 6, 6 }, nn.conv { 4, kernel = 3 }, nn.relu {}, nn.linear { 2 } },
    data = halves(64), test_data = halves(40), batch_size = 8, quiet = true, display = 2,
    solver = { base_lr = 1e4, momentum = 0.9, max_iter = 40, lr_policy = "step", gamma = 0.1,
               stepsize = 30 },
    test_interval = 10, snapshot_prefix = prefix, retry = { max = 9, min_scale = 1e-9 },
  }
  for key, value in pairs(more or {}) do options[key] = value end
  return lander.train(options)
end

local made -- one run for all tests: its prefix
local function prefix()
  if not made then
    made = support.folder() .. "/halves"
    local run = train(made)
    assert(run.status == "finished" and run.retries > 0, run.status)
  end
  return made
end

local function page() return support.read(prefix() .. ".html") end

TestReport = {}
support.keep_status(TestReport)

function TestReport.test_rates_that_were_compared()
  local path = support.folder() .. "/trials"
  local history = {}
  for attempt, rate in ipairs { 0.01, 0.01, 0.003, 0.001, 0.01 } do
    history[attempt] = { event = "train", iter = attempt == 5 and 400 or 100, loss = 0.5,
                         rate = rate, attempt = attempt }
  end
  local run = { history = history, events = {
    { event = "diverged", iter = 150, rule = "R3", loss = 77, value = 55, attempt = 1 },
    { event = "retry", iter = 150, back_to = 0, attempt = 2 },
    { event = "diverged", iter = 12, rule = "R1", loss_is = "inf", where = "conv1", attempt = 4 },
    { event = "trial", iter = 300, base_lr = 0.01, loss = 0.4375, is_best = true, back_to = 0,
      attempt = 3 },
    { event = "trial", iter = 300, base_lr = 0.003, loss = 0.5, is_best = false, back_to = 0,
      attempt = 4 },
    { event = "trial", iter = 12, base_lr = 0.001, is_best = false, back_to = 0, attempt = 5 } } }
  local s = support.read(lander.report(run, { to = path .. ".html" }))
  local told = {}
  for attempt in s:match(">Attempts</span>.-<tbody>(.-)</tbody>"):gmatch "<tr>(.-)</tr>" do
    told[#told + 1] = attempt:gsub("</t[dh]>", "|"):gsub("<[^>]*>", "")
  end
  lu.assertEquals(told, { "1|-|150|77|diverged (rule R3, median of the last 5: 55)|0|",
    "2|0.01|300|0.4375|trial, kept|0|", "3|0.003|300|0.5|trial, lost|0|",
    "4|0.001|12|inf|trial, diverged (rule R1, first in conv1)|0|", "5|-|400|0.5|no end yet|-|" })
  lu.assertStrContains(s, "Rule R1: the loss or an output was not finite. Rule R3: the loss")
  local rows = s:match ">Rows</span>.-<tbody>(.-)</tbody>"
  local said = {}
  for cell in rows:gmatch "<td>([^<]*)</td></tr>" do said[#said + 1] = cell end
  lu.assertEquals(said, { "diverged", "trial, kept", "trial, lost", "diverged", "" })
end

function TestReport.test_every_run_has_its_page()
  local s = page()
  for title in ("Curves,Attempts,Confusion matrix,Worst mistakes,First-layer filters,Net,"
    .. "Journal,Options"):gmatch "[^,]+" do
    lu.assertStrContains(s, (">%s</h2>"):format(title))
    lu.assertStrContains(s, (">%s</a></li>"):format(title))
  end
  lu.assertStrContains(s, "<title>halves</title>")
  lu.assertStrContains(s, "The run finished, after ")
  lu.assertEquals(count(s, "<svg"), 9) -- loss, accuracy and rate, wide, middle and narrow
  lu.assertStrContains(s, 'class="line diverged"')
  lu.assertTrue(#s < 200000)
end

function TestReport.test_it_stands_alone()
  local s = page():gsub('xmlns="http://www.w3.org/2000/svg"', "")
  lu.assertNil(s:find "https?:")
  lu.assertNil(s:find "<script")
  lu.assertNil(s:find "<link [^>]*href=\"[^d]")
  lu.assertNil(s:find "@import")
  lu.assertNil(s:find "url%(")
  lu.assertStrContains(s, "default-src 'none'")
end

-- A run that diverged for good, retries off: what was seen, what to do next, how it went; nothing
-- about a net that was not trained.
function TestReport.test_a_run_that_diverged_for_good()
  local where = support.folder() .. "/x"
  local run = train(where, { retry = false, test_initialization = true })
  lu.assertEquals({ run.status, run.iter }, { "diverged", 0 })
  local s = support.read(where .. ".html")
  lu.assertStrContains(s, '<p class="bad">The run diverged: retries are off.</p>')
  lu.assertStrMatches(s, ".*<p>It diverged at iteration %d+, at base_lr 1e%+04: loss .-rule R.*")
  lu.assertStrContains(s, "The net is what it was before the first update")
  lu.assertStrContains(s, "<p>Next: retry = true, which looks for a rate that works by itself; or "
    .. "a base_lr of 1000. ")
  lu.assertStrContains(s, 'class="line diverged"')
  lu.assertStrContains(s, ("<dt>iterations</dt><dd>%d</dd>"):format(
    support.events(run, "diverged")[1].iter))
  for _, word in ipairs { "Confusion", "Worst mistakes", "filters", "accuracy</dt>", ">Accuracy<",
                          ">Attempts</h2>" } do
    lu.assertNil(s:find(word, 1, true), word)
  end
  lu.assertStrContains(s, ">Net</h2>")
  lander.report(where .. ".jsonl", { to = where .. "2.html" })
  lu.assertStrContains(support.read(where .. "2.html"), "Next: retry = true")
  -- Of one that had learnt something its last good state is there to be looked at.
  run = train(where, { retry = false, solver = { base_lr = 0.01, max_iter = 400 },
    on_iter = function(e) if e.iter == 250 then e.solver.base_lr = 1e20 end end })
  lu.assertEquals({ run.status, run.iter }, { "diverged", 200 })
  s = support.read(where .. ".html")
  lu.assertStrContains(s, "The net is what it was at iteration 200, its last good state.")
  lu.assertStrContains(s, ">Confusion matrix</h2>")
end

-- A run may finish and have learnt nothing: the page says so, as the terminal does.
function TestReport.test_no_better_than_chance()
  local where = support.folder() .. "/x"
  train(where, { solver = { base_lr = 1e-9, max_iter = 120 } })
  local s = support.read(where .. ".html")
  lu.assertStrContains(s, '<p class="bad">The run finished, but not well.</p>')
  lu.assertStrMatches(s, ".*<p>The loss is no better than chance, %S+: nothing was learnt%..*")
  lu.assertNil(page():find("chance, ", 1, true))
end

-- Advice is told as it was on the terminal, a command as one; warnings too.
function TestReport.test_advice_and_warnings()
  local path = support.folder() .. "/x.html"
  lander.report({ history = {}, events = { { event = "start", iter = 0, attempt = 1 },
    { event = "warning", iter = 600, rule = "R5", value = 2.3, baseline = 2.302, distance = 0.01,
      reason = "rate too low", attempt = 1 },
    { event = "end", status = "diverged", iter = 0, attempt = 1, message = "retries are off",
      advice = "With <retries>:\nnext: ./lander train lenet" } } }, { to = path })
  local s = support.read(path)
  lu.assertStrContains(s, "<p>With &lt;retries&gt;:</p>"
    .. "<p>next: <code>./lander train lenet</code></p>")
  lu.assertStrContains(s, "<p>Warning: at iteration 600 the loss is 2.3, still at chance (2.302): "
    .. "rate too low, the weights have moved by 0.01 of their size (rule R5); a higher base_lr may "
    .. "help.</p>")
end

-- Every element that is opened is closed, in order.
function TestReport.test_it_is_well_formed()
  local empty = { meta = true, link = true, img = true, br = true }
  local open = {}
  local s = page():gsub("<style>.-</style>", ""):gsub("<!DOCTYPE html>", "")
  for slash, name, rest in s:gmatch "<(/?)(%a%w*)([^>]*)>" do
    if slash == "/" then
      lu.assertEquals(table.remove(open), name)
    elseif not empty[name] and rest:sub(-1) ~= "/" then
      open[#open + 1] = name
    end
  end
  lu.assertEquals(open, {})
  local ids = {}
  for id in s:gmatch ' id="([^"]*)"' do
    lu.assertNil(ids[id])
    ids[id] = true
  end
  for id in s:gmatch 'href="#([^"]*)"' do lu.assertTrue(ids[id], id) end
end

function TestReport.test_who_can_not_see_it()
  local s = page()
  lu.assertStrContains(s, '<html lang="en">')
  lu.assertEquals(count(s, "<h1>"), 1)
  for tag in s:gmatch "<img[^>]*>" do lu.assertStrMatches(tag, '.* alt="[^"]+".*', 1, #tag) end
  for tag in s:gmatch "<svg[^>]*>" do
    lu.assertStrMatches(tag, '.* role="img" aria%-label="[^"]+".*', 1, #tag)
  end
  for content in s:gmatch "<table.-</table>" do
    lu.assertEquals(count(content, "<caption[^>]*><span>[^<]"), 1)
    lu.assertEquals(count(content, "<th[ >]"), count(content, '<th scope="%a+"'))
    for row in content:match("<tbody>(.*)</tbody>"):gmatch "<tr>(.-)</tr>" do
      lu.assertEquals(count(row, '<th scope="row"'), 1)
    end
  end
end

-- Each sample is counted once, and the mistakes are those whose label is wrong.
function TestReport.test_the_matrix_is_right()
  local s = page()
  local net, data = lander.load(prefix() .. ".npz"), halves(40)
  local expected = { { 0, 0 }, { 0, 0 } }
  local wrong = 0
  for i = 1, #data do
    local x, y = data:get(i)
    local said = net:predict(x:unsqueeze(1)):argmax() // 1
    expected[y // 1][said] = expected[y // 1][said] + 1
    if said ~= y then wrong = wrong + 1 end
  end
  local body = s:match '<table class="matrix">.-<tbody>(.-)</tbody>'
  local found = {}
  for cell in body:gmatch "<td class=[^>]*>(%d+)</td>" do found[#found + 1] = tonumber(cell) end
  lu.assertEquals(found, { expected[1][1], expected[1][2], expected[2][1], expected[2][2] })
  lu.assertTrue(wrong >= 3)
  lu.assertEquals(count(s:match '<ul class="gallery">(.-)</ul>', "<li>"), math.min(wrong, 24))
  lu.assertStrContains(s, ("%d of 40 test samples right"):format(40 - wrong))
  lu.assertStrContains(s, "upper &lt;half&gt;")
end

function TestReport.test_base64()
  for bytes, text in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
                             fooba = "Zm9vYmE=", ["\0\xff\xfe"] = "AP/+" } do
    lu.assertEquals(core.base64(bytes), text)
  end
end

-- Nothing but a warning where it can't be written; the run is as it would be.
function TestReport.test_a_page_that_can_not_be_written_is_a_warning()
  local where = support.folder() .. "/x"
  local said = {}
  local before = core.progress
  os.execute("mkdir " .. where .. ".html") -- where the page should go
  core.progress = function(text) said[#said + 1] = text end
  local ok, run = pcall(train, where, { quiet = false })
  core.progress = before
  lu.assertTrue(ok, run)
  lu.assertEquals(run.status, "finished")
  lu.assertStrContains(table.concat(said, "\n"), "warning: no report: can't write")
end

function TestReport.test_a_device_is_not_replaced_by_the_page()
  if not support.exists "/dev/full" then lu.skip "there is no /dev/full here" end
  local folder = support.folder()
  os.execute(("ln -s /dev/full %s/x.html"):format(folder))
  local run = train(folder .. "/x")
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(os.execute(("test -L %s/x.html"):format(folder)))
end

function TestReport.test_a_dry_run_leaves_none()
  local where = support.folder() .. "/x"
  train(where, { dry_run = true, solver = { base_lr = 0.01, max_iter = 10 } })
  lu.assertFalse(support.exists(where .. "_dry_run.html"))
  lu.assertFalse(support.exists(where .. ".html"))
end

-- All of a run, also what was before it was resumed; and the solver goes on as if nothing were.
function TestReport.test_a_resumed_run()
  local where = support.folder() .. "/x"
  local solver = { base_lr = 0.01, max_iter = 20 }
  train(where, { solver = solver, snapshot = 20 })
  solver.max_iter = 40
  train(where, { solver = solver, snapshot = 20, resume = "latest" })
  local s = support.read(where .. ".html")
  lu.assertStrContains(s, '<th scope="row" class="number">2</th>') -- a row of the first part
  lu.assertStrContains(s, '<th scope="row" class="number">40</th>')
end

function TestReport.test_without_classes_and_pictures()
  local where = support.folder() .. "/line"
  local x = lander.arange(-1, 1, 1 / 16):view(-1, 1)
  local data = lander.data.tensors(x, x:mul(3))
  lander.train { net = nn.net { nn.input { 1 }, nn.linear { 1 } }, data = data, test_data = data,
                 batch_size = 8, loss = "mse_loss", quiet = true, snapshot_prefix = where,
                 solver = { base_lr = 0.1, max_iter = 20 } }
  local s = support.read(where .. ".html")
  lu.assertNil(s:find("Confusion", 1, true))
  lu.assertNil(s:find("First-layer", 1, true))
  lu.assertStrContains(s, ">Net</h2>")
end

function TestReport.test_many_classes_become_pairs()
  local n = 60
  local x, y = lander.eye(n), lander.arange(1, n)
  local data = lander.data.tensors(x, y, { classes = n })
  local net = nn.net { nn.input { n }, nn.linear { n } }
  core.ensure_loss(net)
  local result = core.predictions(net, data, n, { batch_size = 7, seconds = math.huge })
  lu.assertEquals(result.count, n)
  lu.assertTrue(#result.worst == 24 and result.worst[1].sure >= result.worst[24].sure)
  local name_of = core.class_namer(nil, data)
  local s = core.report_confusion(result, data, name_of)
  lu.assertStrContains(s, "What is confused most often")
  lu.assertStrContains(core.report_mistakes(result, data, name_of), "<table>") -- no pictures
end

-- What a run was tested on before it was trained is not its result; of an older test its
-- iteration is told.
function TestReport.test_a_run_that_was_stopped()
  local function stopped(iter)
    local where = support.folder() .. "/x"
    train(where, { solver = { base_lr = 0.01, max_iter = 40 }, test_interval = 10,
      on_iter = function(e) return e.iter == iter and "stop" or nil end })
    return support.read(where .. ".html")
  end
  lu.assertNil(stopped(5):find("test accuracy", 1, true))
  lu.assertStrMatches(stopped(15), ".*test accuracy</dt>%s*<dd>[%d.]+%% at 10</dd>.*")
end

-- Mistakes that are no pictures have the names of their classes too, whatever is in them.
function TestReport.test_names_of_classes_without_pictures()
  local x = lander.tensor { { 1, 0 }, { 0, 1 } }
  local data = lander.data.tensors(x, lander.tensor { 2, 1 }, { classes = 2 })
  data:name_classes { "<script>", "b</title>" }
  local net = nn.net { nn.input { 2 }, nn.linear { 2 } }
  net.params[1].data:copy_(lander.eye(2))
  net.params[2].data:zero_()
  core.ensure_loss(net)
  local result = core.predictions(net, data, 2, { batch_size = 2, seconds = math.huge })
  local name_of = core.class_namer(nil, data)
  local s = core.report_mistakes(result, data, name_of)
  lu.assertStrContains(s, "<td>&lt;script&gt;</td><td>b&lt;/title&gt;</td>")
  lu.assertStrContains(s, "<td>b&lt;/title&gt;</td><td>&lt;script&gt;</td>")
  s = core.report_confusion(result, data, name_of)
  lu.assertStrContains(s, '<th scope="row">&lt;script&gt;</th>')
end

-- A matrix of classes that are called so, as a page shows it.
local function matrix_of(names)
  local n = #names
  local data = lander.data.tensors(lander.eye(n), lander.arange(1, n), { classes = n })
  data:name_classes(names)
  local net = nn.net { nn.input { n }, nn.linear { n } }
  core.ensure_loss(net)
  local result = core.predictions(net, data, n, { batch_size = n, seconds = math.huge })
  return core.report_confusion(result, data, core.class_namer(nil, data))
end

function TestReport.test_hostile_names_of_classes()
  local s = matrix_of { "<b>&", "\27[31mred\n", "a\u{202e}b", "שלום", ("long"):rep(1000) }
  lu.assertStrContains(s, '<th scope="row">&lt;b&gt;&amp;</th>')
  lu.assertStrContains(s, '<th scope="row">\\027[31mred\\n</th>')
  lu.assertStrContains(s, '<th scope="row">a\\226\\128\\174b</th>')
  lu.assertStrContains(s, '<th scope="row"><bdi>שלום</bdi></th>')
  lu.assertStrMatches(s, '.*<th scope="row"><bdi>long[long]+…[long]+long</bdi></th>.*')
  lu.assertStrMatches(s, '.*<th scope="col"><bdi>' .. ("%a"):rep(11) .. "…" .. ("%a"):rep(12)
    .. "</bdi></th>.*")
  lu.assertTrue(#s < 4000, #s)
end

-- Labels that are numbers are told as the file has them, whatever parts were made of the data, and
-- as `lander predict` does.
function TestReport.test_labels_of_a_table()
  local folder = support.folder()
  local lines = { "a,kind" }
  for i = 1, 40 do lines[i + 1] = ("%d,%d"):format(i % 2, 5 + i % 2) end
  local path = support.write(folder .. "/a.csv", table.concat(lines, "\n"))
  local train_data, test_data = lander.data.csv(path, { y = "kind", classes = 2, first = 5 })
    :shuffle(1):split(30)
  lander.train { net = nn.net { nn.input { 1 }, nn.linear { 2 } }, data = train_data:subset(1, 20),
    test_data = test_data:map(function(x) return x * 2 end), batch_size = 5, quiet = true,
    solver = { base_lr = 0.1, max_iter = 20 }, snapshot_prefix = folder .. "/x" }
  lu.assertStrMatches(support.read(folder .. "/x.html"),
    '.*<th scope="col">kind 5</th><th scope="col">kind 6</th>.*')
  lu.assertStrMatches(support.run { "predict", folder .. "/x.npz", path,
    "--data=csv:" .. path .. ",x=a,y=kind", "--top=1" }.out, ".*line 2  kind [56] .*")
  local name_of = core.class_namer(core.noted_data(lander.load(folder .. "/x.npz")))
  lu.assertEquals({ name_of(1), name_of(2) }, { "kind 5", "kind 6" })
  local files = "tests/data/fashion_mnist/t10k-%s-ubyte.gz"
  local digits = lander.data.idx(files:format "images-idx3", files:format "labels-idx1")
  lu.assertEquals(core.class_namer(nil, digits:subset(1, 5))(10), "label 9")
end

-- A mistake can be found in the files that the data were read from, whatever part was tested.
function TestReport.test_where_the_worst_mistakes_are()
  local folder = support.folder()
  local function mistakes_of(data)
    local net = nn.net { nn.input(data:shape()), nn.linear { 2 } }
    for _, param in ipairs { net.params[1], net.params[2] } do param.data:zero_() end
    core.ensure_loss(net)
    return core.report_mistakes(core.predictions(net, data, 2, { batch_size = 2,
      seconds = math.huge }), data, core.class_namer(nil, data))
  end
  local path = support.write(folder .. "/<a>.csv", "a,kind\n1,x\n2,x\n3,x\n4,y\n")
  local data = lander.data.csv(path, { y = "kind" }):subset(3, 4)
  lu.assertStrContains(mistakes_of(data), ('<th scope="row" class="name">%s, line 5</th>'):format(
    core.escape_xml(path)))
  for _, name in ipairs { "x", "y" } do
    os.execute(("mkdir -p %s/kinds/%s"):format(folder, name))
    lander.image(lander.zeros(4, 4), { to = ("%s/kinds/%s/17.png"):format(folder, name) })
  end
  data = lander.data.images(folder .. "/kinds", { size = { 4, 4 }, channels = 1 })
  lu.assertStrContains(mistakes_of(data:shuffle(1)), ('<span class="quiet">%s/kinds/y/17.png</span>'
    ):format(folder))
  lu.assertStrContains(mistakes_of(halves(4)), '<span class="quiet">sample 1</span>')
end

-- The name of a target beside an axis is no longer than that.
function TestReport.test_a_long_name_of_a_target()
  local folder = support.folder()
  local lines = { "a," .. ("price"):rep(50) }
  for i = 1, 20 do lines[i + 1] = ("%d,%d"):format(i, 2 * i) end
  local path = support.write(folder .. "/a.csv", table.concat(lines, "\n"))
  lander.report(prefix() .. ".jsonl", { to = folder .. "/x.html",
    net = nn.net { nn.input { 1 }, nn.linear { 1 } }, data = lander.data.csv(path, { y = 2 }) })
  lu.assertStrContains(support.read(folder .. "/x.html"),
    ">predicted pricepricep…cepriceprice</text>")
end

-- ---- lander.report ----

function TestReport.test_of_a_journal()
  local path = support.folder() .. "/x.html"
  lu.assertEquals(lander.report(prefix() .. ".jsonl", { to = path }), path)
  local s = support.read(path)
  lu.assertStrContains(s, ">Attempts</h2>")
  lu.assertStrContains(s, '<th scope="row">stepsize</th><td>30</td>')
  lu.assertNil(s:find("Confusion", 1, true))
  lander.report(prefix() .. ".jsonl", { to = path, net = lander.load(prefix() .. ".npz"),
    data = halves(30), title = "again" })
  s = support.read(path)
  lu.assertStrContains(s, "<title>again</title>")
  lu.assertStrContains(s, "of 30 test samples right")
end

-- Of a net without a loss the data say which it is; of another loss than those that have a section
-- of their own its mean is told.
function TestReport.test_data_for_a_net_without_a_loss()
  local path = support.folder() .. "/x.html"
  local function page_of(net, data)
    return support.read(lander.report(prefix() .. ".jsonl", { to = path, net = net, data = data }))
  end
  local net = nn.net { nn.input { 1, 6, 6 }, nn.linear { 2 } }
  lu.assertStrContains(page_of(net, halves(30)), "of 30 test samples right")
  lander.test(net, halves(30))
  lu.assertFalse(net:has_loss()) -- who looks at a net leaves it as it is
  local x = lander.arange(-1, 1, 1 / 16):view(-1, 1)
  local line = lander.data.tensors(x, x:mul(3))
  lu.assertStrContains(page_of(nn.net { nn.input { 1 }, nn.linear { 1 } }, line),
    ">Predicted and true</h2>")
  lu.assertEquals(lander.test(nn.net { nn.input { 1 }, nn.linear { 1 } }, line).regression ~= nil,
    true)
  net = nn.net { nn.input { 1, 6, 6 }, nn.linear { 2 } }
  core.ensure_loss(net, "hinge_loss")
  lu.assertStrMatches(page_of(net, halves(30)),
    ".*>Test</h2><p>The mean loss over 30 samples is [%d.]+%.</p>.*")
  fails("net is missing", lander.report, prefix() .. ".jsonl", { to = path, data = line })
end

function TestReport.test_of_several_runs()
  local path = support.folder() .. "/x.html"
  local run = train(support.folder() .. "/other", { solver = { base_lr = 0.01, max_iter = 40 } })
  lander.report(prefix() .. ".jsonl", run, { to = path })
  local s = support.read(path)
  lu.assertStrContains(s, ">halves</text>")
  lu.assertStrContains(s, ">other</text>")
  lu.assertStrContains(s, '<th scope="row">base_lr</th>')
  lu.assertNil(s:find('<th scope="row">weight_decay</th>', 1, true)) -- the same in both
  lander.report { run, run, to = path }
  lu.assertStrContains(support.read(path), ">other (2)</text>")
end

-- Nets and data differ as options do, and a page says by which command its run began, on what.
function TestReport.test_what_differs()
  local path = support.folder() .. "/"
  local function journal(name, model, data, net)
    support.write(path .. name, core.json { event = "start", iter = 0, attempt = 1, seed = 1,
      command = { "train", model, "--data=" .. data, "--quiet" }, data = data, net = net,
      samples = 10, batch_size = 5, solver = { base_lr = 0.1 } })
    return path .. name
  end
  local a = journal("a.jsonl", "mlp", "csv:<a>.csv,y=k", "data = input () shape=2\nlinear1 = x\n")
  local b = journal("b.jsonl", "net.lua", "blobs", "data = input () shape=2\nconv1 = y\n")
  local function of(...)
    return support.read(lander.report { to = path .. "x.html", ... })
  end
  local s = of(a, b):match ">What differs</h2>(.-)</section>"
  for what, cells in pairs { model = "mlp|net.lua", data = "csv:&lt;a&gt;.csv,y=k|blobs",
                             layers = "linear1 = x|conv1 = y" } do
    lu.assertStrContains(s, ('<th scope="row">%s</th><td class="name">%s</td>'):format(what,
      (cells:gsub("|", '</td><td class="name">'))))
  end
  lu.assertNil(s:find(">base_lr<", 1, true))
  lu.assertStrContains(s, "<code>lander train mlp '--data=csv:&lt;a&gt;.csv,y=k' --quiet</code>")
  lu.assertStrContains(of(a, a), "<p>The net, the data, the size of a batch, the seed and ")
  s = of(b)
  lu.assertStrContains(s, "<p>Begun by <code>lander train net.lua --data=blobs --quiet</code></p>")
  lu.assertStrContains(s, '<th scope="row">model</th><td>net.lua</td>')
  lu.assertStrContains(of(a, b, a, b, a), '<th scope="col" class="words">layers</th>')
  support.write(b, (support.read(b):gsub('"%-%-data=blobs",', "")))
  lu.assertStrContains(of(b), "net.lua --quiet</code>, on <code>blobs</code></p>")
  -- What a training writes.
  local r = support.run({ "train", "mlp", "--data=blobs", "--max_iter=3", "--prefix=r" },
    { folder = path })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(support.read(path .. "r.html"), "<p>Begun by <code>lander train mlp "
    .. "--data=blobs --max_iter=3 --prefix=r</code></p>")
  lu.assertEquals(of(path .. "r.jsonl"):match "<p>Begun.-</p>",
    support.read(path .. "r.html"):match "<p>Begun.-</p>")
end

-- Few runs have a column each, more of them a line each; a caption that its heading says is not
-- seen twice.
function TestReport.test_the_table_of_results()
  local path = support.folder() .. "/x.html"
  local function head(n)
    local runs = { to = path }
    for i = 1, n do runs[i] = prefix() .. ".jsonl" end
    lander.report(runs)
    return support.read(path):match "Results</span></caption><thead>(.-)</thead>"
  end
  lu.assertEquals(count(head(2), "<th "), 3)
  lu.assertStrContains(head(4), ">result</th>")
  lu.assertStrMatches(head(5), ".*>run</th>.*>status</th>.*>retries</th>.*")
  for content in support.read(path):gmatch "<section.-</section>" do
    lu.assertNil(content:find("<caption><span>" .. content:match "<h2[^>]*>(.-)</h2>", 1, true))
  end
  for content in page():gmatch "<section.-</section>" do
    lu.assertNil(content:find("<caption><span>" .. content:match "<h2[^>]*>(.-)</h2>", 1, true))
  end
end

-- What only some runs have comes where it does in a page about one of them.
function TestReport.test_a_run_that_diverged_beside_others()
  local where = support.folder() .. "/x"
  train(where, { retry = false })
  lander.report(where .. ".jsonl", prefix() .. ".jsonl", { to = where .. "2.html" })
  local facts = {}
  local results = support.read(where .. "2.html"):match "Results</span>.-</table>"
  for fact in results:gmatch '<th scope="row">([^<]*)<' do facts[#facts + 1] = fact end
  lu.assertEquals(table.concat(facts, ", "),
    "status, iterations, loss, test loss, test accuracy, best accuracy, base_lr, retries")
end

-- A loss that falls by decades is seen on an axis of decades, whatever diverged.
function TestReport.test_an_axis_of_decades()
  local function axis(...)
    local curve = { stretches = { { x = { 0, 1 }, y = { ... } }, { gone = "diverged",
      x = { 0, 1 }, y = { 1, 1e9 } } }, marks = {} }
    return core.goes_over_decades { curve }
  end
  lu.assertEquals({ axis(3, 0.03), axis(3, 0.04), axis(3, 0), axis(3, -1) },
    { true, false, false, false })
end

-- Each run once, however many of its files are named.
function TestReport.test_runs_by_a_pattern()
  local where = support.folder()
  for i = 1, 2 do
    for _, ending in ipairs { ".jsonl", ".npz", "_best.npz", ".html" } do
      support.write(("%s/a%d%s"):format(where, i, ending), support.read(prefix() .. ".jsonl"))
    end
  end
  local r = support.run({ "-c", ("build/lander report %s/a* --to=%s/x.html"):format(where, where) },
    { program = "sh" })
  lu.assertEquals(r.status, 0)
  lu.assertStrContains(support.read(where .. "/x.html"), "2 runs side by side.")
end

-- What the pointer is told along a curve are rows of the run, and not more of them than are told
-- apart.
function TestReport.test_the_pointer_is_told_values()
  local rows = {}
  for i = 1, 5000 do
    rows[i] = { event = "train", iter = i, loss = i / 1000, rate = 1, attempt = 1 }
  end
  local path = support.folder() .. "/x.html"
  lander.report({ history = rows }, { history = rows }, { to = path })
  local told = 0
  local picture = support.read(path):match '<svg[^>]*"plot wide".-</svg>'
  for name, loss, iter in picture:gmatch
    '<circle class="ask"[^>]*><title>(run %d) ([%d.]+) at ([%d,]+)</title>' do
    told = told + 1
    lu.assertStrContains("run 1 run 2", name)
    lu.assertAlmostEquals(loss * 1000, iter:gsub(",", "") + 0, 0.5)
  end
  lu.assertTrue(told > 100 and told <= 240, told)
  lu.assertNil(support.read(path):match('"plot narrow".-</svg>'):find '"ask"')
end

-- Pictures of one page have the same iterations, one above the other.
function TestReport.test_pictures_share_their_iterations()
  local first
  for picture in page():gmatch '<svg[^>]*"plot wide".-</svg>' do
    local left, labels = picture:match 'class="frame" d="M([%d.]+) ', {}
    for text in picture:gmatch 'text%-anchor="middle">([%d,]+)</text>' do
      labels[#labels + 1] = text
    end
    local here = left .. " " .. table.concat(labels, " ")
    first = first or here
    lu.assertEquals(here, first)
  end
  lu.assertStrMatches(first, "72 0 .*")
end

function TestReport.test_errors()
  fails("to, the name of the page, is missing", lander.report, "x.jsonl")
  fails("give it runs", lander.report, { to = "x.html" })
  fails("there is no journal", lander.report, "/no/such.jsonl", { to = "x.html" })
  fails("thing 1 is a number", lander.report, 5, { to = "x.html" })
  fails("did you mean 'title'", lander.report, "x", { to = "x.html", titel = "y" })
  fails("belong to one run", lander.report, prefix() .. ".jsonl", prefix() .. ".jsonl",
    { to = "x.html", net = nn.net { nn.input { 2 }, nn.linear { 2 } } })
  fails("net must be a net", lander.report, prefix() .. ".jsonl",
    { to = "x.html", net = halves(2) })
  fails("can't write", lander.report, prefix() .. ".jsonl", { to = "/no/such/x.html" })
end

function TestReport.test_a_hostile_journal()
  local path = support.folder()
  local lines = {
    '{"event":"start","solver":{"<b>":[[1],{"x":2}],"base_lr":"<i>"},"net":"</pre><script>",'
      .. '"command":["train","<script>"],"data":"<script>"}',
    '{"event":"train","iter":1,"loss":2,"rate":1e-400}', '{"event":"<script>","iter":{}}',
    '{"event":"diverged"}', '{"event":"retry","back_to":"x"}',
    '{"event":"test","iter":3,"accuracy":"<script>","loss":{}}', '{"event":"end","status":5}',
  }
  support.write(path .. "/<x>.jsonl", table.concat(lines, "\n"))
  lander.report(path .. "/<x>.jsonl", { to = path .. "/x.html" })
  local s = support.read(path .. "/x.html")
  lu.assertNil(s:find "<script")
  lu.assertNil(s:find "<i>")
  lu.assertNil(s:find "<x>")
  lines[1] = '{"event":"start","command":[1,{}],"data":{},"net":{},"samples":"<i>"}'
  support.write(path .. "/y.jsonl", table.concat(lines, "\n"))
  s = support.read(lander.report(path .. "/<x>.jsonl", path .. "/y.jsonl",
    { to = path .. "/x.html" }))
  lu.assertNil(s:find "<script")
  lu.assertNil(s:find "<i>")
end

-- ---- in a browser ----

TestReportBrowser = {}

-- A browser that didn't come up, or broke down, says nothing of the page: it gets two more tries.
local function chromium(words, url, tries)
  local folder = support.folder()
  local flags = { "-k", "5", "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                  "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                  "--enable-logging=stderr", "--user-data-dir=" .. folder, table.unpack(words) }
  flags[#flags + 1] = "file://" .. url
  local r = support.run(flags, { program = "timeout" })
  if (r.status ~= 0 or r.out == "") and (tries or 3) > 1 then
    return chromium(words, url, (tries or 3) - 1)
  end
  return r
end

local function needs_chromium()
  if not os.execute "command -v chromium >/dev/null" then lu.skip "there is no chromium here" end
end

-- What a script in a copy of the page finds out; the page itself has none.
local probe = [==[
<script>
addEventListener("load", () => { // with its pictures
const all = s => [...document.querySelectorAll(s)], seen = [];
for (const e of all("details")) e.open = true;
for (const e of all("a, summary, [tabindex]")) {
  e.focus({ focusVisible: true });
  if (document.activeElement !== e) seen.push("no focus: " + e.outerHTML.slice(0, 80));
  else if (getComputedStyle(e).outlineStyle === "none") seen.push("not seen: " + e.tagName);
}
for (const e of all("img")) if (!e.complete || !e.naturalWidth) seen.push("no picture");
const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3
  && b.top < a.bottom - 3;
for (const e of all("svg")) {
  const frame = e.getBoundingClientRect(), texts = [];
  if (!frame.width) continue;
  if (frame.width < Math.min(innerWidth * 0.7, 860)) seen.push("half a window: " + frame.width);
  for (const t of e.querySelectorAll("text")) {
    const box = t.getBoundingClientRect(), size = parseFloat(getComputedStyle(t).fontSize);
    if (box.left < frame.left - 1 || box.right > frame.right + 1)
      seen.push("cut: " + t.textContent);
    if (size * frame.width / e.viewBox.baseVal.width < 11.5) seen.push("small: " + t.textContent);
    for (const [text, other] of texts)
      if (overlap(box, other)) seen.push("overlap: " + text + " / " + t.textContent);
    texts.push([t.textContent, box]);
  }
}
for (const e of all("p, li, td, th, h1, dd, summary"))
  if (e.scrollWidth > e.clientWidth + 1) seen.push("runs over: " + e.textContent.slice(0, 40));
// What a reader of the screen needs, and letters that differ from their ground (WCAG 2.1, AA).
for (const e of all("img")) if (!e.alt) seen.push("no alt");
for (const e of all("svg")) if (e.getAttribute("role") !== "img" || !e.getAttribute("aria-label"))
  seen.push("svg without a name");
for (const e of all("table")) if (!e.caption && !e.getAttribute("aria-label"))
  seen.push("table without a caption");
for (const e of all("th")) if (!e.scope) seen.push("th without scope: " + e.textContent);
for (const e of all("[tabindex]")) if (!e.getAttribute("aria-label") || !e.getAttribute("role"))
  seen.push("a stop without a name: " + e.outerHTML.slice(0, 60));
const ids = all("[id]").map(e => e.id);
if (new Set(ids).size !== ids.length) seen.push("an id comes twice");
for (const e of all('a[href^="#"]'))
  if (!ids.includes(e.hash.slice(1))) seen.push("dead " + e.hash);
if (all("h1").length !== 1 || all("main").length !== 1 || !document.documentElement.lang)
  seen.push("no single h1, main, or no language");
const rgb = s => (s.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
const ground = e => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
let checked = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || /SCRIPT|STYLE|^TITLE/i.test(e.tagName)) continue;
  const style = getComputedStyle(e), front = rgb(e.closest("svg") ? style.fill : style.color);
  const a = light(front), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  checked++;
  if (ratio < 4.5) seen.push("contrast " + ratio.toFixed(2) + ": " + e.textContent.slice(0, 40));
}
top.document.title = "PROBE " + JSON.stringify({ inner: innerWidth,
  wide: document.documentElement.scrollWidth, focusable: all("a, summary, [tabindex]").length,
  pictures: all("img").length, checked,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  scrolling: all(".scroll").filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => e.getAttribute("aria-label")),
  sections: all("section > h2").length, seen });
});
</script></body>]==]

-- Within a frame of that width: a window is not made narrower than 500 pixels.
local function look(width, text, dark)
  local path = support.folder() .. "/probe.html"
  local copy = text:gsub("<meta http%-equiv[^>]*>", ""):gsub("</body>", function() return probe end)
  support.write(path, ('<!DOCTYPE html><title>-</title><iframe width="%d" height="800" '
    .. 'style="border:0" srcdoc="%s"></iframe>'):format(width, core.escape_xml(copy)))
  local r = chromium({ "--dump-dom", "--window-size=1400,1000",
    "--blink-settings=preferredColorScheme=" .. (dark and 0 or 1) }, path)
  local found = r.out:match "<title>PROBE (.-)</title>"
  lu.assertNotNil(found, r.err)
  return core.read_json((found:gsub("&quot;", '"'):gsub("&lt;", "<"):gsub("&gt;", ">")
    :gsub("&amp;", "&")))
end

-- What is wrong with a page is there at every look; a busy browser's slip is gone at the second.
local function probed(...)
  local found = look(...)
  return #found.seen > 0 and look(...) or found
end

function TestReportBrowser.test_no_complaints()
  needs_chromium()
  local r = chromium({ "--dump-dom" }, prefix() .. ".html")
  lu.assertStrContains(r.out, "Confusion matrix")
  lu.assertNil(r.err:find "CONSOLE", r.err)
end

function TestReportBrowser.test_wide_and_narrow()
  needs_chromium()
  local path = support.folder() .. "/two.html"
  lander.report(prefix() .. ".jsonl", prefix() .. ".jsonl", { to = path })
  for _, text in ipairs { page(), support.read(path) } do
    for _, width in ipairs { 360, 560, 700, 1280 } do
      local found = probed(width, text, width == 360)
      lu.assertEquals({ found.inner, found.dark }, { width, width == 360 })
      lu.assertTrue(found.checked > 50)
      lu.assertTrue(found.wide <= width, found.wide)
      lu.assertTrue(found.sections >= 3 and found.focusable >= 5)
      lu.assertEquals(found.seen, {})
    end
  end
end

-- Names of any kind break neither lines nor layout.
-- How broad letters are that no font of the machine has, no test can know.
function TestReportBrowser.test_hostile_names()
  needs_chromium()
  local names = { "<b>bold</b> & \"q\"", "\27[31mred\7\n", "שלום עולם (abc) 123", ("long"):rep(60),
                  "a\u{202e}b\u{2066}", "e" .. ("\u{301}"):rep(200),
                  ("wW"):rep(100) }
  local n = #names
  local x, y = lander.rand(40 * n, 1, 6, 6), lander.zeros(40 * n)
  for i = 1, 40 * n do y:set(1 + i % n, i) end
  local data = lander.data.tensors(x, y, { classes = n }):name_classes(names)
  local folder = support.folder() .. "/"
  local path = folder .. "<b>&\27[31m" .. ("wW"):rep(60)
  train(path, { data = data, test_data = data, net = nn.net { nn.input { 1, 6, 6 },
    nn.linear { n } }, solver = { base_lr = 0.01, max_iter = 20 } })
  local runs = { to = folder .. "two.html" }
  for i, name in ipairs { names[3], "e" .. ("\u{301}"):rep(60) } do
    runs[i] = folder .. name .. ".jsonl"
    support.write(runs[i], support.read(path .. ".jsonl"))
  end
  lander.report(path .. ".jsonl", runs)
  for _, text in ipairs { support.read(path .. ".html"), support.read(runs.to) } do
    for _, width in ipairs { 400, 1200 } do
      local found = probed(width, text, width == 400)
      lu.assertTrue(found.wide <= width, found.wide)
      lu.assertEquals(found.seen, {})
    end
  end
end

-- What compares runs is seen at once, two runs or many: the table fits a window of 900 pixels.
function TestReportBrowser.test_results_side_by_side()
  needs_chromium()
  local path = support.folder() .. "/"
  local runs, page_path = {}, path .. "x.html"
  for i = 1, 7 do
    local name = ("%sa_run_with_quite_a_long_name_lr_0.00%d.jsonl"):format(path, i)
    support.write(name, (support.read(prefix() .. ".jsonl"):gsub('"base_lr":10000',
      '"base_lr":' .. 10000 + i)))
    runs[i] = name
  end
  for _, most in ipairs { 2, 4, 7 } do
    lander.report { to = page_path, table.unpack(runs, 1, most) }
    local found = probed(900, support.read(page_path))
    lu.assertEquals({ found.scrolling, found.seen }, { {}, {} })
  end
end

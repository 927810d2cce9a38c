-- test_command.lua: wrong usage of the command line: its exit status, and what is said.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local run = support.run

local USAGE, BAD_DATA, UNSAVED = 2, 5, 6

-- A folder with what the rows below name.
local folder
local function prepare()
  folder = support.folder()
  local function write(name, text) support.write(folder .. "/" .. name, text) end
  write("ok.csv", "a,b,kind\n1,2,cat\n3,4,dog\n5,6,cat\n2,2,dog\n")
  write("semicolons.csv", "a;b;kind\n1;2;cat\n3;4;dog\n")
  write("narrow.csv", "kind\ncat\ndog\n")
  write("bad.csv", "a,b,kind\n1,x,cat\n3,4,dog\n")
  write("empty.csv", "")
  write("empty.npy", "")
  write("header.csv", "a,b,kind\n")
  write("same.csv", "a,b,kind\n1,2,cat\n3,4,cat\n")
  write("numbers.csv", "a,b\n1,2\n3,4\n5,6\n")
  write("x.jsonl", "{broken\n")
  write("broken.npz", "no net")
  write("ten.lua", "local lander = require 'lander'\nlander.args { base_lr = 1 }\n")
  write("wrong.lua", "x = = 1")
  write("number.lua", "return 3")
  for _, words in ipairs {
    { "--data=csv:ok.csv,y=kind", "--prefix=runs/mine" },
    { "--data=csv:numbers.csv,y=b", "--prefix=runs/plain" },
  } do
    local r = run({ "train", "mlp", "--hidden=2", "--max_iter=1", "--quiet",
                    table.unpack(words) }, { folder = folder })
    lu.assertEquals(r.status, 0, r.err)
  end
end

-- Runs the words of a line of text in that folder.
local function lander_(line)
  if not folder then prepare() end
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  return run(words, { folder = folder })
end

-- Words of our own files that nobody who types a command wants to read.
local internals = { "%.lua:%d+:", "lander%.[a-z]+:", "solver%.", "solver: ", "option '%S+ must",
                    "JSON:", "stack traceback", "nil value" }

local function check(rows)
  for _, row in ipairs(rows) do
    local line, status = row[1], row.status or USAGE
    local r = lander_(line)
    local told = ("lander %s\n%s"):format(line, r.err)
    lu.assertEquals({ r.status, r.out }, { status, "" }, told)
    for i = 2, #row do lu.assertStrContains(r.err, row[i], false, told) end
    for _, pattern in ipairs(internals) do lu.assertNil(r.err:find(pattern), told) end
    local lines = select(2, r.err:gsub("\n", ""))
    lu.assertTrue(lines <= 3, told)
  end
end

TestUsage = {}

function TestUsage.test_commands_and_files()
  check {
    { "frobnicate", "no command and no script 'frobnicate'", "--help" },
    { "trian lenet", "did you mean lander train?" },
    { "lenet", "'lenet' is a model: lander train lenet trains it" },
    { "runs", "'runs' is a folder, expected a file" },
    { "runs/mine.npz", "'runs/mine.npz' is a saved net or a snapshot: lander info" },
    { "evaluate runs/mine.npz", "did you mean lander test?" },
    { "--train mlp", "commands have no dashes: lander train" },
    { "nosuch.lua", "there is no file 'nosuch.lua'" },
    { "tne.lua", "there is no file 'tne.lua', did you mean 'ten.lua'?" },
    { "--nonsense", "unknown option: '--nonsense'" },
    { "train", "MODEL is missing\nusage: lander train MODEL" },
    { "train lenett", "there is no model 'lenett', did you mean 'lenet'?" },
    { "train models/mlp.lua", "there is no model 'models/mlp.lua', did you mean 'mlp'?" },
    { "train nosuch", "there is no model 'nosuch'; there are alexnet, " },
    { "train nosuch.lua", "there is no file 'nosuch.lua'" },
    { "train no/such.lua", "there is no folder 'no'" },
    { "train nosuch.npz", "there is no file 'nosuch.npz'" },
    { "train runs", "'runs' is a folder" },
    { "train ok.csv", "'ok.csv' is no net" },
    { "test broken.npz", "broken.npz", status = 1 },
    { "summary", "MODEL is missing" },
    { "summary lenet mlp", "'mlp' is too much" },
    { "info nosuch.npz", "there is no file 'nosuch.npz'" },
    { "info runs", "'runs' is a folder, expected a file" },
    { "test runs/mine", "there is no file 'runs/mine', did you mean 'runs/mine.npz'?" },
    { "test runs/mine.jsonl", "'runs/mine.jsonl' is no net" },
    { "test lenet --data=blobs", "lenet is a model, and no net that was trained" },
    { "info x.jsonl", "'x.jsonl' is no journal of a run", status = 1 },
    { "info ok.csv", "info is for saved nets and snapshots (.npz) and journals (.jsonl)" },
    { "info lenet", "lander summary lenet shows its layers" },
    { "summary number.lua", "returns a number, expected a net", status = 1 },
    { "time lenet --threads=1000000", "threads must be from 1 to 256" },
    { "time lenet --seconds=-1", "--seconds must be a number above 0, found -1" },
    { "time lenet --batch=0", "--batch must be a whole number from 1, found 0" },
    { "help nosuch", "no help on 'nosuch'" },
    { "help --completion=tcsh", "found 'tcsh'" },
  }
end

function TestUsage.test_options_of_a_training()
  local csv = "train mlp --data=csv:ok.csv,y=kind "
  check {
    { csv .. "--bas_lr=1", "unknown option --bas_lr, did you mean --base_lr?" },
    { csv .. "--beta1=0.9", "unknown option --beta1: here it is --momentum" },
    { csv .. "-lr 0.1", "unknown option -lr: options have two dashes, did you mean --base_lr?" },
    { csv .. "--base_lr=many", "--base_lr must be a number, found 'many'" },
    { csv .. "--base_lr=0,1", "found '0,1' (0.1 is written with a point)" },
    { csv .. "--base_lr=nan", "--base_lr must be a finite number, found 'nan'" },
    { csv .. "--crop", "--crop needs a value: --crop=28" },
    { csv .. "--prefix=", "--prefix= has no value: --prefix=runs/mine" },
    { "tune mlp base_lr=1,2 --trials", "--trials needs a value: --trials=20" },
    { csv .. "--base_lr=-1", "--base_lr" },
    { csv .. "--base_lr", "--base_lr needs a value: --base_lr=0.01" },
    { csv .. "--hidden=0", "--hidden must be sizes of layers, whole numbers from 1, found 0" },
    { csv .. "--hidden=", "--hidden= has no value" },
    { "train lenet --hidden=5", "--hidden is for mlp" },
    { csv .. "--max_iter=0", "--max_iter, the number of iterations, must be", "found 0" },
    { csv .. "--max_iter=1e30", "--max_iter" },
    { csv .. "--max_epoch=0", "--max_epoch must be a positive number, found 0" },
    { csv .. "--batch_size=0", "--batch_size must be an integer from 1, found 0" },
    { csv .. "--type=sdg", "--type must be one of 'sgd', ", "did you mean 'sgd'?" },
    { csv .. "--type=gd --momentum=0.9", "--momentum has no effect with type=gd" },
    { csv .. "--gamma=0.5", "--gamma has no effect with lr_policy=fixed" },
    { csv .. "--lr_policy=stp", "--lr_policy must be one of", "did you mean 'step'?" },
    { csv .. "--momentum=7", "--momentum must be a number from 0 to 1, got '7'" },
    { csv .. "--loss=mse", "did you mean 'mse_loss'?" },
    { csv .. "--pad=-1", "pad" },
    { csv .. "--seed=1.5", "--seed must be a whole number from 0, found 1.5" },
    { csv .. "--best=acc", "--best must be" },
    { csv .. "--retry=maybe", "--retry must be true or false, found 'maybe'" },
    { csv .. "--iter_size=3", "--batch_size=64 can't be cut in --iter_size" },
    { csv .. "--hidden=99999999", "from 1 to 16777216, got '99999999'" },
    { csv .. "--batch_size=1000000000", "--batch_size must be an integer from 1 to" },
    { csv .. "--crop=3", "--mirror, --crop and --pad are for pictures" },
    { csv .. "--early_stop=0", "--early_stop must be an integer from 1, found 0" },
    { "train mlp --data=", "--data= has no value" },
    { csv .. "--prefix=/proc/x", "/proc/x", status = UNSAVED },
    { csv .. "--help=5", "--help takes no value" },
    { csv .. "--no-retry=1", "--no-retry takes no value" },
    { csv .. "--data=xor", "--data is there twice, --data=csv:ok.csv,y=kind and --data=xor" },
    { csv .. "--weights=nosuch.npz", "--weights: there is no file 'nosuch.npz'" },
    { csv .. "--resume=nosuch.npz", "--resume: there is no file 'nosuch.npz'" },
    { csv .. "-- --max_iter=3", "'--max_iter=3' is too much" },
  }
end

function TestUsage.test_data()
  check {
    { "train mlp --data=ok.csv", "Perhaps --data=csv:ok.csv,y=COLUMN" },
    { "train mlp --data=runs", "Perhaps --data=images:runs,size=32x32" },
    { "train mlp --data=fashion", "there is no such data, did you mean 'fashion_mnist'?" },
    { "train mlp --data=Fashion-MNIST", "did you mean 'fashion_mnist'?" },
    { "train mlp --data=https://x.org/x.csv", "addresses are not read: fetch the file first" },
    { "train mlp --data=csw:a", "did you mean 'csv'?" },
    { "train mlp --data=zebra", "there is no such data; there are blobs, cifar10, csv, " },
    { "train mlp --data=csv", "written --data=csv:FILE,y=COLUMN" },
    { "train mlp --data=csv:ok.csv", "which column is the target? It is written --data=csv:" },
    { "train mlp --data=csv:ko.csv,y=kind", "there is no file 'ko.csv', did you mean 'ok.csv'?" },
    { "train mlp --data=csv:runs,y=kind", "'runs' is a folder, expected a file" },
    { "train mlp --data=csv:ok.csv,y=kidn", "no column 'kidn' in its header, did you mean 'kind'" },
    { "train mlp --data=csv:ok.csv,y=verdict", "no column 'verdict'", "a, b, kind" },
    { "train mlp --data=csv:ok.csv,y=7", "there is no column 7: it has 3" },
    { "train mlp --data=csv:ok.csv,y=kind,normalise=true", "did you mean 'normalize'?" },
    { "train mlp --data=csv:ok.csv,y=kind,zebra=1", "unknown option 'zebra'; there are "
      .. "class_names, classes, decimal, ", "normalize, ", "test, x, y" },
    { "train mlp --data=csv:ok.csv,y=kind,normalize=3", "normalize must be true or false" },
    { "train mlp --data=csv:ok.csv,y=", "y= has no value" },
    { "train mlp --data=csv:ok.csv,y=kind,y=a", "y is there twice" },
    { "train mlp --data=csv:semicolons.csv,y=kind", "separator=semicolon" },
    { "train mlp --data=csv:narrow.csv,y=kind", "no column is left for x" },
    { "train mlp --data=csv:bad.csv,y=kind", "line 2, column 2 (b)", status = BAD_DATA },
    { "train mlp --data=csv:empty.csv,y=kind", "empty", status = BAD_DATA },
    { "train mlp --data=csv:header.csv,y=kind", "no samples", status = BAD_DATA },
    { "train mlp --data=mnist", "written --data=mnist:FOLDER" },
    { "train mlp --data=mnist:nosuch", "there is no folder 'nosuch'" },
    { "train mlp --data=mnist:ok.csv", "'ok.csv' is a file, expected a folder" },
    { "train mlp --data=mnist:runs", "train-images-idx3-ubyte" },
    { "train mlp --data=mnist:a,test=b", "mnist has no test=" },
    { "train mlp --data=idx:one", "written --data=idx:IMAGES,LABELS" },
    { "train mlp --data=npz:a,x=b,c", "'c' stands behind an option" },
    { "train mlp --data=npz:broken.npz", "broken.npz", status = BAD_DATA },
    { "train mlp --data=blobs:x", "made up and has no place" },
    { "train mlp --data=blobs:m=3", "unknown option 'm'" },
    { "train mlp --data=blobs:n=-3", "n = -3, expected a whole number" },
    { "train lenet --data=csv:ok.csv,y=kind", "lenet", "for rows of numbers there is mlp" },
    { "test runs/mine.npz --part=tset", "--part must be train, test or all, found 'tset'" },
    { "test runs/mine.npz --data=csv:numbers.csv,y=b", "column 2 is asked for in x and in y" },
  }
end

function TestUsage.test_runs_and_results()
  check {
    { "plot nosuch", "there is no run 'nosuch' (no file nosuch.jsonl); there are runs/mine, " },
    { "plot mine", "did you mean 'runs/mine'?" },
    { "report runs/mnie", "did you mean 'runs/mine'?" },
    { "resume nosuch", "there is no run 'nosuch'" },
    { "resume x", "x.jsonl does not say what script" },
    { "plot", "RUN is missing" },
    { "plot x", "'x.jsonl' is no journal" },
    { "plot runs/mine --what=los", "--what=los is unknown, did you mean 'loss'?" },
    { "plot runs/plain --what=accuracy", "the run has no accuracy; it has loss, rate" },
    { "plot runs/mine --what=", "--what= has no value" },
    { "plot runs/mine --to=x.gif", "--to=x.gif must end in .svg (a picture) or .txt" },
    { "plot runs/mine --smooth=-1", "--smooth must be a whole number from 1, found -1" },
    { "plot runs/mine --to=no/x.svg", "no/x.svg", status = UNSAVED },
    { "report runs/mine --to=no/x.html", "no/x.html", status = UNSAVED },
    { "report runs/mine --to=x.pdf", "--to=x.pdf must end in .html" },
    { "report runs/mine runs/plain --net=runs/mine.npz", "--net belongs to one run, found" },
    { "report runs/mine --data=blobs", "give --net=NET.npz too" },
    { "predict runs/mine.npz x.jsonl", "a FILE is a .csv, .npy, .png or .jpg" },
    { "predict runs/mine.npz ok.csv nosuch.csv", "there is no file 'nosuch.csv'" },
    { "predict runs/mine.npz bad.csv", "'x' is no number", status = BAD_DATA },
    { "predict runs/mine.npz empty.npy", "not a .npy file", status = BAD_DATA },
    { "predict runs/mine.npz runs", "runs is a folder" },
    { "predict runs/mine.npz", "nothing to predict" },
    { "predict runs/mine.npz ok.csv --top=0", "--top must be a whole number from 1, found 0" },
    { "tune ten.lua", "NAME=VALUES is missing" },
    { "tune ten.lua base_lr=1,2 --metric=acc", "did you mean 'accuracy'" },
    { "tune ten.lua base_lr=", "base_lr" },
  }
end

-- The files of a run belong to its model and its target.
function TestUsage.test_files_of_another_run_stay()
  local before = "train mlp --hidden=2 --max_iter=1 --prefix=runs/mine --data=csv:"
  lander_ "version" -- makes the folder
  local saved = support.read(folder .. "/runs/mine.npz")
  check {
    { before .. "numbers.csv,y=b", "--prefix=runs/mine: there are files of another run, of mlp on "
      .. "csv:ok.csv,y=kind; give another prefix, or remove them: rm runs/mine.html " },
    { "train lenet --data=csv:ok.csv,y=kind --prefix=runs/mine", "files of another run" },
    { "train mlp --data=csv:ok.csv,y=a --prefix=runs/mine", "files of another run" },
    { "train mlp --data=blobs --prefix=runs", "--prefix=runs is a folder", "such as runs/mlp" },
    { "train mlp --data=blobs --prefix=x", "files of another run" },
  }
  lu.assertEquals(support.read(folder .. "/runs/mine.npz"), saved)
  local r = lander_(before .. "ok.csv,y=kind,normalize=true")
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.err, "the files of an older run are written over")
  -- A page has a name of its own.
  lu.assertEquals(lander_("report runs/mine").out, "report.html\n")
  lu.assertEquals(lander_("report runs/mine").out, "report_2.html\n")
end

-- What isn't wrong, and yet worth a word.
function TestUsage.test_warnings()
  local r = lander_ "train mlp --hidden=2 --max_iter=1 --data=csv:same.csv,y=kind"
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.err, "data: 2 samples of 2, 1 class\n")
  lu.assertStrContains(r.err, "\nhint: all of 2 samples are of one class, ")
end

-- A shell leaves ~ alone in the middle of a word.
function TestUsage.test_files_at_home()
  lander_ "version" -- makes the folder
  local r = run({ "train", "mlp", "--hidden=2", "--max_iter=1", "--data=csv:~/ok.csv,y=kind",
                  "--prefix=~/there/x" }, { folder = folder, under = "env HOME=" .. folder })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertTrue(support.exists(folder .. "/there/x.npz"))
end

-- A short run has a curve of its tests too.
function TestUsage.test_a_short_run_is_tested_more_often()
  local function tested(words)
    local r = lander_("train mlp --hidden=2 --data=blobs:n=40 --batch_size=10 " .. words)
    lu.assertEquals(r.status, 0, r.err)
    local found = {}
    for iter in r.err:gmatch "\ntest at (%d+): " do found[#found + 1] = tonumber(iter) end
    return found
  end
  lu.assertEquals(tested "--max_iter=50", { 0, 10, 20, 30, 40, 50 })
  lu.assertEquals(tested "--max_epoch=5", { 0, 2, 4, 6, 8, 10, 12, 14, 16, 18 })
  lu.assertEquals(tested "--max_iter=50 --test_interval=0", { 50 })
end

-- Every option of lander.train and of the solvers is one of `lander train`.
function TestUsage.test_all_options_are_there()
  local r = lander_ ("train mlp --hidden=2 --data=blobs:n=40 --type=adam --momentum2=0.9 "
    .. "--delta=1e-6 --clip_gradients=1 --average_loss=3 --max_epoch=2 --keep=1 --batch_size=10 "
    .. "--early_stop=9 --best=loss --test_interval=2 --no-shuffle --lr_policy=multistep "
    .. "--stepvalue=2,4 --gamma=0.5 --warmup_iter=2")
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.err, "\nfinished at 8 (max_epoch): ")
  r = lander_ "train --help"
  for _, kind in ipairs { "solver", "schedule" } do
    for _, d in ipairs(lander.core.describe(kind)) do
      for _, option in ipairs(d.options or {}) do
        local name = option.name == "random_seed" and "seed" or option.name
        lu.assertStrMatches(r.out, ".*\n  %-%-" .. name .. "[=,].*", nil, nil, name)
      end
    end
  end
  local elsewhere = { net = true, data = true, test_data = true, solver = true, augment = true,
                      snapshot_prefix = true, on_iter = true, on_test = true, on_snapshot = true,
                      on_diverge = true }
  for _, name in ipairs((lander.core.train_options())) do
    if not elsewhere[name] then
      lu.assertStrMatches(r.out, ".*\n  %-%-" .. name .. "[=,].*", nil, nil, name)
    end
  end
end

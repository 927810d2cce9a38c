-- test_doc.lua: the reference pages say what the library says.
local lu = require "luaunit"

TestDoc = {}

function TestDoc.test_the_reference_of_the_layers_is_up_to_date()
  local check = assert(loadfile "doc/generate.lua")
  local saved = arg
  arg = { "--check" }
  local ok, message = pcall(check)
  arg = saved
  lu.assertTrue(ok, message)
end

local support = require "tests.support"

-- What the pieces of the pages of below stand on, and less work than they ask for.
local before = [[
lander = require "lander"
local here = %q
local fashion = lander.data.fashion_mnist
function lander.data.fashion_mnist()
  local d = fashion(here .. "/tests/data/fashion_mnist")
  return { train = d.train:subset(1, 200), test = d.test:subset(1, 100) }
end
function build() return require "models.mlp" { 2, 8, 2 } end
x, y = lander.randn(8, 2), lander.ones(8)
data = lander.data.tensors(x, y)
d = data
net = build()
solver = lander.solver(net, { base_lr = 0.1, momentum = 0.9 })
]]

-- Every piece of Lua of these pages runs, in a folder of its own, all of a page in turn.
function TestDoc.test_the_examples_of_the_pages_run()
  local here = io.popen "pwd"
  local start = before:format(here:read "l")
  here:close()
  for page, wanted in pairs { ["scripts.md"] = 8, ["training.md"] = 1, ["divergence.md"] = 3 } do
    local folder, pieces = support.folder(), { start }
    for piece in support.read("doc/" .. page):gmatch "```lua\n(.-)```" do
      pieces[#pieces + 1] = "do\n" .. piece:gsub("max_iter = %d+", "max_iter = 6") .. "end\n"
    end
    lu.assertEquals({ page, #pieces - 1 }, { page, wanted })
    assert(os.execute(("mkdir -p '%s/runs'"):format(folder)))
    local script = support.write(folder .. "/page.lua", table.concat(pieces))
    local r = support.run({ script }, { folder = folder })
    lu.assertEquals({ page, r.status }, { page, 0 }, r.err)
  end
end

-- The script that the README shows is the one that is there, and its pages are.
function TestDoc.test_the_readme_shows_what_is_there()
  local text = support.read "README.md"
  local script = text:match "```lua\n%-%- scripts/lenet_fashion.lua\n(.-)```"
  lu.assertStrContains(support.read "scripts/lenet_fashion.lua", script)
  local pages = 0
  for page in text:gmatch "%]%((doc/[%w_]+%.md)%)" do
    pages = pages + 1
    lu.assertTrue(support.exists(page), page)
  end
  lu.assertTrue(pages > 5)
end

-- Each piece of Lua in doc/data.md is a script that runs.
function TestDoc.test_the_examples_about_data_run()
  local page = assert(io.open "doc/data.md")
  local text = page:read "a"
  page:close()
  local count = 0
  for script in text:gmatch "```lua\n(.-)```" do
    count = count + 1
    local environment = setmetatable({ print = function() end }, { __index = _G })
    assert(load(script, "doc/data.md, piece " .. count, "t", environment))()
  end
  lu.assertEquals(count, 6)
end

-- The examples of doc/looking.md: each is a script that runs and writes what it says.
local lu = require "luaunit"
local support = require "tests.support"

TestLooking = {}

function TestLooking.test_the_examples_run()
  local folder = support.folder()
  local count = 0
  for code in support.read("doc/looking.md"):gmatch "```lua\n(.-)```" do
    count = count + 1
    local script = support.write(("%s/%d.lua"):format(folder, count),
      (code:gsub('"runs/', '"' .. folder .. "/")))
    local r = support.run { script }
    if r.err:find "is not installed" then lu.skip(r.err) end
    lu.assertEquals(r.status, 0, code .. r.err)
  end
  lu.assertEquals(count, 4)
  for name in ("line.jsonl rate.svg cosine.svg clothes.png filters.png rate_0.01.html compare.html "
    .. "best.html"):gmatch "%S+" do
    lu.assertTrue(support.exists(folder .. "/" .. name), name)
  end
end

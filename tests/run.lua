-- run.lua: all LuaUnit suites, or those that are named.
--
--   build/lander tests/run.lua                      every tests/test_*.lua
--   build/lander tests/run.lua test_nn test_args    two of them
--   build/lander tests/run.lua test_nn TestNet      one class, or TestNet.test_name
--
-- The last line is "N passed, N failed"; the exit status tells too.
local lu = require "luaunit"

-- Classes without tests of their own, and other outputs of LuaUnit's, are no business here.
local words = { table.unpack(arg) }

local function all_files()
  local files = {}
  local listing = assert(io.popen "ls tests/test_*.lua")
  for path in listing:lines() do files[#files + 1] = path end
  listing:close()
  return files
end

local function choose()
  local files, tests = {}, {}
  for _, word in ipairs(words) do
    if word:find "^Test" then
      tests[#tests + 1] = word
    else
      local name = word:gsub("^tests/", ""):gsub("%.lua$", "")
      files[#files + 1] = "tests/" .. name .. ".lua"
    end
  end
  return #files > 0 and files or all_files(), tests
end

local function result_line(passed, failed, skipped)
  local line = ("%d passed, %d failed"):format(passed, failed)
  return skipped > 0 and ("%s, %d skipped"):format(line, skipped) or line
end

local files, tests = choose()
local broken = 0
for _, path in ipairs(files) do
  -- A file that can't be loaded is a failure, and no reason to leave the others out.
  local ok, message = xpcall(dofile, debug.traceback, path)
  if not ok then
    broken = broken + 1
    print(("FAIL %s could not be loaded: %s"):format(path, message))
  end
end

local runner = lu.LuaUnit.new()
runner:runSuite("--output", "text", table.unpack(tests))
local result = runner.result
local failed = result.notSuccessCount + broken
local passed = result.runCount - result.notSuccessCount
print(result_line(passed, failed, result.skippedCount))
os.exit(failed == 0 and passed > 0, true)

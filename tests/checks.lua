-- checks.lua: counts and tells for the tests that a stock lua5.4 runs, without LuaUnit.
local checks = {}

local passed, failed = 0, 0

function checks.check(ok, message)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    print("FAIL " .. message)
  end
end

-- The last line, and the end of the program: its status tells too.
function checks.finish()
  print(("%d passed, %d failed"):format(passed, failed))
  os.exit(failed == 0)
end

return checks

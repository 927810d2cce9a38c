-- coverage.lua BUILD [MISSED]: how many lines of src the tests have run, by folder, as gcov
-- counts them in a build folder that was made with --coverage. With a second argument also the
-- lines that were not run, of files whose names have that in them ("." for all).
local BUILD, MISSED = assert(arg[1], "which build folder?"), arg[2]

local files = {} -- by name: by line: how often it was run, at most

-- Headers are counted once, whichever objects include them.
local function read_gcov(object)
  local lines
  for text in io.popen(("gcov -t '%s' 2>/dev/null"):format(object)):lines() do
    local source = text:match "^%s*%-:%s*0:Source:(.*)"
    if source then
      source = source:match "^src/.*" or source:match "/(src/.*)" or source
      if source:find "^src/" and not files[source] then files[source] = {} end
      lines = files[source] or {}
    else
      local count, number = text:match "^%s*([%d#=%*]+):%s*(%d+):"
      if number and number ~= "0" then
        number = math.tointeger(number)
        lines[number] = math.max(lines[number] or 0, tonumber(count:match "^%d+") or 0)
      end
    end
  end
end

for object in io.popen(("find '%s' -name '*.gcno' | sort"):format(BUILD)):lines() do
  local floor = object:sub(#BUILD + 2):match "^(%a+)/"
  if floor ~= "unit" and floor ~= "host" and floor ~= "replay" then read_gcov(object) end
end

local names, folders, order = {}, {}, {}
for name in pairs(files) do names[#names + 1] = name end
table.sort(names)
assert(#names > 100, "no counts in " .. BUILD .. ": run the tests there first")

local function add(folder, run, all)
  if not folders[folder] then
    folders[folder] = { run = 0, all = 0 }
    order[#order + 1] = folder
  end
  local f = folders[folder]
  f.run, f.all = f.run + run, f.all + all
end

local function show_missed(name, missed)
  if #missed == 0 or not MISSED or not name:find(MISSED) then return end
  table.sort(missed)
  local wanted = {}
  for _, number in ipairs(missed) do wanted[number] = true end
  local number = 0
  for text in io.lines(name) do
    number = number + 1
    if wanted[number] then print(("%s:%d: %s"):format(name, number, text)) end
  end
end

for _, name in ipairs(names) do
  local run, all, missed = 0, 0, {}
  for number, count in pairs(files[name]) do
    all = all + 1
    if count > 0 then run = run + 1 else missed[#missed + 1] = number end
  end
  show_missed(name, missed)
  add(name:match "^src/[^/]+/" or "src/", run, all)
end

local run, all = 0, 0
for _, folder in ipairs(order) do
  local f = folders[folder]
  run, all = run + f.run, all + f.all
  print(("%-16s %6d of %6d lines  %5.1f %%"):format(folder, f.run, f.all, 100 * f.run / f.all))
end
print(("%-16s %6d of %6d lines  %5.1f %%"):format("all of src", run, all, 100 * run / all))

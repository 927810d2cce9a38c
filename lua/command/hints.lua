-- hints.lua: what people type who know other shells, and names that are misspelled: what the REPL
-- says about them.
local lander = ...
local core = lander.core

local hints = {}

-- exit, quit: not where these are the user's own names.
function hints.is_exit(line)
  local word = line:match "^%s*(%l+)%s*%(?%s*%)?%s*;?%s*$"
  return (word == "exit" or word == "quit") and rawget(_G, word) == nil
end

-- The word that help is asked about, "" for all; nil: the line asks for none. `help conv`, and
-- `conv?` and `?conv` of other shells.
function hints.asked_help(line)
  local word = line:match "^%s*([%w_.:]+)%s*%?+%s*$" or line:match "^%s*%?+%s*([%w_.:]*)%s*$"
  if word then return word end
  return rawget(_G, "help") == lander.help and (line:match "^%s*help%s*$" and ""
    or line:match "^%s*help%s+([%w_.:]+)%s*$") or nil
end

-- ---- the words of shells ----

-- What does here what a command of the same name does.
local here = {
  train = "lander.train { net = ..., data = ..., solver = { base_lr = 0.01 } }",
  resume = "lander.train { ..., resume = \"latest\" }", test = "lander.test(net, data)",
  predict = "net:predict(x)", tune = "lander.tune { search = ..., trial = ... }",
  plot = "lander.plot(run)", report = "lander.report(run, { to = \"x.html\" })",
  summary = "net:summary()", time = ":time EXPRESSION", info = "lander.load \"x.npz\"",
  version = "lander.version",
}

local shell = { ls = true, pwd = true, cat = true, git = true, python = true, python3 = true,
                bash = true, sh = true, man = true, mkdir = true, rm = true }

local function advice(word, line)
  if word == "cd" then return "files are looked for in the folder that lander was started in" end
  if word == "clear" then return "Ctrl-L clears the window" end
  if shell[word] then
    return ("'%s' is a word for the shell: os.execute %q asks it"):format(word,
      line:match "^%s*(.-)%s*$")
  end
  return here[word] and ("'%s' is a command of the shell (lander %s --help); here it is %s"):format(
    word, word, here[word])
end

-- The first word of a line that is written as shells have it: alone, or words behind it.
local function shell_word(line)
  local word, rest = line:match "^%s*([%a_][%w_]*)%s*(.*)$"
  if not word then return nil end
  if word == "lander" then
    word = rest:match "^%a+"
    return here[word] and word
  end
  local spaced = rest == "" or line:find "^%s*[%w_]+%s+[%w~/.%-]"
  local joined = rest:find "^and%f[^%w_]" or rest:find "^or%f[^%w_]"
  return spaced and not joined and rawget(_G, word) == nil and word or nil
end

-- About a line that begins with a word for a shell; nil: there is nothing to say. A name that the
-- user has given a value is none.
function hints.of_words(line)
  local asked = line:match "^%s*!%s*(.-)%s*$"
  if asked then return ("os.execute %q asks the shell"):format(asked) end
  local magic, rest = line:match "^%s*%%%%?(%a+)%s*(.-)%s*$"
  if magic then return (":%s %s is how it is written; :help lists them"):format(
    magic == "timeit" and "time" or magic, rest) end
  local word = shell_word(line)
  return word and advice(word, line)
end

-- ---- names ----

local locals = {} -- names that were local to a line before

-- The names that a line declares as local, where it does nothing else with them.
local function declared(text)
  text = text:gsub("<%s*%a+%s*>", "")
  local list = text:match "^%s*local%s+function%s+([%a_][%w_]*)"
    or text:match "^%s*local%s+([%a_][%w_,%s]*)=" or text:match "^%s*local%s+([%a_][%w_,%s]*)$"
  local names = {}
  for item in (list or ""):gmatch "[^,]+" do
    local name = item:match "^%s*([%a_][%w_]*)%s*$"
    local _, count = text:gsub("%f[%w_]" .. (name or "") .. "%f[^%w_]", "")
    if name and count == 1 then names[#names + 1] = name end
  end
  return names
end

-- What is said after `local x = 5`; nil: nothing.
function hints.of_locals(text)
  local names = declared(text)
  for _, name in ipairs(names) do locals[name] = true end
  if #names == 0 then return nil end
  return ("%s %s local to this line and gone now; without 'local' it stays"):format(
    table.concat(names, ", "), #names > 1 and "were" or "was")
end

local function owners()
  return { [""] = _G, lander = lander, ["lander.data"] = lander.data,
    ["lander.image"] = lander.image,
    ["lander.data.synthetic"] = lander.data.synthetic }
end

-- A name that gave nil, in one of the library's tables or alone, is misspelled more often than not;
-- nil: there is nothing to say.
function hints.of_nil(text)
  local path, name = text:match "^%s*(.-)%.?([%a_][%w_]*)%s*$"
  local owner = owners()[path]
  if not owner or rawget(owner, name) ~= nil then return nil end
  local near = core.did_you_mean(name, core.sorted_keys(owner))
  if owner == _G then
    if locals[name] then return ("there is no '%s': it was local to its line"):format(name) end
    if near == "" then return nil end
  end
  return ("there is no '%s'%s%s"):format(name, path == "" and "" or " in " .. path, near)
end

return hints

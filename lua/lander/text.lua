-- text.lua: words for people: the word that was meant, option tables that are checked,
-- numbers, sizes and tables of text. For the other files here (lander.core).
local lander = ...
local core = lander.core

-- Edits between two words, a swap of neighbours counting as one
-- (Damerau-Levenshtein, optimal string alignment).
local function distance(a, b)
  local previous, older = {}, nil
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], older[j - 2] + 1)
      end
    end
    older, previous = previous, row
  end
  return previous[#b]
end

-- The one of `words` that begins as this does, which was cut short; nil: none or several do.
local function begun(word, words)
  local found
  for _, candidate in ipairs(#word >= 3 and words or {}) do
    if candidate:sub(1, #word):lower() == word and candidate ~= found then
      if found then return nil end
      found = candidate
    end
  end
  return found
end

-- The nearest of `words`, or nil when none is near enough to be meant: at most a third
-- of the letters, and at least one, wrong; but never all of them. Capitals count as small ones.
function core.nearest(word, words)
  local best, least = nil, math.huge
  word = word:lower()
  for _, candidate in ipairs(words) do
    local d = distance(word, candidate:lower())
    local most = math.min(#word - 1, math.max(1, math.max(#word, #candidate) // 3))
    if d < least and d <= math.max(0, most) then
      best, least = candidate, d
    end
  end
  return best or begun(word, words)
end

function core.did_you_mean(word, words)
  local nearest = core.nearest(word, words)
  return nearest and (", did you mean '%s'?"):format(nearest) or ""
end

-- The word that was meant; where none is near, all that there are.
function core.known_words(word, words)
  local meant = core.did_you_mean(word, words)
  return meant ~= "" and meant or "; there are " .. table.concat(words, ", ")
end

function core.sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

-- Whether there is a nil among the unnamed entries: { a, nil, b }.
function core.has_hole(t)
  local count = 0
  for key in pairs(t) do
    if math.type(key) == "integer" then count = count + 1 end
  end
  return count ~= #t
end

-- What is wrong with a table of options, or nil. `known` maps each name to the type it
-- must have: "number", "integer" (from 1), "count" (from 0), "string", "boolean",
-- "table", "function", "any", or several with a bar between.
local matches = {
  integer = function(v) return math.type(v) == "integer" and v >= 1 end,
  count = function(v) return math.type(v) == "integer" and v >= 0 end,
  any = function() return true end,
}
local said = { integer = "an integer from 1", count = "an integer from 0" }
for kind in ("number string boolean table function"):gmatch "%a+" do said[kind] = "a " .. kind end

local function fits(value, kinds)
  for kind in kinds:gmatch "[^|]+" do
    local match = matches[kind]
    if match and match(value) or not match and type(value) == kind then return true end
  end
  return false
end

function core.check_options(owner, options, known)
  if type(options) ~= "table" then
    return ("%s takes a table of options, found a %s"):format(owner, type(options))
  end
  for key, value in pairs(options) do
    if type(key) ~= "string" then
      return ("%s: options have names, found an entry without one"):format(owner)
    end
    local kinds = known[key]
    if not kinds then
      return ("%s: unknown option '%s'%s"):format(owner, key,
        core.did_you_mean(key, core.sorted_keys(known)))
    end
    if not fits(value, kinds) then
      local wanted = kinds:gsub("[^|]+", said):gsub("|", " or ")
      return ("%s: option '%s' must be %s, found %s"):format(owner, key, wanted,
        type(value) == "number" and tostring(value) or "a " .. type(value))
    end
  end
end

-- Errors of the library's own Lua without the place where they were raised there.
function core.plain_message(message)
  if type(message) ~= "string" then return message end
  return (message:gsub("^lander/[%w_]+%.lua:%d+: ", ""):gsub("^command/[%w_]+%.lua:%d+: ", ""))
end

-- Calls f(...) and raises its error where the caller of the caller is: at the user's
-- line. `return core.at_user(...)` would be a tail call, which loses a level.
function core.at_user(f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then error(core.plain_message(results[2]), 3) end
  return table.unpack(results, 2, results.n)
end

function core.is_finite(x)
  return x == x and x ~= math.huge and x ~= -math.huge
end

-- How many numbers there are of this size, or of its dimensions from `first` on.
function core.product(size, first)
  local count = 1
  for i = first or 1, #size do count = count * size[i] end
  return count
end

-- Not a number, as all machines print it: the sign of 0 / 0 is the processor's.
local nan = 0 / 0
core.nan = tostring(nan):find "^%-" and -nan or nan

-- A number for people: four digits, and words for what is none.
function core.number_text(x)
  if x == nil then return "-" end
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  if math.type(x) == "integer" then return tostring(x) end
  return ("%.4g"):format(x)
end

local MOST_DIGITS = 12

-- A share of one, such as an accuracy, or R2: with four digits behind the point, and with more
-- where it would be said to be 1 and isn't. text: what is said of it otherwise.
function core.share_text(x, text)
  local digits = 4
  text = text or ("%.4f"):format(x)
  while x < 1 and tonumber(text) == 1 and digits < MOST_DIGITS do
    digits = digits + 1
    text = ("%%.%df"):format(digits):format(x)
  end
  return text
end

-- What a word of the command line stands for: a number, true, false, or itself.
function core.value_of(text)
  local number = tonumber(text)
  if number then return math.tointeger(number) or number end
  if text == "true" or text == "false" then return text == "true" end
  return text
end

-- A word as a shell reads it: in quotes where it would see more in it. What would steer the
-- terminal on which it is shown is written in octal, which bash, zsh and ksh read between $' and '.
local function shell_word(word)
  if word:find "^[%w_./=:,@%%+-]+$" then return word end
  if core.harmless_word(word) == word then return "'" .. word:gsub("'", "'\\''") .. "'" end
  return "$'" .. word:gsub("[^%w_./=:,@%%+ -]", function(c)
    return ("\\%03o"):format(c:byte())
  end) .. "'"
end

function core.shell_words(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = shell_word(word) end
  return table.concat(quoted, " ")
end

-- 431080 -> "431,080"
function core.count_text(n)
  local text = ("%d"):format(n)
  repeat
    local changed
    text, changed = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2")
  until changed == 0
  return text
end

-- {20, 24, 24} -> "20x24x24"
function core.size_text(size)
  return #size > 0 and table.concat(size, "x") or "1"
end

-- Rows of texts as lines with columns; those named in `right` lie at the right edge.
function core.columns(rows, right)
  local width = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, #cell) end
  end
  local lines = {}
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local gap = (" "):rep(width[i] - #cell)
      cells[i] = right[i] and gap .. cell or cell .. gap
    end
    lines[n] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return lines
end

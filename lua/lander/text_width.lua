-- text_width.lua: how much room a text takes on a line, and as much of it as there is room for.
local lander = ...
local core = lander.core

-- Letters as wide as two of the others (Unicode Standard Annex 11: East Asian Width W and F, in
-- large).
local WIDE = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
               { 0xfe30, 0xfe4f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff },
               { 0x20000, 0x3fffd } }

local function width_of(letter)
  for _, range in ipairs(letter >= 0x1100 and WIDE or {}) do
    if letter >= range[1] and letter <= range[2] then return 2 end
  end
  return 1
end

-- In letters of ASCII. Of what is no UTF-8, bytes.
function core.text_width(text)
  if not text:find "[\x80-\xff]" or not utf8.len(text) then return #text end
  local width = 0
  for _, letter in utf8.codes(text) do width = width + width_of(letter) end
  return width
end

-- Pixels of a sans serif of 13 pixels, a broad one (DejaVu Sans), since nobody knows the reader's.
local BROAD, NARROW, OTHER = 12.7, 5.2, 8.3

function core.pixel_width(text)
  local ascii = text:gsub("[\x80-\xff]", "")
  local broad = select(2, ascii:gsub("[mwMW@%%]", ""))
  local narrow = select(2, ascii:gsub("[iljtfrI.,:;'|! ()%[%]-]", ""))
  local beyond = core.text_width(text) - #ascii
  return broad * BROAD + narrow * NARROW + (#ascii - broad - narrow + beyond) * OTHER
end

-- Marks over a letter, which would stand above each other without an end.
local MARKS = { { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
                { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f } }
local MOST_MARKS = 3

local function is_mark(letter)
  for _, range in ipairs(letter >= 0x300 and MARKS or {}) do
    if letter >= range[1] and letter <= range[2] then return true end
  end
end

-- A text in which no letter has more marks than those.
function core.with_few_marks(text)
  if not text:find "[\xcc-\xef]" or not utf8.len(text) then return text end
  local parts, marks = {}, 0
  for _, letter in utf8.codes(text) do
    marks = is_mark(letter) and marks + 1 or 0
    if marks <= MOST_MARKS then parts[#parts + 1] = utf8.char(letter) end
  end
  return table.concat(parts)
end

-- The letters of a text, or its bytes where it is no UTF-8.
local function letters_of(text)
  local list = {}
  for letter in text:gmatch(utf8.len(text) and utf8.charpattern or ".") do
    list[#list + 1] = letter
  end
  return list
end

-- As many letters from one end on, forwards (1) or backwards (-1), as go into `room`.
local function taken(letters, from, by, room, width)
  local at = from
  while letters[at] and room >= width(letters[at]) do
    room = room - width(letters[at])
    at = at + by
  end
  return at - by
end

-- At most so much of a text, of its beginning and its end: names of runs differ there. width: of a
-- text; without it in letters.
function core.cut_middle(text, most, sign, width)
  width = width or core.text_width
  if width(text) <= most then return text end
  local letters, room = letters_of(text), most - width(sign)
  local first = taken(letters, 1, 1, room // 2, width)
  local last = taken(letters, #letters, -1, room - room // 2, width)
  return table.concat(letters, "", 1, first) .. sign .. table.concat(letters, "", last)
end

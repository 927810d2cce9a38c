-- divergence.lua: a divergence in words, the same on the terminal, in curves and on pages.
local lander = ...
local core = lander.core

-- What a rule compares with its bound, where that is not the loss itself.
local measured = { R3 = "median of the last 5", R4 = "median of the last 5",
                   R4b = "mean of the last 100", R5 = "mean of the last 100" }

-- What else was not finite.
local what_else = { R2 = ", gradient not finite", R7 = ", weights not finite" }

-- rule R3, median of the last 5: 247.6; of a divergence or its event in a journal.
function core.rule_words(what)
  local parts = { "rule " .. tostring(what.rule) }
  local value = measured[what.rule] and core.row_value(what, "value")
  if what.reason then parts[2] = tostring(what.reason) end
  if value then
    parts[#parts + 1] = ("%s: %s"):format(measured[what.rule], core.number_text(value))
  end
  if what.where then parts[#parts + 1] = "first in " .. tostring(what.where) end
  return table.concat(parts, ", ")
end

-- loss 6.58e+12, was 2.535 (rule R3, median of the last 5: 247.6)
function core.divergence_words(what)
  local than = what.rule == "R5" and "chance" or "was"
  return ("loss %s%s%s (%s)"):format(core.number_text(core.row_value(what, "loss")),
    what.baseline and (", %s %s"):format(than, core.number_text(what.baseline)) or "",
    what_else[what.rule] or "", core.rule_words(what))
end

-- divergence.lua: a divergence in words, the same on the terminal, in curves and on pages.
local lander = ...
local core = lander.core

-- What a rule compares with its bound, where that is not the loss itself.
local measured = { R3 = "median of the last 5", R4 = "median of the last 5",
                   R4b = "mean of the last 100", R5 = "mean of the last 100" }

local meanings = {
  { "R1", "the loss or an output was not finite" },
  { "R2", "a gradient was not finite" },
  { "R3", "the loss was far above the first one" },
  { "R4", "the loss was far above those before it" },
  { "R4b", "the loss was back at chance" },
  { "R5", "nothing was learnt, and the net is dead" },
  { "R7", "weights were not finite" },
}

-- What a rule has seen; nil: there is no such rule.
function core.rule_meaning(rule)
  for _, meaning in ipairs(meanings) do
    if meaning[1] == rule then return meaning[2] end
  end
end

-- Those that have seen something in this run, as a sentence; "" where none has.
function core.rules_text(rows)
  local fired, parts = {}, {}
  for _, row in ipairs(rows) do
    if row.event == "diverged" and row.rule then fired[row.rule] = true end
  end
  for _, meaning in ipairs(meanings) do
    if fired[meaning[1]] then parts[#parts + 1] = "Rule " .. table.concat(meaning, ": ") end
  end
  return #parts > 0 and table.concat(parts, ". ") .. "." or ""
end

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

local hints = { ["rate too low"] = "a higher base_lr may help",
                ["nothing to learn"] = "are the labels right, and the inputs scaled?" }

-- A warning of rule R5: the loss is where it was, and the weights tell why.
function core.warning_words(what)
  return ("at iteration %s the loss is %s, still at chance (%s): %s, the weights have moved by %s "
    .. "of their size (rule %s); %s"):format(core.number_text(what.iter),
    core.number_text(what.value), core.number_text(what.baseline), tostring(what.reason),
    core.number_text(what.distance), tostring(what.rule),
    hints[what.reason] or "look at the net and the data")
end

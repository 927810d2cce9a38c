-- class_names.lua: what classes are called wherever they are told: by their names, or by the label
-- that they have in the file that was read.
local lander = ...
local core = lander.core

-- Keeps the label that the first class has in a file, for a reader of labels that are numbers.
function core.keep_first_label(d, options)
  if d.classes > 0 and not d:class_names() then
    core.about_data(d).first_label = options and options.first or 0
  end
  return d
end

-- A function that says what class k is called. known: what a training has noted with its net
-- (core.noted_data), nil or {}: nothing; d: a dataset of these classes, or nil.
function core.class_namer(known, d)
  known = known or {}
  local names = d and d:class_names() or known.class_names or {}
  local first = d and core.about_data(d).first_label or known.first_label
  local target = core.harmless_word((d and d:targets() or known.targets or {})[1] or "label")
  return function(k)
    if names[k] then return core.harmless_word(names[k]) end
    return first and ("%s %d"):format(target, k - 1 + first) or "class " .. k
  end
end

-- help.lua: lander help [WORD]: on a command, a layer, an option; the man page and the shells'
-- completions, made from the same tables as the help.
local lander = ...
local core = lander.core

local command = {
  usage = "help [WORD]", help = "help on a command, a layer, a solver, an option",
  least = 0, most = 1,
  defaults = { man = false, completion = "" },
  about = { man = "the manual page, for man(1)", completion = "for a shell: bash, zsh or fish" },
}

function command.run(opt)
  if opt.man or opt.completion ~= "" then
    local pages = core.load_source "command/pages.lua"(lander)
    return core.print(opt.man and pages.man() or pages.completion(opt.completion))
  end
  local word = opt[1]
  if not word then return core.print(core.usage_text()) end
  local found = core.commands.find(word)
  core.print(found and core.commands.help_text(found) or core.help_text(word) .. "\n")
end

return command

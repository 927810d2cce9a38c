-- help.lua: lander help [WORD]: on a command, a layer, an option; the man page and the shells'
-- completions, made from the same tables as the help.
local lander = ...
local core = lander.core

local command = {
  usage = "help [WORD]", help = "help on a command, a function, a layer, an option",
  first_words = function()
    local names = core.help_names()
    return table.move(core.commands.names, 1, #core.commands.names, #names + 1, names)
  end,
  least = 0, most = 1,
  defaults = { man = false, completion = "" },
  examples = { completion = "bash" },
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
  if found then return core.print(core.commands.help_text(found)) end
  local text, message = core.help_text(word)
  if not text then
    local near = core.nearest(word, core.commands.names)
    core.exit(2, message:find("did you mean", 1, true) and message or message
      .. (near and (", did you mean lander %s?"):format(near)
        or "; lander help lists the commands, help() at the prompt everything"))
  end
  core.print(text .. "\n")
end

return command

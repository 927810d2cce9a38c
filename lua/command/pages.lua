-- pages.lua: the manual page and the shells' completions, from the tables of options.
local lander = ...
local core = lander.core
local pages = {}

-- ---- man(1) ----

local function escape(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

local function man_entry(term, text)
  return (".TP\n.B %s\n%s\n"):format(escape(term), escape(text))
end

local function man_command(command)
  local lines = { (".SS lander %s\n%s.\n"):format(escape(command.usage), escape(command.help)) }
  for _, option in ipairs(core.commands.options(command)) do
    local default = option.default
    local is_untold = type(default) == "boolean" or default == nil or default == ""
    local said = (is_untold or option.is_unset) and ""
      or (" (default %s)"):format(core.default_text(default))
    lines[#lines + 1] = man_entry("--" .. option.name, (option.help or "") .. said)
  end
  return table.concat(lines)
end

function pages.man()
  local parts = {
    (".TH LANDER 1 \"\" \"lander %s\" \"User Commands\"\n"):format(lander.version),
    ".SH NAME\nlander \\- trains neural networks, scripted in Lua\n",
    ".SH SYNOPSIS\n.B lander\n[options] [script.lua [arguments]]\n.br\n.B lander\n"
      .. "COMMAND [arguments]\n",
    ".SH DESCRIPTION\nRuns a Lua script that defines and trains networks, a command, or, with\n"
      .. "neither, an interactive session. Where a training diverges, Lander goes back to a good\n"
      .. "state and lowers the learning rate by itself.\n",
    ".SH OPTIONS\n",
  }
  for _, o in ipairs(core.command_options) do
    parts[#parts + 1] = man_entry(o[1] .. (o[2] and " " .. o[2] or ""), o[3])
  end
  parts[#parts + 1] = ".SH COMMANDS\n"
  for _, command in ipairs(core.commands.list()) do parts[#parts + 1] = man_command(command) end
  parts[#parts + 1] = ".SH DATA\n.nf\n" .. escape(core.commands.datasets.more) .. "\n.fi\n"
  parts[#parts + 1] = ".SH EXIT STATUS\n0 done, 1 error, 2 usage, 3 diverged, 4 recovered (with\n"
    .. ".BR \\-\\-strict ),\n5 bad data, 6 could not save, 130 interrupted.\n"
    .. ".SH SIGNALS\nSIGINT and SIGTERM end a training after its iteration, with a snapshot; "
    .. "a second\none at once. SIGHUP takes a snapshot, SIGUSR1 prints the status line.\n"
    .. ".SH FILES\n.I ~/.local/state/lander/history\n.br\nlines typed in the interactive session\n"
    .. ".SH ENVIRONMENT\n.B NO_COLOR\nno colours; \n.B XDG_STATE_HOME\nwhere the history goes\n"
  return table.concat(parts)
end

-- ---- completions ----

-- Those with a value and, in a list of their own, those without.
local function flags(command)
  local valued, plain = {}, { "--help" }
  for _, option in ipairs(core.commands.options(command)) do
    if option.kind ~= "flag" then
      valued[#valued + 1] = ("--%s="):format(option.name)
    else
      plain[#plain + 1] = "--" .. option.name
      plain[#plain + 1] = option.default and "--no-" .. option.name or nil
    end
  end
  return valued, plain
end

local function own_flags()
  local list = {}
  for _, o in ipairs(core.command_options) do
    if o[1] ~= "-" then list[#list + 1] = o[1] end
  end
  return list
end

local function names()
  local list = {}
  for i, command in ipairs(core.commands.list()) do list[i] = command.name end
  return list
end

local function words(list)
  return table.concat(list, " ")
end

-- What a command's first word may be, besides a file.
local function first_words(command)
  return words(command.first_words and command.first_words() or {})
end

-- Where none of our words begins so, the shell completes files by itself: it knows how names with
-- spaces are quoted, and takes the part behind the = and the : of --data=csv:FILE for a word; but
-- not where somebody took these out of COMP_WORDBREAKS.
local function bash()
  local cases = {}
  for i, command in ipairs(core.commands.list()) do
    local valued, plain = flags(command)
    cases[i] = ('    %s) first="%s" options="%s %s" ;;'):format(command.name, first_words(command),
      words(plain), words(valued))
  end
  return ([=[
# bash completion for lander
_lander() {
  local current="${COMP_WORDS[COMP_CWORD]}" at=1 first="" options="" list=""
  COMPREPLY=()
  while [[ $at -lt $COMP_CWORD && ${COMP_WORDS[at]} == -* ]]; do
    if [[ ${COMP_WORDS[at]} == -e ]]; then at=$((at + 1)); fi
    at=$((at + 1))
  done
  case "${COMP_WORDS[at]}" in
%s
  esac
  if [[ $at -ge $COMP_CWORD ]]; then first="%s" options="%s" at=$((COMP_CWORD - 1)); fi
  if [[ $current == -* ]]; then list="$options"
  elif [[ $COMP_CWORD -eq $((at + 1)) ]]; then list="$first"; fi
  if [[ $current == *[!=:]*[=:]* ]]; then
    local last="${current##*[=:]}" file
    while IFS= read -r file; do
      if [[ -d $file ]]; then compopt -o nospace; file+=/; fi
      COMPREPLY+=("${current%%"$last"}$(printf %%q "$file")")
    done < <(compgen -f -- "$last")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$list" -- "$current")
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o bashdefault -o default -F _lander lander
]=]):format(table.concat(cases, "\n"), words(names()), words(own_flags()))
end

local function zsh()
  local commands, cases = {}, {}
  for i, command in ipairs(core.commands.list()) do
    local valued, plain = flags(command)
    commands[i] = ("    '%s:%s'"):format(command.name, command.help:gsub("'", ""):gsub(":", " "))
    cases[i] = ("    %s) first=(%s) plain=(%s) valued=(%s) ;;"):format(command.name,
      first_words(command), words(plain), words(valued))
  end
  return ([[
#compdef lander
_lander() {
  local -a commands first plain valued
  commands=(
%s
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    compadd -- %s
    _files
    return
  fi
  case $words[2] in
%s
  esac
  if (( CURRENT == 3 )); then compadd -- $first; fi
  compadd -- $plain
  compadd -S '' -- $valued
  compset -P '*[=:]'
  _files
}
_lander "$@"
]]):format(table.concat(commands, "\n"), words(own_flags()), table.concat(cases, "\n"))
end

local function fish()
  local lines = { "# fish completion for lander" }
  for _, o in ipairs(core.command_options) do
    local long = o[1]:match "^%-%-(.+)$"
    local letter = o[1]:match "^%-(%a)$"
    local flag = long and "-l " .. long or letter and "-s " .. letter
    if flag then lines[#lines + 1] = ("complete -c lander %s -d '%s'"):format(flag, o[3]) end
  end
  for _, command in ipairs(core.commands.list()) do
    lines[#lines + 1] = ("complete -c lander -n __fish_use_subcommand -a %s -d '%s'"):format(
      command.name, command.help:gsub("'", ""))
    if command.first_words then
      lines[#lines + 1] = ("complete -c lander -n '__fish_seen_subcommand_from %s' -a '%s'"):format(
        command.name, first_words(command))
    end
    for _, option in ipairs(core.commands.options(command)) do
      lines[#lines + 1] = ("complete -c lander -n '__fish_seen_subcommand_from %s' -l %s%s "
        .. "-d '%s'"):format(command.name, option.name, option.kind ~= "flag" and " -r" or "",
        (option.help or ""):gsub("'", ""))
      if option.kind == "flag" and option.default then
        lines[#lines + 1] = ("complete -c lander -n '__fish_seen_subcommand_from %s' -l no-%s")
          :format(command.name, option.name)
      end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local shells = { bash = bash, zsh = zsh, fish = fish }

function pages.completion(shell)
  if not shells[shell] then
    core.exit(2, ("help --completion: there are bash, zsh and fish, found '%s'"):format(shell))
  end
  return shells[shell]()
end

return pages

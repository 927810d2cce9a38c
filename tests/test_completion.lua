-- test_completion.lua: TAB in the shells: the completions that `lander help --completion=SHELL`
-- writes, in the shell itself, on a pseudo-terminal.
local lu = require "luaunit"
local support = require "tests.support"

TestCompletion = {}

local folder -- of a user, with some files in it

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1")
end

function TestCompletion.setUp()
  folder = support.folder()
  support.write(folder .. "/my file.csv", "")
  support.write(folder .. "/iris.csv", "")
  support.write(folder .. "/net.npz", "")
end

-- What a shell makes of lines, in each of which \t is TAB: the words that it would call the command
-- with, one in <> each. `script` is what it reads at first, from the file `start`.
local function completed(shell, start, script, lines)
  local path = folder .. "/words.txt"
  local steps = { "expect ready" }
  for i, line in ipairs(lines) do
    -- The command's name is what tells how it is completed; then another one takes its words.
    steps[#steps + 1] = ("type %s\\x01words \\r"):format(line)
    steps[#steps + 1] = ("expect shown %d"):format(i)
  end
  steps[#steps + 1] = "type exit\\r"
  steps[#steps + 1] = "end"
  support.write(folder .. "/steps", table.concat(steps, "\n") .. "\n")
  support.write(folder .. "/" .. start, ([[
cd %s
words() {
  shift; printf '<%%s>' "$@" >>words.txt; echo >>words.txt
  n=$((n + 1)); echo "sho""wn $n"
}
n=0
]]):format(folder) .. script .. "\necho rea''dy\n")
  local r = support.run({ "-c", ("HOME=%s ZDOTDIR=%s %s %s/steps %s"):format(folder, folder,
    support.executable:match "^(.*)/" .. "/tools/terminal", folder, shell) }, { program = "sh" })
  lu.assertEquals({ r.out:match "waited in vain for[^\n]*", r.status }, { nil, 0 }, r.out)
  local list = {}
  for line in support.read(path):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

local function script_of(shell)
  return support.run({ "help", "--completion=" .. shell }).out
end

local lines = {
  "lander tra\\tx", "lander train mlp --hid\\t16", "lander train mlp --qui\\tx",
  "lander train mlp --data=csv:ir\\tx", "lander train len\\tx", "lander train lenet net\\tx",
  "lander summary resnet1\\tx", "lander plot my\\tx", "lander iri\\tx",
  "lander train mlp --no-ret\\tx", "lander help batch_n\\tx",
}

local function check(found)
  lu.assertEquals(found, {
    "<train><x>", "<train><mlp><--hidden=16>", "<train><mlp><--quiet><x>",
    "<train><mlp><--data=csv:iris.csv><x>", "<train><lenet><x>", "<train><lenet><net.npz><x>",
    "<summary><resnet18><x>", "<plot><my file.csv><x>", "<iris.csv><x>",
    "<train><mlp><--no-retry><x>", "<help><batch_norm><x>",
  })
end

function TestCompletion.test_bash()
  if not has "bash" then lu.skip "there is no bash" end
  support.write(folder .. "/lander.bash", script_of "bash")
  local more = { "lander --strict tra\\tx", "lander plot 'my\\tx",
                 "lander train mlp --hidden=16 ir\\tx" }
  local found = completed(("bash --noprofile --rcfile %s/start -i"):format(folder), "start",
    ". ./lander.bash", table.move(more, 1, #more, #lines + 1, { table.unpack(lines) }))
  check { table.unpack(found, 1, #lines) }
  lu.assertEquals({ table.unpack(found, #lines + 1) }, { "<--strict><train><x>",
    "<plot><my file.csv><x>", "<train><mlp><--hidden=16><iris.csv><x>" })
end

-- Some take signs out of those that end a word.
function TestCompletion.test_bash_with_other_words()
  if not has "bash" then lu.skip "there is no bash" end
  support.write(folder .. "/lander.bash", script_of "bash")
  os.execute("mkdir " .. folder .. "/pets")
  local found = completed(("bash --noprofile --rcfile %s/start -i"):format(folder), "start",
    ". ./lander.bash; COMP_WORDBREAKS=\" '\"", { "lander train mlp --hid\\t16",
      "lander train mlp --data=csv:ir\\tx", "lander train mlp --data=csv:my\\tx",
      "lander train mlp --data=images:pe\\t,size=8x8" })
  lu.assertEquals(found, { "<train><mlp><--hidden=16>", "<train><mlp><--data=csv:iris.csv><x>",
    "<train><mlp><--data=csv:my file.csv><x>", "<train><mlp><--data=images:pets/,size=8x8>" })
end

function TestCompletion.test_fish()
  if not has "fish" then lu.skip "there is no fish" end
  local path = support.write(folder .. "/lander.fish", script_of "fish")
  local function completes(line)
    local r = support.run({ "-c", ("cd %s; source %s; complete -C '%s'"):format(folder, path,
      line) }, { program = "fish" })
    lu.assertEquals({ r.status, r.err }, { 0, "" })
    return (r.out:gsub("\t[^\n]*", ""))
  end
  lu.assertEquals(completes "lander tra", "train\n")
  lu.assertEquals(completes "lander train len", "lenet\n")
  lu.assertEquals(completes "lander train mlp --hid", "--hidden\n")
  lu.assertEquals(completes "lander train mlp --no-ret", "--no-retry\n")
  lu.assertEquals(completes "lander summary resnet1", "resnet18\n")
  lu.assertEquals(completes "lander train mlp --data=csv:ir", "--data=csv:iris.csv\n")
end

function TestCompletion.test_zsh()
  if not has "zsh" then lu.skip "there is no zsh" end
  support.write(folder .. "/_lander", script_of "zsh")
  check(completed("zsh -d -i", ".zshrc",
    "fpath=($PWD $fpath); bindkey -e; autoload -Uz compinit; compinit -u -D", lines))
end

-- symbols.lua BUILD: what the libraries in a build folder take from the system and what they
-- show of themselves, as nm lists it.
--
-- A library that a host trusts never ends the process, prints, reads or changes the
-- environment, installs signal handlers, starts programs, or jumps over the host's frames; it
-- keeps no state that the C library shares between threads.
local BUILD = assert(arg[1], "which build folder?")

local forbidden = {}
for word in ([[
  exit _exit _Exit quick_exit abort __assert_fail __assert_perror_fail raise
  printf vprintf fprintf vfprintf dprintf vdprintf puts putchar putc fputs fputc fwrite perror
  __printf_chk __vprintf_chk __fprintf_chk __vfprintf_chk __dprintf_chk psignal warn err error
  stdin stdout stderr syslog
  getenv secure_getenv __secure_getenv setenv putenv unsetenv clearenv environ __environ
  signal sigaction bsd_signal sysv_signal __sysv_signal sigset sigprocmask alarm setitimer
  system popen fork vfork execve execv execvp posix_spawn
  setjmp _setjmp __sigsetjmp longjmp _longjmp siglongjmp __longjmp_chk
  setlocale chdir umask atexit on_exit
  rand srand random srandom drand48 strtok strerror localtime gmtime ctime asctime readdir_r
  tmpnam mktemp
]]):gmatch "%S+" do forbidden[word] = true end

local checks = require "tests.checks"
local check = checks.check

-- The names that nm lists with these options, without their versions.
local function names(options, path)
  local list = {}
  for line in io.popen(("nm %s '%s' 2>&1"):format(options, path)):lines() do
    local name = line:match " %a ([%w_.]+)[@%w_.]*$"
    if name then list[#list + 1] = name end
  end
  return list
end

local function check_taken(path, options)
  local taken = names(options, path)
  check(#taken > 50, ("%s takes only %d names: is it there?"):format(path, #taken))
  for _, name in ipairs(taken) do
    check(not forbidden[name], ("%s uses %s"):format(path, name))
  end
end

local function check_shown(path, options)
  local shown = names(options, path)
  check(#shown > 0, path .. " shows nothing")
  for _, name in ipairs(shown) do
    check(name:find "^lander_" or name == "luaopen_lander", ("%s shows %s"):format(path, name))
  end
end

for _, name in ipairs { "liblander.so", "lander.so" } do
  check_taken(BUILD .. "/" .. name, "-D -u")
  check_shown(BUILD .. "/" .. name, "-D --defined-only")
end
check_taken(BUILD .. "/liblander.a", "-u")
check_shown(BUILD .. "/liblander.a", "-g --defined-only")

checks.finish()

-- test_install.lua: make install puts everything where it belongs, what is there works from
-- there, and make uninstall takes all of it away.
local lu = require "luaunit"
local support = require "tests.support"

local build = support.executable:match "^(.*)/[^/]*$"

local function sh(command, ...)
  local pipe = assert(io.popen(("{ " .. command .. "\n} 2>&1"):format(...)))
  local said = pipe:read "a"
  return pipe:close(), said
end

local function must(command, ...)
  local ok, said = sh(command, ...)
  lu.assertTrue(ok, said)
  return said
end

-- An installation with the given words for make.
local function installed(words)
  if build ~= "build" then lu.skip "of the plain build alone" end
  local root = support.folder()
  words = ("%s DESTDIR='%s'"):format(words or "PREFIX=/opt/x", root)
  must("make -s install %s", words)
  return root, words
end

TestInstall = {}

function TestInstall.test_what_is_where()
  local root = installed()
  for _, path in ipairs { "bin/lander", "include/lander.h", "lib/liblander.a", "lib/liblander.so",
      "lib/liblander.so.1", "lib/lua/5.4/lander.so", "lib/pkgconfig/lander.pc",
      "share/man/man1/lander.1", "share/bash-completion/completions/lander",
      "share/zsh/site-functions/_lander", "share/fish/vendor_completions.d/lander.fish",
      "share/lander/library/lander.lua", "share/lander/models/lenet.lua",
      "share/lander/scripts/demo.lua", "share/doc/lander/embedding.md" } do
    lu.assertTrue(support.exists(root .. "/opt/x/" .. path), path)
  end
  lu.assertEquals(must("readlink %s/opt/x/lib/liblander.so", root), "liblander.so.1\n")
end

function TestInstall.test_the_command_and_the_module_work_from_there()
  local root = installed()
  lu.assertStrContains(must("cd / && %s/opt/x/bin/lander --version", root), "lander")
  lu.assertEquals(must("cd / && LUA_CPATH='%s/opt/x/lib/lua/5.4/?.so' lua5.4 -e "
    .. [["print(require('lander').ones(2, 3):sum())"]], root), "6.0\n")
end

-- A host that knows pkg-config's words and nothing else, with either library.
function TestInstall.test_a_host_by_pkg_config()
  local root = installed()
  if not os.execute "command -v pkg-config >/dev/null 2>&1" then lu.skip "no pkg-config" end
  must([[cd %s && export PKG_CONFIG_PATH=%s/opt/x/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=%s
    src=$OLDPWD/tests/embed/threads.c
    cc -std=c11 $src -o shared $(pkg-config --cflags --libs lander) -pthread &&
    LD_LIBRARY_PATH=%s/opt/x/lib ./shared &&
    cc -std=c11 $src -o static $(pkg-config --cflags lander) %s/opt/x/lib/liblander.a \
      $(pkg-config --static --libs-only-l lander | sed s/-llander//) -pthread &&
    ./static]], root, root, root, root, root)
end

function TestInstall.test_nothing_installed_looks_into_the_build()
  local root = installed()
  if not os.execute "command -v readelf >/dev/null 2>&1" then lu.skip "no readelf" end
  lu.assertNotStrContains(must("cd %s/opt/x && readelf -d bin/lander lib/*.so lib/lua/5.4/*.so",
    root), "PATH")
end

function TestInstall.test_uninstall()
  local root, words = installed()
  must("make -s uninstall %s", words)
  lu.assertEquals(must("cd %s && find . ! -type d", root), "")
  lu.assertEquals(must("cd %s/opt/x && find . -mindepth 1", root), "") -- the prefix itself stays
  -- What others have put there stays; so do the system's own folders.
  must("make -s install %s && touch %s/opt/x/share/man/mine && make -s uninstall %s", words, root,
    words)
  lu.assertEquals(must("cd %s/opt/x && find . -type f", root), "./share/man/mine\n")
  root, words = installed "PREFIX=/usr"
  must("make -s uninstall %s", words)
  lu.assertEquals(must("cd %s/usr && find . -name '*lander*'", root), "")
  lu.assertStrContains(must("cd %s/usr && find . -type d", root), "./share/man/man1\n")
end

-- Links of the manual lead to what is there.
function TestInstall.test_the_manuals_links()
  local root = installed()
  local folder = root .. "/opt/x/share/doc/lander/"
  local count = 0
  for name in must("ls %s", folder):gmatch "(%w+%.md)\n" do
    for link in support.read(folder .. name):gmatch "%]%(([%w_/.]+)%)" do
      count = count + 1
      lu.assertTrue(support.exists(folder .. link), name .. ": " .. link)
    end
  end
  lu.assertTrue(count > 20, count)
end

-- A space in DESTDIR, which must not lead uninstall to files of others either.
function TestInstall.test_a_destdir_with_a_space()
  if build ~= "build" then lu.skip "of the plain build alone" end
  local root = support.folder()
  local words = ("PREFIX=/opt/x DESTDIR='%s/a b'"):format(root)
  must("make -s install %s && make -s install %s", words, words)
  lu.assertTrue(support.exists(root .. "/a b/opt/x/lib/liblander.so"))
  must("touch %s/a && make -s uninstall %s", root, words)
  lu.assertEquals(must("cd %s && find . ! -type d", root), "./a\n")
end

-- Where the system's lua5.4 looks.
function TestInstall.test_the_module_under_usr()
  local root = installed "PREFIX=/usr"
  local folder = must("pkg-config --variable=INSTALL_CMOD lua5.4"):gsub("\n", "")
  if folder == "" then lu.skip "pkg-config knows no folder for modules" end
  lu.assertTrue(support.exists(root .. folder .. "/lander.so"))
end

function TestInstall.test_make_help()
  local said = must "make -s help"
  for _, target in ipairs { "demo", "test", "bench", "install", "lint", "clean" } do
    lu.assertStrContains(said, "make " .. target)
  end
  lu.assertNil(said:find("MAKEFLAGS", 1, true))
end

function TestInstall.test_the_rockspec_is_of_this_version()
  local version = support.read("src/lander.h"):match '#define LANDER_VERSION +"(.-)"'
  local rock = {}
  assert(load(support.read("lander-" .. version .. "-1.rockspec"), "rockspec", "t", rock))()
  lu.assertEquals(rock.version, version .. "-1")
end

-- version.lua: lander version (and --version): the version, and what this build uses.
local lander = ...
local core = lander.core

return {
  usage = "version", help = "the version, and what this build uses",
  run = function()
    local config, lines = lander.config(), { "lander " .. lander.version }
    for _, key in ipairs(core.sorted_keys(config)) do
      if key ~= "version" then lines[#lines + 1] = ("%s: %s"):format(key, config[key]) end
    end
    core.print(table.concat(lines, "\n") .. "\n")
  end,
}

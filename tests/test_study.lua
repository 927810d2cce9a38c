-- test_study.lua: the study of divergence on little of everything, and its detectors on runs that
-- are made up.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local path = package.path
package.path = "scripts/study/?.lua;" .. path
local detectors = require "detectors"
package.path = path

local net = lander.nn.net { lander.nn.input { 1 }, lander.nn.linear { 1 } }
local thresholds = lander.solver(net, { base_lr = 1, loss = "mse_loss" }):options()

-- Losses from { times, loss } pairs, of ten classes; `more`: distance, rule.
local function run(pieces, more)
  local r = { first = { 2.3, 2.2, 2.4, 2.3, 2.3 }, chance = math.log(10), loss = {}, distance = {} }
  for _, piece in ipairs(pieces) do
    for _ = 1, piece[1] do r.loss[#r.loss + 1] = piece[2] end
  end
  for key, value in pairs(more or {}) do r[key] = value end
  return r
end

local function found(name, r)
  return { detectors[name](r, thresholds) }
end

TestDetectors = {}

function TestDetectors.test_healthy_runs_are_left_alone()
  local healthy = run { { 100, 2 }, { 300, 1 }, { 1, 50 }, { 300, 0.5 } }
  for _, name in ipairs { "not_finite", "R1_R4", "R1_R4b", "R1_R5" } do
    lu.assertEquals(found(name, healthy), {}, name)
  end
  -- The one outlier is an alarm for these.
  lu.assertEquals(found("three_times", healthy), { 400, "loss" })
  for i = 1, 400 do healthy.loss[i] = 1 + i % 2 end
  lu.assertEquals(found("z_score", healthy), { 400, "z" })
end

function TestDetectors.test_what_is_not_finite()
  local r = run({ { 10, 2 } }, { rule = "R1" })
  lu.assertEquals(found("not_finite", r), { 10, "loss" })
  lu.assertEquals(found("R1_R4", r), { 10, "R1" })
  r.rule = "R2" -- the next loss would be
  lu.assertEquals(found("not_finite", r), { 11, "loss" })
  lu.assertEquals(found("R1_R4", r), { 10, "R2" })
end

function TestDetectors.test_the_rules_one_by_one()
  lu.assertEquals(found("R1_R4", run { { 20, 2 }, { 5, 8 } }), { 22, "R3" })
  lu.assertEquals(found("R1_R4", run { { 100, 0.1 }, { 5, 1.8 } }), { 102, "R4" })
  local shifted = run { { 200, 1.5 }, { 200, 2.29 } }
  lu.assertEquals(found("R1_R4", shifted), {})
  lu.assertEquals(found("R1_R4b", shifted)[2], "R4b")
  local dead = run({ { 700, 2.31 } }, { distance = { ["500"] = 0.7, ["600"] = 0.8 } })
  lu.assertEquals(found("R1_R4b", dead), {})
  lu.assertEquals(found("R1_R5", dead), { 500, "R5" })
  dead.distance = { ["500"] = 0.3, ["600"] = 0.8 }
  lu.assertEquals(found("R1_R5", dead), { 600, "R5" })
  dead.chance = nil
  lu.assertEquals(found("R1_R5", dead), {})
end

TestStudy = {}

local function study(words)
  table.insert(words, 1, "scripts/study/divergence.lua")
  local r = support.run(words)
  lu.assertEquals(r.status, 0, r.err)
  return r.out, r.err
end

-- The rules in C and in detectors.lua agree on all of these runs.
function TestStudy.test_quick()
  local out = support.folder() .. "/study"
  local words = { "--quick", "--tasks=spiral,regression", "--out=" .. out,
    "--data=tests/data/fashion_mnist" }
  local text, told = study(words)
  lu.assertStrMatches(text, ".*\n| R1%-R5 | %d+ of %d+ | %d+ | %d+ of %d+ | .*")
  lu.assertStrMatches(text, ".*\n| all | (%d+) of %1 | .*") -- all that were recovered finished
  lu.assertStrMatches(text, ".*\n| xor | 1000 | 1 of 1 | .*")
  lu.assertNil(text:find("say something else", 1, true), text)
  lu.assertStrContains(told, "spiral sgd fixed batch 8 rate 0.001 seed 1: score")
  -- Everything is in the files now.
  local again, told_again = study(words)
  lu.assertEquals({ again, told_again }, { text, "" })
end

function TestStudy.test_wrong_part()
  local r = support.run { "scripts/study/divergence.lua", "--part=al" }
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "--part is detect, recover, hold, or several")
end

function TestStudy.test_what_the_guard_costs()
  local r = support.run { "scripts/bench/guard.lua", "--tiny" }
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrMatches(r.out, "guard on / off: median [%d.]+ .*3 rounds of 5 steps.*")
end

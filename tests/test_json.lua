-- test_json.lua: JSON as the journal writes it and the notes in snapshots are read.
local lu = require "luaunit"
local lander = require "lander"
local fails = require "tests.support".fails
local write, read = lander.core.json, lander.core.read_json

TestJson = {}

function TestJson.test_what_is_written_is_read_back()
  local value = {
    event = "test", whole = 42, part = 0.1, list = { 1, "two", true, { 3 } }, no = false,
    text = 'a "quoted" \\ line\n\ttab \1 ü', inner = { x = -1e-30, y = 2 ^ 53 },
  }
  lu.assertEquals(read(write(value, true)), value)
end

function TestJson.test_numbers_keep_their_bits_where_they_must()
  for _, x in ipairs { 0.1, 1 / 3, 2 ^ -1074, 1.7976931348623157e308, -0.1, 123456789.123456789 } do
    lu.assertEquals(read(write({ x = x }, true)).x, x)
  end
  lu.assertEquals(write { 1 / 3 }, "[0.333333333]")
  lu.assertEquals(math.type(read "[7]"[1]), "integer")
  lu.assertEquals(math.type(read "[7.0]"[1]), "float")
end

function TestJson.test_what_is_no_number()
  lu.assertEquals(write { loss = 0 / 0 }, '{"loss":null,"loss_is":"nan"}')
  lu.assertEquals(write { loss = -1 / 0 }, '{"loss":null,"loss_is":"-inf"}')
  lu.assertEquals(read '{"loss":null,"loss_is":"nan"}', { loss_is = "nan" })
end

function TestJson.test_texts()
  lu.assertEquals(read [["\u00e9\\u0041\/\"\n"]], 'é\\u0041/"\n')
  lu.assertEquals(read [["\nabcd"]], "\nabcd")
  lu.assertEquals(read ' { } ', {})
  lu.assertEquals(read '[ ]', {})
  lu.assertEquals(read ' [ 1 , [ 2 ] ] ', { 1, { 2 } })
end

function TestJson.test_surrogates_are_one_character()
  lu.assertEquals(read [["a\ud83d\ude00b"]], "a\u{1f600}b")
  lu.assertEquals(read [["\uD800\uDC00\uDBFF\uDFFF"]], "\u{10000}\u{10ffff}")
  lu.assertEquals(read [["\ud83d, \ude00"]], "\u{fffd}, \u{fffd}") -- halves alone
end

function TestJson.test_what_is_no_json_is_named_with_its_place()
  fails("expected a value at byte 1, found the end", read, "")
  fails("expected a value at byte 1, found 'print(1)'", read, "print(1)")
  fails("expected ',' or ']' at byte 4, found '2]'", read, "[1 2]")
  fails("expected a name in quotes at byte 2", read, "{1:2}")
  fails("expected ':' at byte 6", read, '{"a" 2}')
  fails("expected the end of a text", read, '"abc')
  fails("expected the end of a text", read, '"abc\\')
  fails("expected nothing more at byte 4", read, "{} x")
  fails("expected ',' or '}'", read, '{"a":1')
  fails("expected fewer tables in tables", read, ("["):rep(1e5))
  fails("expected a value", read, "-")
  fails("expected a value", read, "nan")
end

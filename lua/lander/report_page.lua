-- report_page.lua: pieces of a page: text, tables, pictures, and the frame around them.
--
-- The page is one file that asks the network for nothing and runs no script. It is readable
-- from 360 pixels on, in the reader's light or dark, with the keyboard alone, and aloud:
-- sections have headings, tables have captions and headers, pictures say what they show, and
-- nothing is told by a colour alone.
local lander = ...
local core = lander.core

core.page = core.page or {}
local page = core.page

local escape = core.escape_xml

page.escape = escape

-- ---- colours: each text has a contrast of at least 4.5 to 1 with what it stands on ----

local style = [[
:root{color-scheme:light dark;--ground:#fff;--text:#1c2229;--quiet:#535e6b;--line:#c9d0d8;
--shade:#1c222959;--link:#0b5cad;--good:#176639;--bad:#a8281c}
@media(prefers-color-scheme:dark){:root{--ground:#14181d;--text:#e3e7ec;--quiet:#a4aeba;
--line:#3a434e;--shade:#e3e7ec59;--link:#78b7ff;--good:#63d297;--bad:#ff9d90}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:60rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.25;margin:1.2rem 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.2rem 0 .6rem;padding-top:.5rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:.8rem 0;list-style:none}
nav a{display:inline-block;padding:.3rem 0}
.quiet{color:var(--quiet)}
.good{color:var(--good);font-weight:600}
.bad{color:var(--bad);font-weight:600}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.6rem 1rem;
margin:1rem 0}
dl.facts div{border-left:3px solid var(--line);padding-left:.6rem;min-width:0}
dt{color:var(--quiet);font-size:.875rem}
dd{margin:0;font-size:1.1rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.5rem 0;background:
linear-gradient(to left,var(--ground) 40%,transparent) right/3rem 100% no-repeat local,
linear-gradient(to left,var(--shade),transparent) right/1.1rem 100% no-repeat scroll}
table{border-collapse:collapse;min-width:min(100%,18rem);font-size:.9rem;
font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding:.2rem 0}
caption span{position:sticky;left:0;display:inline-block;max-width:min(calc(100vw - 2rem),58rem)}
caption.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{border-bottom-width:2px;vertical-align:bottom}
tbody th{font-weight:600;position:sticky;left:0;background:var(--ground)}
.number{text-align:right}
.words{min-width:13rem}
.name{min-width:5rem;max-width:16rem;overflow-wrap:anywhere}
tbody .name{min-width:8rem}
.matrix td,.matrix thead th{text-align:right;min-width:2.6rem}
.long tbody th{min-width:min(11rem,34vw);max-width:16rem;overflow-wrap:anywhere}
.long thead th{min-width:6.5rem;max-width:8rem;overflow-wrap:anywhere}
.matrix .hit{outline:2px solid var(--line);outline-offset:-2px;font-weight:700}
.matrix .s0{color:var(--quiet)}
.matrix .s1{background:#dceafa}.matrix .s2{background:#b4d3f5}.matrix .s3{background:#7fb2ec}
@media(prefers-color-scheme:dark){.matrix .s1{background:#1b2d42}.matrix .s2{background:#214468}
.matrix .s3{background:#1f5f9c}}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.2rem,1fr));gap:1rem;padding:0;
list-style:none;margin:.8rem 0}
.gallery img{width:100%;max-width:8.2rem}
img{image-rendering:pixelated;max-width:100%;height:auto;display:block}
.gallery p{font-size:.9rem;margin:.2rem 0 0;line-height:1.35}
.ground{fill:none}
svg.plot{max-width:100%;height:auto;display:block;margin:.6rem 0}
.plot .ask{fill:transparent}
svg.narrow,svg.middle{display:none;width:100%}
svg.narrow{max-width:26rem}svg.middle{max-width:42rem}
@media(max-width:56rem){svg.wide{display:none}svg.middle{display:block}}
@media(max-width:35rem){svg.middle,svg.broad{display:none}svg.narrow{display:block}}
details{margin:.6rem 0}
summary{cursor:pointer;padding:.3rem 0;color:var(--link)}
code,pre{font:.875rem/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap}
footer{padding:2rem 1rem;color:var(--quiet);font-size:.9rem}
]]

-- ---- numbers and words ----

-- Anything as text that may stand in the page.
function page.show(value)
  if value == nil then return "-" end
  if type(value) == "number" then
    return escape(math.type(value) == "integer" and core.count_text(value)
      or core.number_text(value))
  end
  if type(value) == "table" then
    local parts = {}
    for i, entry in ipairs(value) do parts[i] = page.show(entry) end
    return table.concat(parts, ", ")
  end
  return escape(tostring(value))
end

local MOST_NAME = 60 -- letters

-- What somebody has called something, as much of it as there is room for.
function page.cut(name, most)
  return core.cut_middle(name, most or MOST_NAME, "…")
end

-- The same within the page. One that is written from the right keeps the order of what is around.
function page.name(name, most)
  local text = escape(page.cut(name, most))
  return text:find "[\x80-\xff]" and ("<bdi>%s</bdi>"):format(text) or text
end

-- Which sample of the data it is, so that it can be found: where it was read.
function page.sample(data, sample)
  return escape(data:place(sample) or "sample " .. core.count_text(sample))
end

local MOST_DIGITS = 12

-- A share of one as people say it: 0.8934 -> 89.3%. What is not all of it is not said to be 100%,
-- and what is something not 0%: 0.9996 -> 99.96%
function page.percent(share)
  for digits = 1, MOST_DIGITS do
    local text = ("%." .. digits .. "f%%"):format(100 * share)
    local rounded = text:find "^100%D" and share < 1 or share > 0 and not text:find "[1-9]"
    if not rounded or digits == MOST_DIGITS then return text end
  end
end

-- ---- tables ----

-- A wide table scrolls by itself, also with the keyboard; a shade at its right edge says that there
-- is more.
function page.scroll(label, content)
  return ('<div class="scroll" role="region" tabindex="0" aria-label="%s">%s</div>'):format(
    escape(label), content)
end

-- It stays where it is when the table under it scrolls.
function page.caption(text, unseen)
  return ("<caption%s><span>%s</span></caption>"):format(unseen and ' class="unseen"' or "",
    escape(text))
end

-- columns: { { "text", number = true, name = true, words = true }, ... }, where a name is of any
-- length and words make lines; rows: lists of what page.show has made, the first of which is the
-- row's header. unseen: the heading above says the same as the caption, which is for those who hear
-- it.
function page.table(caption, columns, rows, unseen)
  local parts = { "<table>", page.caption(caption, unseen), "<thead><tr>" }
  local function add(text) parts[#parts + 1] = text end
  local function class(i)
    local kinds = {}
    for _, kind in ipairs { "number", "name", "words" } do
      if columns[i][kind] then kinds[#kinds + 1] = kind end
    end
    return #kinds > 0 and (' class="%s"'):format(table.concat(kinds, " ")) or ""
  end
  for i, column in ipairs(columns) do
    add(('<th scope="col"%s>%s</th>'):format(class(i), (column.name and page.name or escape)(
      column[1])))
  end
  add "</tr></thead><tbody>"
  for _, row in ipairs(rows) do
    add "<tr>"
    for i, cell in ipairs(row) do
      add(i == 1 and ('<th scope="row"%s>%s</th>'):format(class(i), cell)
        or ("<td%s>%s</td>"):format(class(i), cell))
    end
    add "</tr>"
  end
  add "</tbody></table>"
  return page.scroll(caption, table.concat(parts))
end

-- { { "status", "finished" }, ... } as the short list at the head.
function page.facts(list)
  local parts = {}
  for i, fact in ipairs(list) do
    parts[i] = ("<div><dt>%s</dt><dd>%s</dd></div>"):format(escape(fact[1]), fact[2])
  end
  return '<dl class="facts">' .. table.concat(parts) .. "</dl>"
end

function page.details(summary, content)
  return ("<details><summary>%s</summary>%s</details>"):format(escape(summary), content)
end

function page.paragraph(text, class)
  return ("<p%s>%s</p>"):format(class and (' class="%s"'):format(class) or "", escape(text))
end

-- ---- pictures ----

local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- RFC 4648.
function core.base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local three = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, 3 do
      local at = (three >> (18 - 6 * k) & 63) + 1
      local missing = k == 2 and not b or k == 3 and not c
      parts[#parts + 1] = missing and "=" or digits:sub(at, at)
    end
  end
  return table.concat(parts)
end

-- A tensor as a picture within the page. options: as of lander.image, and alt, width, height.
function page.picture(t, options)
  local picture = core.picture(t, options)
  return ('<img src="data:image/png;base64,%s" width="%d" height="%d" alt="%s">'):format(
    core.base64(core.image_encode(picture, 0, 1)), picture:size(3), picture:size(2),
    escape(options.alt))
end

local MARGIN = 72 -- pixels for the labels of y: pictures stand one above the other

-- Curves three times: for a wide window, where there is a pointer to be told values, and with
-- letters of about the same size for narrower ones.
function page.plot(curves, labels, options)
  local function draw(width, height, class)
    local svg = core.plot_svg(curves, labels, {
      title = options.title, log = options.log, width = width, height = height, inline = true,
      x_range = options.x_range, margin = MARGIN, ask = class == "wide",
    })
    return (svg:gsub('class="plot"', ('class="plot %s"'):format(class), 1))
  end
  return draw(900, 360, "wide") .. draw(528, 320, "middle") .. draw(328, 280, "narrow")
end

-- ---- the frame ----

-- sections: { { id =, title =, content = }, ... }
function page.write(title, head, sections)
  local links, parts = {}, {}
  for i, section in ipairs(sections) do
    links[i] = ('<li><a href="#%s">%s</a></li>'):format(section.id, escape(section.title))
    parts[i] = ('<section aria-labelledby="%s"><h2 id="%s">%s</h2>%s</section>'):format(section.id,
      section.id, escape(section.title), section.content)
  end
  return table.concat({
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
      .. 'style-src \'unsafe-inline\'; img-src data:">',
    '<link rel="icon" href="data:,">',
    ("<title>%s</title>"):format(escape(title)),
    "<style>", style, core.svg_style(), "</style></head><body>",
    '<a class="skip" href="#content">Skip to the content</a>',
    ("<header><h1>%s</h1>%s"):format(escape(title), head),
    '<nav aria-label="Sections"><ul>' .. table.concat(links) .. "</ul></nav></header>",
    '<main id="content">' .. table.concat(parts, "\n") .. "</main>",
    ("<footer>Written by lander %s.</footer></body></html>\n"):format(escape(lander.version)),
  }, "\n")
end

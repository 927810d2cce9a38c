-- report_net.lua: what a page tells of a net: its layers, its filters, and how it does on test
-- data: the confusion matrix and the worst mistakes.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local MOST_SAMPLES = 10000 -- that are looked at
local MOST_MISTAKES = 24
local MOST_FILTERS = 64
local MOST_CLASSES = 40 -- in a matrix; of more, the pairs that are confused most often
local MOST_PAIRS = 30
local MOST_PIXELS = 256 * 256 -- of one picture

-- ---- layers ----

function core.report_layers(net)
  local rows, total = {}, 0
  for i, info in ipairs(net:layers()) do
    local inputs = {}
    for k, name in ipairs(info.inputs or {}) do inputs[k] = name end
    total = total + info.parameters
    rows[i] = {
      page.show(info.name), page.show(info.type), page.show(table.concat(inputs, ", ")),
      page.show(core.size_text(info.size)),
      info.parameters > 0 and page.show(info.parameters) or "",
      info.multiply_adds > 0 and page.show(math.floor(info.multiply_adds)) or "",
    }
  end
  return page.paragraph(("%s parameters. Sizes and multiply-adds are those of one sample."):format(
    core.count_text(total)))
    .. page.table("Layers", { { "layer" }, { "type" }, { "takes" }, { "output" },
      { "parameters", number = true }, { "multiply-adds", number = true } }, rows)
end

-- ---- filters ----

-- Only weights that can be seen as pictures: of a convolution on a picture of 1 or 3 channels,
-- or of a linear layer on a picture.
function core.report_filters(net)
  local ok, weight, name = pcall(core.filters, net)
  if not ok or weight:dim() ~= 4 then return nil end
  local count, size = weight:size(1), weight:size()
  if size[3] * size[4] < 4 or size[3] * size[4] > MOST_PIXELS then return nil end
  if count > MOST_FILTERS then weight = weight:narrow(1, 1, MOST_FILTERS) end
  local several = size[2] ~= 1 and size[2] ~= 3
  if several then weight = weight:narrow(2, 1, 1) end
  local shown = math.min(count, MOST_FILTERS)
  local columns = math.min(shown, 10)
  local times = math.max(1, math.min(10, 560 // (columns * (size[4] + 1))))
  local text = ("Weights of %s, %d of %d outputs%s. Black is the lowest weight, white the highest."
    ):format(name, shown, count, several and (", the first of %d inputs"):format(size[2]) or "")
  local low, high = core.finite_bounds(weight)
  return page.paragraph(text) .. page.picture(weight, {
    range = low < high and core.is_finite(high - low) and { low, high } or nil,
    columns = columns, zoom = times, gap = 4, ground = 1,
    alt = ("%d filters of %s, %d by %d weights each"):format(shown, name, size[3], size[4]),
  })
end

-- ---- predictions ----

-- Samples are drawn by chance: among those that are as sure, the first one of the data comes first.
local function is_worse(a, b)
  if a.sure ~= b.sure then return a.sure > b.sure end
  return a.sample < b.sample
end

local function keep_worst(list, mistake)
  if #list == MOST_MISTAKES and not is_worse(mistake, list[#list]) then return end
  local at = #list + 1
  while at > 1 and is_worse(mistake, list[at - 1]) do at = at - 1 end
  table.insert(list, at, mistake)
  list[MOST_MISTAKES + 1] = nil
end

local function new_matrix(classes)
  local matrix = {}
  for k = 1, classes do
    matrix[k] = {}
    for j = 1, classes do matrix[k][j] = 0 end
  end
  return matrix
end

-- One batch into the result. What has no finite scores counts as no guess, and a label that the
-- loss ignores doesn't count.
local function count_batch(result, scores, target, samples, ignored)
  local sure, finite = scores:max(2):totable(), scores:isfinite():min(2):totable()
  local guess, truth = scores:argmax(2):totable(), target:totable()
  for i = 1, #guess do
    local is, said = math.tointeger(truth[i]), math.tointeger(guess[i])
    result.looked = result.looked + 1
    if not ignored[truth[i]] then
      result.count = result.count + 1
      if finite[i] == 0 or not (is and result.matrix[is]) then
        result.no_guess = result.no_guess + 1
      else
        result.matrix[is][said] = result.matrix[is][said] + 1
        if is == said then
          result.hits = result.hits + 1
        else
          keep_worst(result.worst, { sample = samples[i], is = is, said = said, sure = sure[i] })
        end
      end
    end
  end
end

-- What the net makes of a batch, as probabilities of the classes: its output, or what softmax makes
-- of the scores where the loss reads another layer.
local function probabilities(net, loss, x)
  local output = net:predict(x)
  for _, info in ipairs(loss and net:layers() or {}) do
    local reads = info.type == "softmax" and info.inputs[1]
    if info.name == net:output_name() and (reads or info.name) == loss.scores then
      return output
    end
  end
  if not loss then return output end
  net:forward(x)
  local scores = net[loss.scores].output
  local powers = (scores - scores:max(2, true)):exp()
  return powers / powers:sum(2, true)
end

-- What the net says of the test data: { looked = (at how many), count = (of those with a label that
-- counts), hits =, matrix =, worst =, ... }. Of many samples, or where it takes longer than
-- `seconds`, only some are looked at: they may lie class by class, so they are drawn by chance.
function core.predictions(net, data, classes, options)
  local result = { looked = 0, count = 0, hits = 0, no_guess = 0, classes = classes,
                   matrix = new_matrix(classes), worst = {} }
  local loss = core.class_loss(net, "softmax_loss")
  local batches <close> = data:batches { size = options.batch_size, reuse = true, shuffle = true,
                                         seed = 1, augment = options.augment, phase = "test" }
  local began = core.clock()
  for x, y in batches do
    count_batch(result, probabilities(net, loss, x), y, batches:samples(),
      loss and loss.ignored or {})
    if result.looked >= MOST_SAMPLES or core.clock() - began > options.seconds then break end
  end
  return result
end

-- ---- the matrix ----

-- How dark a cell is, in four steps; its number stands in it all the same.
local function shade(count, most)
  if count == 0 then return "s0" end
  local part = math.sqrt(count / most)
  return part < 0.15 and "" or part < 0.4 and "s1" or part < 0.75 and "s2" or "s3"
end

local LONG = 12 -- letters of a name that get more room
local MOST_ABOVE = 24 -- of one above a column; beside a row there is more room

local function has_long(classes, name_of)
  for k = 1, classes do
    if core.text_width(name_of(k)) > LONG then return true end
  end
end

local function matrix_table(result, name_of)
  local most = 1
  for _, row in ipairs(result.matrix) do most = math.max(most, table.unpack(row)) end
  local caption = "Rows: what it is. Columns: what the net said. The outlined cells are right."
  local long = has_long(result.classes, name_of) and " long" or ""
  local parts = { ('<table class="matrix%s">'):format(long), page.caption(caption),
                  '<thead><tr><th scope="col">is \\ said</th>' }
  local function add(text) parts[#parts + 1] = text end
  for k = 1, result.classes do
    add(('<th scope="col">%s</th>'):format(page.name(name_of(k), MOST_ABOVE)))
  end
  add '<th scope="col">right</th></tr></thead><tbody>'
  for k, row in ipairs(result.matrix) do
    local total = 0
    add(('<tr><th scope="row">%s</th>'):format(page.name(name_of(k))))
    for j, count in ipairs(row) do
      total = total + count
      local class = shade(count, most) .. (k == j and " hit" or "")
      add(('<td class="%s">%d</td>'):format(class, count))
    end
    add(("<td>%s</td></tr>"):format(total > 0 and page.percent(row[k] / total) or "-"))
  end
  add "</tbody></table>"
  return page.scroll("Confusion matrix", table.concat(parts))
end

-- The pairs that are confused most often, where a matrix would be too large to look at.
local function pairs_table(result, name_of)
  local list = {}
  for k, row in ipairs(result.matrix) do
    for j, count in ipairs(row) do
      if j ~= k and count > 0 then list[#list + 1] = { k, j, count } end
    end
  end
  table.sort(list, function(a, b)
    if a[3] ~= b[3] then return a[3] > b[3] end
    return a[1] < b[1] or a[1] == b[1] and a[2] < b[2]
  end)
  local rows = {}
  for i = 1, math.min(#list, MOST_PAIRS) do
    rows[i] = { page.name(name_of(list[i][1])), page.name(name_of(list[i][2])),
                page.show(list[i][3]) }
  end
  return page.table("What is confused most often", { { "is" }, { "said" },
    { "times", number = true } }, rows)
end

function core.report_confusion(result, data, name_of)
  local text = ("%s of %s test samples right: %s."):format(core.count_text(result.hits),
    core.count_text(result.count), page.percent(result.hits / math.max(result.count, 1)))
  if result.looked < #data then
    text = text .. (" (%s of %s were looked at, drawn by chance.)"):format(
      core.count_text(result.looked), core.count_text(#data))
  end
  if result.count < result.looked then
    text = text .. (" The labels of %s do not count (ignore_label)."):format(
      core.count_text(result.looked - result.count))
  end
  if result.no_guess > 0 then
    text = text .. (" For %s there was no class or no finite score."):format(
      core.count_text(result.no_guess))
  end
  return page.paragraph(text)
    .. (result.classes <= MOST_CLASSES and matrix_table or pairs_table)(result, name_of)
end

-- ---- mistakes ----

local function is_picture(shape)
  return #shape == 3 and (shape[1] == 1 or shape[1] == 3) and shape[2] * shape[3] <= MOST_PIXELS
    and shape[2] * shape[3] >= 4
end

local function gallery(result, data, name_of)
  local items = {}
  for i, mistake in ipairs(result.worst) do
    local is, said = name_of(mistake.is), name_of(mistake.said)
    local x = data:get(mistake.sample)
    local picture = page.picture(x, { alt = ("%s, taken for %s"):format(page.cut(is),
      page.cut(said)) })
    items[i] = ('<li>%s<p>%s, said <strong>%s</strong> (%s)<br>'
      .. '<span class="quiet">%s</span></p></li>'):format(picture, page.name(is),
      page.name(said), page.percent(mistake.sure), page.sample(data, mistake.sample))
  end
  return '<ul class="gallery">' .. table.concat(items) .. "</ul>"
end

local function mistakes_table(result, data, name_of)
  local rows = {}
  for i, mistake in ipairs(result.worst) do
    rows[i] = { page.sample(data, mistake.sample), page.name(name_of(mistake.is)),
                page.name(name_of(mistake.said)), page.percent(mistake.sure) }
  end
  return page.table("Worst mistakes", { { "sample", name = true }, { "is" }, { "said" },
    { "sure", number = true } }, rows, true)
end

function core.report_mistakes(result, data, name_of)
  if #result.worst == 0 then return page.paragraph "There are none." end
  local text = "Wrong answers of which the net was surest, with the probability that it gave."
  local show = is_picture(data:shape()) and gallery or mistakes_table
  return page.paragraph(text) .. show(result, data, name_of)
end

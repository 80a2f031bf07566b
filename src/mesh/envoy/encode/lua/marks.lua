-- The marks by which a branch travels in what programs forward anyway (see `mesh/resources/meshmall/marks.py`): reading,
-- writing and removing them. What is read of a request's headers may be hostile: it is matched against anchored patterns.
--
-- `records.lua` and these variables come before this text:
--   HEADER, MEMBER   the mesh's own header, and the member of baggage
--   NOTES            the dynamic metadata in which the access log finds a request's branch
--   PREFIX, BINARY   the first digits of every tag, and how a binary trace context begins with them
--   STATE, COOKIE    the key in tracestate, and the cookie's name

-- The record that was read last, for the request that is being looked at, and why one could not be read. A script runs
-- one request at a time, from its first line to its last: what is read for one is forgotten with the next.
local current_name, current_record, unreadable

local function begin_request()
  current_name, current_record, unreadable = nil, nil, nil
end

local function record_of(name)
  if name ~= current_name then
    local reason
    current_name = name
    current_record, reason = read_record(name)
    unreadable = unreadable or reason
  end
  return current_record
end

-- A branch's tag; nil where there is no such branch.
local function tag_of(name)
  local record = record_of(name)
  return record and string.match(record, "^[^\n]*")
end

-- Answers instead of the services when a record could not be read. True if it did.
local function refused(handle)
  if not unreadable then return false end
  handle:logErr("branches cannot be read: " .. unreadable)
  handle:respond({ [":status"] = "503" }, "mesh-mall: the branches cannot be read\n")
  return true
end

local HEX = "[0-9a-f]"
local HEX16, HEX32 = string.rep(HEX, 16), string.rep(HEX, 32)
local MARK = "([a-z0-9-]+)%-(" .. HEX16 .. ")"
-- A mark has at most 40 + 2 + 16 characters: of a long id only the end is searched.
local MARKED_ID, LONGEST_MARK = "@" .. MARK .. "$", 58
local LONGEST_ID = 128
local MOST_MEMBERS = 32
local STATE_VALUE = "^" .. MARK .. "%.?(" .. HEX .. "*)$"
local TRACEPARENT = "^(" .. HEX .. HEX .. ")%-(" .. HEX32 .. ")%-(" .. HEX16 .. ")%-(" .. HEX .. HEX .. ")(.*)$"
local B3 = "^(" .. HEX16 .. HEX .. "*)%-(" .. HEX16 .. ")(.*)$"
local B3_ID = "^(" .. HEX16 .. HEX .. "*)$"
local NO_ID = string.rep("0", 32)
-- Other trace contexts, which a program may turn into one of those that are read.
local OTHER_CONTEXTS = {
  "uber-trace-id", "x-cloud-trace-context", "x-amzn-trace-id", "x-ot-span-context", "ot-tracer-traceid",
  "x-datadog-tags", "sw8",
}

do
  -- Lua's generator begins with the same number in every worker.
  local file = io.open("/dev/urandom", "rb")
  local seed = os.time()
  if file then
    for byte in string.gmatch(file:read(6) or "", ".") do seed = seed * 256 % 2 ^ 48 + string.byte(byte) end
    file:close()
  end
  math.randomseed(seed)
end

local function random_hex(digits)
  local words = {}
  for _ = 1, digits, 4 do table.insert(words, string.format("%04x", math.random(0, 65535))) end
  return table.concat(words)
end

local function new_request_id()
  local hex = random_hex(32)
  local variant = string.format("%x", math.random(8, 11))
  return string.sub(hex, 1, 8) .. "-" .. string.sub(hex, 9, 12) .. "-4" .. string.sub(hex, 14, 16) .. "-"
    .. variant .. string.sub(hex, 18, 20) .. "-" .. string.sub(hex, 21)
end

-- Text without blanks around it. Patterns with two repetitions would take seconds for a header that is full of blanks.
local function trimmed(text)
  local first, last = string.find(text, "[^ \t]"), #text
  if not first then return "" end
  while last > first do
    local byte = string.byte(text, last)
    if byte ~= 32 and byte ~= 9 then break end
    last = last - 1
  end
  return string.sub(text, first, last)
end

-- The value of `name=value`, nil if that is not what the text begins with.
local function value_of(name, text)
  if string.sub(text, 1, #name + 1) == name .. "=" then return string.sub(text, #name + 2) end
end

-- Whether a text has such a part, in whatever case: a program on the way may mend what it forwards.
local function mentions(text, part)
  return text ~= nil and string.find(string.lower(text), part, 1, true) ~= nil
end

-- Replaces all lines of a header: `replace` would leave the second one.
local function set(headers, name, value)
  if headers:get(name) then headers:remove(name) end
  if value and value ~= "" then headers:add(name, value) end
end

-- The branch of a name and a tag, if they belong together.
local function genuine(name, tag)
  return name and tag_of(name) == tag and name or nil
end

-- The parts of a trace context; nil for what W3C calls invalid: then nobody may use any part of it.
local function parsed_traceparent(text)
  if not text then return nil end
  local version, trace, span, flags, rest = string.match(text, TRACEPARENT)
  if not version or version == "ff" or trace == NO_ID or span == string.sub(NO_ID, 17) then return nil end
  if rest ~= "" and (version == "00" or string.sub(rest, 1, 1) ~= "-") then return nil end
  return { version = version, trace = trace, span = span, flags = flags, rest = rest }
end

-- The trace id of a b3 header, with 16 or 32 digits, and the rest behind it.
local function parsed_b3(text, pattern)
  if not text then return nil end
  local trace, span, rest = string.match(text, pattern)
  if not trace or (#trace ~= 16 and #trace ~= 32) or trace == string.sub(NO_ID, 1, #trace) then return nil end
  return trace, span, rest
end

-- No file for a tag that two branches have (see `tag_of` in marks.py): an id alone says neither.
local function branch_of_trace(trace)
  if not trace or #trace ~= 32 or string.sub(trace, 1, #PREFIX) ~= PREFIX then return nil end
  local name, reason = read_file(FOLDER .. "/tag/" .. string.sub(trace, 1, 16))
  unreadable = unreadable or reason
  return name and tag_of(name) and name
end

-- The member of baggage that names the branch, as it is written.
local function member(baggage)
  for part in string.gmatch(baggage or "", "[^,]+") do
    local branch = string.match(part, "^%s*" .. MEMBER .. "%s*=%s*([^;%s]*)")
    if branch then return branch end
  end
end

local function with_branch(baggage, branch)
  local members = { MEMBER .. "=" .. branch }
  for item in string.gmatch(baggage or "", "[^,]+") do
    if not string.match(item, "^%s*" .. MEMBER .. "%s*=") then
      table.insert(members, (string.gsub(item, "^%s+", "")))
    end
  end
  return table.concat(members, ",")
end

-- The members of tracestate but ours and what looks like it, and the value of our first one.
local function state_members(text)
  local members, ours = {}, nil
  for item in string.gmatch(text or "", "[^,]+") do
    local value = value_of(STATE, trimmed(item))
    if value then
      ours = ours or value
    elseif #members < MOST_MEMBERS - 1 and string.find(item, "=", 1, true) and not mentions(item, STATE) then
      table.insert(members, item)
    end
  end
  return members, ours
end

-- The cookies but ours and what looks like it, as one line, and the value of our first one.
local function cookies(headers)
  local others, ours = {}, nil
  for line = 0, headers:getNumValues("cookie") - 1 do
    for part in string.gmatch(headers:getAtIndex("cookie", line), "[^;]+") do
      local pair = trimmed(part)
      local value = value_of(COOKIE, pair)
      if value then
        ours = ours or value
      elseif pair ~= "" and not mentions(pair, COOKIE) then
        table.insert(others, pair)
      end
    end
  end
  return table.concat(others, "; "), ours
end

-- The branch whose mark a request carries, by what most programs forward first.
local function marked_branch(headers)
  local id = headers:get("x-request-id")
  local branch = id and genuine(string.match(string.sub(id, -LONGEST_MARK), MARKED_ID))
  if branch then return branch end
  local state = headers:get("tracestate")
  if state and string.find(state, STATE, 1, true) then
    local _, ours = state_members(state)
    branch = ours and genuine(string.match(ours, STATE_VALUE))
    if branch then return branch end
  end
  local parent = parsed_traceparent(headers:get("traceparent"))
  branch = parent and branch_of_trace(parent.trace)
    or branch_of_trace((parsed_b3(headers:get("b3"), B3)))
    or branch_of_trace((parsed_b3(headers:get("x-b3-traceid"), B3_ID)))
  if branch then return branch end
  local cookie = headers:get("cookie")
  if cookie and string.find(cookie, COOKIE, 1, true) then
    local _, ours = cookies(headers)
    return ours and genuine(string.match(ours, "^" .. MARK .. "$"))
  end
end

local function without_marks(id)
  while true do
    local name = string.match(string.lower(string.sub(id, -LONGEST_MARK)), MARKED_ID)
    if not name then return id end
    id = string.sub(id, 1, -(#name + 19))
  end
end

local function has_prefix(trace)
  return string.sub(string.lower(trace), 1, #PREFIX) == PREFIX
end

-- Removes what a client outside sent that this or any other mesh could read as a mark, whatever branches there are: the
-- listeners further on may learn of a branch a moment earlier.
local function remove_marks(headers)
  if headers:get(HEADER) then headers:remove(HEADER) end
  local id = headers:get("x-request-id")
  if mentions(id, "-" .. PREFIX) then
    local plain = without_marks(id)
    -- A mark that is left is not at the end, where it would count.
    if plain == "" or mentions(plain, "-" .. PREFIX) then plain = new_request_id() end
    set(headers, "x-request-id", plain)
  end
  local state = headers:get("tracestate")
  if mentions(state, STATE) then
    set(headers, "tracestate", table.concat((state_members(state)), ","))
  end
  local parent = headers:get("traceparent")
  if mentions(parent, PREFIX) then
    local valid = parsed_traceparent(parent)
    if not valid or has_prefix(valid.trace) then
      -- Its state belongs to the trace that ends here (W3C Trace Context, 3.4: "restart trace").
      headers:remove("traceparent")
      if headers:get("tracestate") then headers:remove("tracestate") end
    end
  end
  local b3 = headers:get("b3")
  if mentions(b3, PREFIX) then
    local trace = parsed_b3(b3, B3)
    if not trace or has_prefix(trace) then headers:remove("b3") end
  end
  local b3_id = headers:get("x-b3-traceid")
  if mentions(b3_id, PREFIX) then
    local trace = parsed_b3(b3_id, B3_ID)
    if not trace or has_prefix(trace) then
      for _, name in ipairs({ "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid" }) do
        if headers:get(name) then headers:remove(name) end
      end
    end
  end
  for _, name in ipairs(OTHER_CONTEXTS) do
    if mentions(headers:get(name), PREFIX) then headers:remove(name) end
  end
  -- OpenCensus' binary context: the prefix stands where its trace id begins.
  local binary = headers:get("grpc-trace-bin")
  if binary and string.sub(binary, 1, #BINARY) == BINARY then headers:remove("grpc-trace-bin") end
  if mentions(headers:get("cookie"), COOKIE) then set(headers, "cookie", (cookies(headers))) end
end

-- The second half of a new trace's id: that of the request's id, so that logs, programs and the mesh have one name for it.
local function id_half(request_id)
  local hex = string.gsub(request_id or "", "-", "")
  local is_id = #hex == 32 and not string.find(hex, "[^0-9a-f]")
  local half = is_id and string.sub(hex, 17) or random_hex(16)
  return half ~= string.sub(NO_ID, 17) and half or random_hex(16)
end

-- What a request's trace ids become in a branch: `trace` if that may not change.
local function tagged(trace, tag, restart)
  local is_ours = #trace == 32 and string.sub(trace, 1, #PREFIX) == PREFIX
  return (restart or is_ours) and tag .. string.sub(trace, -16) or trace
end

-- The trace contexts of a request in a branch. With `restart` a trace that began outside goes on under an id with the
-- tag; inside the mesh a program's own trace keeps its id, since its spans have it already. What is missing is added: the
-- next program may forward that and nothing else. Returns the id that the trace had before, if it has another one now.
local function mark_traces(headers, tag, restart, request_id)
  local text = headers:get("traceparent")
  local parent = parsed_traceparent(text)
  local b3, b3_span, b3_rest = parsed_b3(headers:get("b3"), B3)
  local many = parsed_b3(headers:get("x-b3-traceid"), B3_ID)
  local former = parent and parent.trace or b3 or many
  local trace, span, sampled
  if parent then
    trace, span = tagged(parent.trace, tag, restart), parent.span
    sampled = string.find(string.sub(parent.flags, 2), "[13579bdf]") and "1" or "0"
    if trace ~= parent.trace then
      set(headers, "traceparent", parent.version .. "-" .. trace .. "-" .. span .. "-" .. parent.flags .. parent.rest)
    end
  else
    span = b3_span or headers:get("x-b3-spanid")
    span = span and string.match(span, "^" .. HEX16 .. "$")
    if (b3 or many) and span then
      trace = tagged(string.rep("0", 32 - #(b3 or many)) .. (b3 or many), tag, restart)
    else
      local half = id_half(request_id)
      trace, span = tag .. half, span or half
    end
    local decision = b3_rest and string.sub(b3_rest, 1, 2) or "-" .. (headers:get("x-b3-sampled") or "")
    sampled = decision == "-0" and "0" or "1"
    set(headers, "traceparent", "00-" .. trace .. "-" .. span .. "-0" .. sampled)
  end
  if b3 then
    local id = tagged(b3, tag, restart)
    if id ~= b3 then set(headers, "b3", id .. "-" .. b3_span .. b3_rest) end
  end
  if many then
    local id = tagged(many, tag, restart)
    if id ~= many then set(headers, "x-b3-traceid", id) end
  end
  -- A trace of a program's own stays out of headers that the program did not write: they would begin another one.
  if string.sub(trace, 1, 16) == tag then
    if not headers:get("b3") then headers:add("b3", trace .. "-" .. span .. "-" .. sampled) end
    if not headers:get("x-b3-traceid") then
      headers:add("x-b3-traceid", trace)
      set(headers, "x-b3-spanid", span)
      if not headers:get("x-b3-sampled") and not headers:get("x-b3-flags") then headers:add("x-b3-sampled", sampled) end
    end
  end
  return former and restart and former or nil, text ~= nil and parent == nil
end

-- Marks a request that is in a branch, in all that programs forward; what is marked already costs a look.
local function mark(handle, headers, branch, restart)
  local tag = tag_of(branch)
  local text = branch .. "-" .. tag
  if headers:get(HEADER) ~= branch then set(headers, HEADER, branch) end
  local baggage = headers:get("baggage")
  if member(baggage) ~= branch then set(headers, "baggage", with_branch(baggage, branch)) end

  local id = headers:get("x-request-id")
  local suffix = "@" .. text
  local plain
  if id and string.sub(id, -#suffix) == suffix then
    plain = string.sub(id, 1, -#suffix - 1)
  else
    plain = id and without_marks(id)
    -- What is not text of a sensible length breaks logs on the way.
    if not plain or plain == "" or #plain > LONGEST_ID or string.find(plain, "[^!-~]") then plain = new_request_id() end
    set(headers, "x-request-id", plain .. suffix)
  end

  local original, was_invalid = mark_traces(headers, tag, restart, plain)

  local state = headers:get("tracestate")
  local members, ours = state_members(state)
  if not ours or genuine(string.match(ours, STATE_VALUE)) ~= branch then
    local value = STATE .. "=" .. text .. (original and "." .. original or "")
    set(headers, "tracestate", table.concat({ value, unpack(was_invalid and {} or members) }, ","))
  end

  if headers:get("cookie") then
    local others, carried = cookies(headers)
    if carried ~= text then set(headers, "cookie", (others ~= "" and others .. "; " or "") .. COOKIE .. "=" .. text) end
  end

  local notes = handle:streamInfo():dynamicMetadata()
  notes:set(NOTES, "branch", branch)
  if original then notes:set(NOTES, "trace", original) end
end

-- Where requests come in from outside: finds the branch that a request enters, and marks the request, in headers that
-- travel on. Marks that a client sent are removed first: nobody outside may write them.
--
-- `marks.lua` and these variables come before this text:
--   ORDER    the kinds of entries, in the order in which they are tried, one a line
--   DOMAIN   the domain of the preview hosts
--   WAYS     "kind:name=value<tab>branch" (or "host:name<tab>branch"), one a line: ways whose files' names would be too long
--   FIELDS   "kind:name": which cookies, headers, ... the ways ask for, so that only these are looked at; "host:*" if
--            some ask for a host

local order, long_ways = {}, {}
local fields = { host = {}, query = {}, header = {}, baggage = {}, cookie = {} }
for kind in string.gmatch(ORDER, "[^\n]+") do table.insert(order, kind) end
for key, branch in string.gmatch(WAYS, "([^\t]+)\t([^\n]+)\n") do long_ways[key] = branch end
for kind, name in string.gmatch(FIELDS, "(%a+):([^\n]+)\n") do table.insert(fields[kind], name) end

local function escaped(byte)
  return string.format("%%%02x", string.byte(byte))
end

-- The branch that a way leads into. Its file is named after it (`file_name` in branch_records.py).
local function way(key)
  if long_ways[key] then return long_ways[key] end
  -- Before it is written out: a cookie may have any length.
  if #key > LONGEST_FILE then return nil end
  local name = string.gsub(key, "[^%w_.:=-]", escaped)
  if #name > LONGEST_FILE then return nil end
  local branch, reason = read_file(FOLDER .. "/way/" .. name)
  unreadable = unreadable or reason
  -- The branch's record goes before its ways: a way without one leads nowhere any more.
  return branch and tag_of(branch) and branch
end

local function unescaped(text)
  if not string.find(text, "%", 1, true) then return text end
  return (string.gsub(text, "%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- The value of `name` among `name=value` pairs between separators; the first one counts.
local function pair(text, name, separators)
  for part in string.gmatch(text, "[^" .. separators .. "]+") do
    local key, value = string.match(part, "^[ \t]*([^= \t]+)[ \t]*=(.*)$")
    if key == name then return trimmed(value) end
  end
end

-- A member of baggage has properties behind its value: `tenant=7;since=1`.
local function baggage_value(baggage, name)
  local value = pair(baggage, name, ",")
  return value and string.match(value, "^[^;%s]*")
end

-- What the answer's header says of a branch: its name, and which services fall back to the baseline.
local function label_of(branch)
  local record = record_of(branch)
  return record and string.match(record, "^[^\n]*\n([^\n]*)") or branch
end

local by = {}

function by.host(headers)
  local host = headers:get(":authority")
  if not host then return nil end
  host = string.lower((string.gsub(host, ":%d+$", "")))
  local branch = #fields.host > 0 and way("host:" .. host)
  if branch then return branch end
  local suffix = "." .. DOMAIN
  local name = string.sub(host, -#suffix) == suffix and string.sub(host, 1, -#suffix - 1)
  return name and tag_of(name) and name or nil
end

function by.query(headers)
  local text = #fields.query > 0 and string.match(headers:get(":path") or "", "%?([^#]*)")
  for _, name in ipairs(text and fields.query or {}) do
    local value = pair(text, name, "&")
    local branch = value and way("query:" .. name .. "=" .. unescaped(value))
    if branch then return branch end
  end
end

function by.header(headers)
  for _, name in ipairs(fields.header) do
    local value = headers:get(name)
    local branch = value and way("header:" .. name .. "=" .. value)
    if branch then return branch end
  end
end

function by.baggage(headers)
  local text = headers:get("baggage")
  if not text then return nil end
  -- The branch's own member first: a request that another hop has marked stays in its branch.
  local named = member(text)
  if named and tag_of(named) then return named end
  for _, name in ipairs(fields.baggage) do
    local value = baggage_value(text, name)
    local branch = value and way("baggage:" .. name .. "=" .. unescaped(value))
    if branch then return branch end
  end
end

-- The value of the first cookie with this name, exactly as sent (RFC 6265): a comma is part of a value. Several Cookie
-- lines are read one by one, since Envoy would join them by a comma.
local function cookie(headers, name)
  for line = 0, headers:getNumValues("cookie") - 1 do
    for part in string.gmatch(headers:getAtIndex("cookie", line), "[^;]+") do
      local value = value_of(name, trimmed(part))
      if value then return value end
    end
  end
end

function by.cookie(headers)
  for _, name in ipairs(fields.cookie) do
    local value = cookie(headers, name)
    local branch = value and way("cookie:" .. name .. "=" .. value)
    if branch then return branch end
  end
end

local function entered(headers)
  for _, kind in ipairs(order) do
    local branch = by[kind](headers)
    if branch then return branch end
  end
end

-- A request that belongs to no trace yet begins one (W3C Trace Context). Its id is the request's, so that what programs
-- write in their logs and what the mesh reports of the request have one name.
local function begin_trace(headers)
  if headers:get("traceparent") then return end
  local hex = string.gsub(headers:get("x-request-id") or "", "-", "")
  if #hex == 32 and not string.find(hex, "[^0-9a-f]") then
    headers:add("traceparent", "00-" .. hex .. "-" .. string.sub(hex, 17) .. "-01")
  end
end

-- Envoy joins several Host lines by a comma, which is in no host's name. Proxies and programs that each believe another
-- one of them can be led past rules, hence 400 (RFC 9112, section 3.2).
local function has_several_hosts(headers)
  return string.find(headers:get(":authority") or "", ",", 1, true) ~= nil
end

-- Envoy withholds the body of an answer to a WebSocket handshake that is not 101. A request that asks for the upgrade
-- without what makes a handshake (RFC 6455, section 4.1) is an ordinary one, and gets the page (RFC 9110, 7.8).
local function ignore_upgrade_without_handshake(headers)
  if headers:get("upgrade") and not headers:get("sec-websocket-key") then
    headers:remove("upgrade")
    headers:remove("connection")
  end
end

function envoy_on_request(handle)
  begin_request()
  local headers = handle:headers()
  if has_several_hosts(headers) then
    handle:respond({ [":status"] = "400" }, "a request has one Host header\n")
    return
  end
  ignore_upgrade_without_handshake(headers)
  remove_marks(headers)
  local branch = entered(headers)
  if refused(handle) then return end
  if not branch then
    begin_trace(headers)
    return
  end
  mark(handle, headers, branch, true)
  handle:streamInfo():dynamicMetadata():set(NOTES, "label", label_of(branch))
end

function envoy_on_response(handle)
  local entry = handle:streamInfo():dynamicMetadata():get(NOTES)
  if not entry then return end
  -- Behind a tab: the number of the branch's colour, for pages that show in which branch they are.
  local label, color = string.match(entry.label, "^([^\t]*)\t?(%d*)$")
  handle:headers():replace(HEADER, label or entry.label)
  if color and color ~= "" then handle:headers():replace(HEADER .. "-color", color) end
end

-- Where requests come in from outside: finds the branch that a request enters, and says so in `x-branch` and in
-- baggage, which travel on. What came in as `x-branch` is taken away: nobody outside writes the mesh's own header.
-- Written before this text are the ways in (WAYS: key, branch), the branches (NAMES), what the answer says where that
-- is not the name (LABELS: branch, label), and which cookies, headers, ... are asked for (WANTED: kind:name).

local entries, names, labels = {}, {}, {}
local wanted = { header = {}, query = {}, baggage = {}, cookie = {} }
for key, branch in string.gmatch(WAYS, "([^\t]+)\t([^\n]+)\n") do entries[key] = branch end
for name in string.gmatch(NAMES, "[^\n]+") do names[name] = name end
for name, label in string.gmatch(LABELS, "([^\t]+)\t([^\n]+)\n") do labels[name] = label end
for kind, name in string.gmatch(WANTED, "(%a+):([^\n]+)\n") do table.insert(wanted[kind], name) end

local function unescaped(text)
  if not string.find(text, "%", 1, true) then return text end
  return (string.gsub(text, "%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- The value of `name` in `name=value` pairs that `separator` parts; the first one counts.
local function pair(text, name, separator)
  for part in string.gmatch(text, "[^" .. separator .. "]+") do
    local key, value = string.match(part, "^%s*([^=%s]+)%s*=%s*(.-)%s*$")
    if key == name then return value end
  end
end

local function by_host(headers)
  local host = headers:get(":authority")
  if not host then return nil end
  host = string.lower((string.gsub(host, ":%d+$", "")))
  return entries["host:" .. host] or names[string.match(host, "^(.*)%.localhost$") or ""]
end

local function by_query(headers)
  local text = #wanted.query > 0 and string.match(headers:get(":path") or "", "%?([^#]*)")
  for _, name in ipairs(text and wanted.query or {}) do
    local value = pair(text, name, "&")
    local found = value and entries["query:" .. name .. "=" .. unescaped(value)]
    if found then return found end
  end
end

local function by_header(headers)
  for _, name in ipairs(wanted.header) do
    local value = headers:get(name)
    local found = value and entries["header:" .. name .. "=" .. value]
    if found then return found end
  end
end

local function by_baggage(headers)
  local text = headers:get("baggage")
  local own = text and pair(text, "branch", ",")
  own = own and names[string.match(own, "^[^;%s]*")]
  if own then return own end
  for _, name in ipairs(text and wanted.baggage or {}) do
    local value = pair(text, name, ",")
    value = value and string.match(value, "^[^;%s]*")
    local found = value and entries["baggage:" .. name .. "=" .. unescaped(value)]
    if found then return found end
  end
end

local function by_cookie(headers)
  local text = #wanted.cookie > 0 and headers:get("cookie")
  for _, name in ipairs(text and wanted.cookie or {}) do
    local value = pair(text, name, ";,")
    local found = value and entries["cookie:" .. name .. "=" .. value]
    if found then return found end
  end
end

local function with_branch(baggage, branch)
  local members = { "branch=" .. branch }
  for member in string.gmatch(baggage or "", "[^,]+") do
    if not string.match(member, "^%s*branch%s*=") then table.insert(members, (string.gsub(member, "^%s+", ""))) end
  end
  return table.concat(members, ",")
end

-- A request that belongs to no trace yet begins one (W3C Trace Context): its id is the request's, so that what programs
-- write in their logs, and what the mesh tells of the request, have one name.
local function begin_trace(headers)
  if headers:get("traceparent") then return end
  local hex = string.gsub(headers:get("x-request-id") or "", "-", "")
  if #hex == 32 and not string.find(hex, "[^0-9a-f]") then
    headers:add("traceparent", "00-" .. hex .. "-" .. string.sub(hex, 17) .. "-01")
  end
end

function envoy_on_request(handle)
  local headers = handle:headers()
  begin_trace(headers)
  if headers:get("x-branch") then headers:remove("x-branch") end
  local found = by_host(headers) or by_query(headers) or by_header(headers) or by_baggage(headers) or by_cookie(headers)
  if not found then return end
  headers:replace("x-branch", found)
  headers:replace("baggage", with_branch(headers:get("baggage"), found))
  handle:streamInfo():dynamicMetadata():set("mesh.branches", "label", labels[found] or found)
end

function envoy_on_response(handle)
  local entered = handle:streamInfo():dynamicMetadata():get("mesh.branches")
  if entered then handle:headers():replace("x-branch", entered.label) end
end

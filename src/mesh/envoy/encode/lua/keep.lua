-- Where a program calls into the mesh: the request stays in its branch, whatever headers the program propagated.
-- The mesh's header decides, then baggage, then whose program it is: OWN, the branch that a pod was created for (nil for
-- the baseline's pods), or the user name by which a developer's program calls its proxy.
--
-- HEADER, MEMBER and OWN come before this text.

local function member(baggage)
  for part in string.gmatch(baggage, "[^,]+") do
    local branch = string.match(part, "^%s*" .. MEMBER .. "%s*=%s*([^;%s]+)")
    if branch then return branch end
  end
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- Base64 (RFC 4648); Envoy's Lua has no decoder.
local function decoded(text)
  local bits, buffer, out = 0, 0, {}
  for digit in string.gmatch(text, "[%w+/]") do
    buffer = buffer * 64 + string.find(DIGITS, digit, 1, true) - 1
    bits = bits + 6
    if bits >= 8 then
      bits = bits - 8
      local shift = 2 ^ bits
      table.insert(out, string.char(math.floor(buffer / shift)))
      buffer = buffer % shift
    end
  end
  return table.concat(out)
end

-- The header is removed in any case: it is for this proxy, and may carry a secret.
local function user(headers)
  local text = headers:get("proxy-authorization")
  if not text then return nil end
  headers:remove("proxy-authorization")
  return string.match(decoded(string.match(text, "^[Bb]asic%s+(%S+)") or ""), "^([%w-]+):")
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local own = OWN or user(headers)
  if headers:get(HEADER) then return end
  local baggage = headers:get("baggage")
  local branch = baggage and member(baggage)
  if not branch and own then
    branch = own
    local marked = MEMBER .. "=" .. own
    headers:replace("baggage", baggage and baggage ~= "" and (marked .. "," .. baggage) or marked)
  end
  if branch then headers:replace(HEADER, branch) end
end

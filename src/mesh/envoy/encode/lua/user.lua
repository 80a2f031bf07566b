-- Where a developer's program calls its proxy: the user name says which branch it is in (`http://fox:x@127...`).
--
-- OWNER comes before this text: where the next filter looks for it.

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

function envoy_on_request(handle)
  local headers = handle:headers()
  local text = headers:get("proxy-authorization")
  if not text then return end
  -- It is for this proxy, and may carry a secret.
  headers:remove("proxy-authorization")
  local name = string.match(decoded(string.match(text, "^[Bb]asic%s+(%S+)") or ""), "^([%w-]+):")
  if name then handle:streamInfo():dynamicMetadata():set(OWNER, "branch", name) end
end

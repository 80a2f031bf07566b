-- Where a program calls into the mesh: the branch that it was called in goes on, whatever it forwarded.
-- What it says in `x-branch` counts; then its baggage; then whose it is: `OWN` (written before this text), the branch
-- that a pod was made for, or the user name by which a developer's program calls its proxy.

local function member(baggage)
  for part in string.gmatch(baggage, "[^,]+") do
    local branch = string.match(part, "^%s*branch%s*=%s*([^;%s]+)")
    if branch then return branch end
  end
end

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function decoded(text)
  local bits, held, out = 0, 0, {}
  for digit in string.gmatch(text, "[%w+/]") do
    held = held * 64 + string.find(DIGITS, digit, 1, true) - 1
    bits = bits + 6
    if bits >= 8 then
      bits = bits - 8
      local shift = 2 ^ bits
      table.insert(out, string.char(math.floor(held / shift)))
      held = held % shift
    end
  end
  return table.concat(out)
end

local function user(headers)
  local text = headers:get("proxy-authorization")
  if not text then return nil end
  headers:remove("proxy-authorization")
  local name = string.match(decoded(string.match(text, "^[Bb]asic%s+(%S+)") or ""), "^([%w-]+):")
  return name
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local own = OWN or user(headers)
  if headers:get("x-branch") then return end
  local baggage = headers:get("baggage")
  local branch = baggage and member(baggage)
  if not branch and own then
    branch = own
    headers:replace("baggage", baggage and baggage ~= "" and ("branch=" .. own .. "," .. baggage) or ("branch=" .. own))
  end
  if branch then headers:replace("x-branch", branch) end
end

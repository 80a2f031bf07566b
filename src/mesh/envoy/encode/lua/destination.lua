-- A row's cluster for requests that are in a branch.
--
-- `records.lua` and these variables come before this text:
--   HEADER    the header with the branch's name, which the filters before have checked
--   ROW       what the row is called in the records of branches that send its requests elsewhere
--   CLUSTER   where the row sends everybody else's
--
-- An error makes Envoy take the default cluster, which does not exist: no request of a branch goes to the baseline
-- because a record could not be read.

local PLACE = "\n" .. ROW .. "\t"

function envoy_on_route(handle)
  local name = handle:headers():get(HEADER)
  if not name then return CLUSTER end
  local record, reason = read_record(name)
  if reason then error(reason) end
  if not record then return CLUSTER end
  local _, last = string.find(record, PLACE, 1, true)
  return last and string.match(record, "^[^\n]*", last + 1) or CLUSTER
end

-- A request that names no host of the mesh, on a connection to the address of a Service: it is routed by the rules of
-- that Service (`PLACES`, written before this text), and goes on with the host as it was written.

local HOSTS = {}
for place, host in string.gmatch(PLACES, "([^\t\n]+)\t([^\n]+)\n") do HOSTS[place] = host end

function envoy_on_request(handle)
  local host = HOSTS[handle:streamInfo():downstreamLocalAddress()]
  if not host then return end
  local headers = handle:headers()
  local written = headers:get(":authority")
  headers:replace(":authority", host)
  handle:clearRouteCache()
  handle:metadata()
  headers:replace(":authority", written)
end

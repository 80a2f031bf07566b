-- A request that names a host without a port: it is routed by the port that its connection was going to, and goes on
-- with the host as it was written. Asking for the route's metadata makes Envoy choose the route now and keep it.

function envoy_on_request(handle)
  local headers = handle:headers()
  local written = headers:get(":authority")
  local port = string.match(handle:streamInfo():downstreamLocalAddress(), ":%d+$")
  if not written or not port then return end
  headers:replace(":authority", written .. port)
  handle:clearRouteCache()
  handle:metadata()
  headers:replace(":authority", written)
end

-- CONNECT: the tunnel leads to the listener itself, which knows what to do with the requests in it.

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:replace(HEADER, handle:streamInfo():downstreamLocalAddress())
  headers:replace(":authority", HOST)
  handle:clearRouteCache()
end

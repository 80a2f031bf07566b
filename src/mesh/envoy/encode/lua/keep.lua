-- Where a program calls into the mesh: the request stays in its branch, whatever headers the program forwarded.
-- The mesh's header decides, then baggage, then the marks in other headers, then whose program it is: the branch that a
-- pod was created for, or the user name by which a developer's program calls its proxy. Names of branches that do not
-- exist (any more) count for nothing.
--
-- `marks.lua` comes before this text. OWNER is where an earlier filter has written whose program it is.

function envoy_on_request(handle)
  begin_request()
  local headers = handle:headers()
  local named = headers:get(HEADER)
  local branch = named and tag_of(named) and named
  if not branch then
    local carried = member(headers:get("baggage"))
    branch = carried and tag_of(carried) and carried or marked_branch(headers)
  end
  if not branch then
    local owner = handle:streamInfo():dynamicMetadata():get(OWNER)
    branch = owner and owner.branch and tag_of(owner.branch) and owner.branch
  end
  if refused(handle) then return end
  if branch then
    mark(handle, headers, branch, false)
  elseif named then
    headers:remove(HEADER)
  end
end

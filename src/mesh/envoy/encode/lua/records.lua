-- What is known of branches: files that the mesh writes beside Envoy's socket, one for each branch (see
-- `mesh/envoy/encode/branch_records.py`). A branch that comes or goes thus changes a file and no configuration, however
-- many branches there are. The kernel has the files in memory: opening and reading one takes a few microseconds.
--
-- These variables come before this text:
--   FOLDER         where the files are, relative to the folder that Envoy runs in
--   LONGEST_NAME   of a branch

local MISSING = 2 -- ENOENT

-- A file's text; nil where there is none. A file that is there and cannot be read (Envoy has no descriptors left) must not
-- look like a branch that is not there, whose requests go to the baseline: then the second value is the reason.
local function read_file(path)
  local file, reason, code = io.open(path, "rb")
  if not file then return nil, code ~= MISSING and reason or nil end
  local text = file:read("*a")
  file:close()
  return text, text == nil and "unreadable" or nil
end

-- A branch's record: its tag, its label, and then where its requests go, each on a line of its own.
local function read_record(name)
  -- Names come out of requests: nothing but a branch's name may become part of a path.
  if #name == 0 or #name > LONGEST_NAME or string.find(name, "[^a-z0-9-]") then return nil end
  return read_file(FOLDER .. "/name/" .. name)
end

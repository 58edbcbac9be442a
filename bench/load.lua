-- Requests from a file, in turn, each with a number of its own in place of {id}; a report as one line of JSON.
local parts, turn, number = {}, 0, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for line in file:lines() do
    local request = file:read(tonumber(line))
    local at = request:find("{id}", 1, true)
    if at then
      parts[#parts + 1] = { request:sub(1, at - 1) .. args[2] .. "-", request:sub(at + 4) }
    else
      parts[#parts + 1] = { request }
    end
  end
  file:close()
end

function request()
  turn = turn % #parts + 1
  local part = parts[turn]
  if not part[2] then return part[1] end
  number = number + 1
  return part[1] .. string.format("%09d", number) .. part[2]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

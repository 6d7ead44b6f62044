--[[ seen: note that calls were alive.
KEYS[1..] {cs:NN}:meter:TOKEN  hash    the calls; closed ones stay as they are
ARGV[1] now_ms
RETURNS how many are open
RETRY   safe: the time only ever rises.
]]
local open = 0
for _, key in ipairs(KEYS) do
  local found = redis.call('HMGET', key, 'state', 'seen_ms')
  if found[1] and found[1] ~= 'closed' then
    open = open + 1
    if tonumber(found[2]) < tonumber(ARGV[1]) then
      redis.call('HSET', key, 'seen_ms', ARGV[1])
    end
  end
end
return open

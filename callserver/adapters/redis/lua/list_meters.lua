--[[ list_meters: all open meters that a PBX or an account has in this shard.
KEYS[1] {cs:NN}:due:PBX or {cs:NN}:calls:ACCOUNT    zset or set of tokens; their meters are read
RETURNS a list of meters: token, then the fields in the order of METER_FIELDS
RETRY   safe: it only reads.
]]
--#include shard
--#include meter
local tokens
if redis.call('TYPE', KEYS[1]).ok == 'zset' then
  tokens = redis.call('ZRANGE', KEYS[1], 0, -1)
else
  tokens = redis.call('SMEMBERS', KEYS[1])
end
local meters = {}
for _, token in ipairs(tokens) do
  local found = open_meter(token)
  if found then
    table.insert(found, 1, token)
    meters[#meters + 1] = found
  end
end
return meters

--[[ claim_due: the meters of a PBX to look at now; move each one's due time, so that one looks.
KEYS[1] {cs:NN}:due:PBX        zset    tokens by the time of the next look; their meters are read
KEYS[2] {cs:NN}:epoch          string  absent: the shard is lost, and nothing is due before it is
                                       rebuilt
ARGV[1] now_ms     ARGV[2] claimed until (ms)            ARGV[3] at most so many
RETURNS a list of meters: token, then the fields in the order of METER_FIELDS
RETRY   safe: claimed meters come back when the claim has run out.
]]
--#include shard
--#include meter
if redis.call('EXISTS', KEYS[2]) == 0 then
  return {}
end
local meters = {}
local tokens = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, token in ipairs(tokens) do
  local found = open_meter(token)
  if found then
    redis.call('ZADD', KEYS[1], ARGV[2], token)
    table.insert(found, 1, token)
    meters[#meters + 1] = found
  else
    redis.call('ZREM', KEYS[1], token)
  end
end
return meters

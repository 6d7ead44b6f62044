--[[ answer: the destination answered; start the meter, once.
KEYS[1] {cs:NN}:meter:TOKEN    hash    the call; it names PBX and lines: a zset and sets
ARGV[1] token      ARGV[2] number of the line that answered (1-based)
ARGV[3] answered_us (the PBX's clock)  ARGV[4] price table of that line (JSON)    ARGV[5] due_ms
RETURNS the meter's fields in the order of METER_FIELDS, empty where no meter is open
RETRY   safe: an answered meter is returned as it is.
]]
--#include shard
--#include meter
local found = open_meter(ARGV[1])
if not found then
  return {}
end
if found[1] ~= 'held' then
  return found
end
local _, _, pbx, lines = unfold(found[2])
if found[3] ~= ARGV[2] then
  free_line(ARGV[1], lines, found[3])
  local key = line_key(lines, ARGV[2])
  if key then -- it is in use, so its slot is counted whatever the limit says
    redis.call('SADD', key, ARGV[1])
  end
end
redis.call('HSET', KEYS[1], 'state', 'answered', 'line', ARGV[2], 'answered_us', ARGV[3], 'table',
  ARGV[4])
redis.call('ZADD', key_of('due', pbx), ARGV[5], ARGV[1])
found[1], found[3], found[7], found[9] = 'answered', ARGV[2], ARGV[3], ARGV[4]
return found

--[[ load_account: put an account into Redis as SQL has it, if it is not there.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:acct:ACCOUNT   hash    settled, held, floor (micros), seq, minutes,
                                       minutes_held
KEYS[3] {cs:NN}:calls:ACCOUNT  set     tokens of its open meters, whose holds are added up
ARGV[1] settled    ARGV[2] floor      ARGV[3] seq        ARGV[4] minutes
RETURNS "loaded" | "there" | "shard_lost"
RETRY   safe: one that is there only takes the floor, and only from as late a reading.
]]
--#include shard
--#include meter
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'shard_lost'
end
local seq = redis.call('HGET', KEYS[2], 'seq')
if seq then
  if tonumber(ARGV[3]) >= tonumber(seq) then
    redis.call('HSET', KEYS[2], 'floor', ARGV[2])
  end
  return 'there'
end
local held, minutes_held = 0, 0
for _, token in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  local found = open_meter(token)
  if found then
    held = held + tonumber(found[5])
    minutes_held = minutes_held + tonumber(found[11] or '0')
  end
end
redis.call('HSET', KEYS[2], 'settled', ARGV[1], 'held', digits(held), 'floor', ARGV[2], 'seq',
  ARGV[3], 'minutes', ARGV[4], 'minutes_held', digits(minutes_held))
return 'loaded'

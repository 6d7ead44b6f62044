--[[ extend: hold the next slice of a call: the price of it all so far less what is held already.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:meter:TOKEN    hash    the call; it names account and PBX: a hash and a zset
ARGV[1] token      ARGV[2] number of the slice (the first extension is 2)
ARGV[3] slice_s    ARGV[4] due_ms, if anything is granted
RETURNS "extended" held_s held granted_s final (0 or 1) | "closed" | "shard_lost" |
        "account_missing"
RETRY   safe: the number of the last granted slice answers the same again, a lower one grants 0;
        neither moves anything. A refusal uses up no number.
]]
--#include shard
--#include price
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local found = redis.call('HMGET', KEYS[2], 'state', 'account', 'pbx', 'held_s', 'held', 'slices',
  'final', 'granted', 'table')
if not found[1] or found[1] == 'closed' then
  return {'closed'}
end
local slice, slices = tonumber(ARGV[2]), tonumber(found[6])
if slice <= slices then
  local granted = slice == slices and found[8] or '0'
  return {'extended', found[4], found[5], granted, found[7]}
end
local account_key = key_of('acct', found[2])
local account = redis.call('HMGET', account_key, 'settled', 'held', 'floor')
if not account[1] then
  return {'account_missing'}
end
local available = tonumber(account[1]) + tonumber(account[3]) - tonumber(account[2])
local price_table, held_s, held = cjson.decode(found[9]), tonumber(found[4]), tonumber(found[5])
local upto_s = whole_increments(price_table, held_s + tonumber(ARGV[3]))
-- What is held already may be used up even where a lowered limit left nothing available.
local longest_s = affordable_s(price_table, held + math.max(0, available), upto_s)
if longest_s <= held_s then
  redis.call('HSET', KEYS[2], 'final', '1')
  return {'extended', found[4], found[5], '0', '1'}
end
-- The first hold was for the dearest line: a cheaper one that answered uses that up first.
local total = math.max(held, price_micros(price_table, longest_s))
local granted, final = digits(longest_s - held_s), longest_s < upto_s and '1' or '0'
add_micros(account_key, 'held', total - held)
redis.call('HSET', KEYS[2], 'held_s', digits(longest_s), 'held', digits(total), 'slices', ARGV[2],
  'granted', granted, 'final', final)
redis.call('ZADD', key_of('due', found[3]), ARGV[4], ARGV[1])
return {'extended', digits(longest_s), digits(total), granted, final}

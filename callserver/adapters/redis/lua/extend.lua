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
--#include meter
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local found = redis.call('HMGET', KEYS[2], 'state', 'fixed', 'slice', 'held_s', 'held', 'table')
if not found[1] or found[1] == 'closed' then
  return {'closed'}
end
local last, granted, final = string.match(found[3], '^(%d+) (%d+) (%d)$')
if tonumber(ARGV[2]) <= tonumber(last) then
  return {'extended', found[4], found[5], ARGV[2] == last and granted or '0', final}
end
local account_name, _, pbx = unfold(found[2])
local account_key = key_of('acct', account_name)
local account = redis.call('HMGET', account_key, 'settled', 'held', 'floor')
if not account[1] then
  return {'account_missing'}
end
local available = tonumber(account[1]) + tonumber(account[3]) - tonumber(account[2])
local price_table, held_s, held = cjson.decode(found[6]), tonumber(found[4]), tonumber(found[5])
local upto_s = whole_increments(price_table, held_s + tonumber(ARGV[3]))
-- What is held already may be used up even where a lowered limit left nothing available.
local budget, longest_s = held + math.max(0, available), upto_s
local price = price_micros(price_table, upto_s, 0)
if price > budget then
  longest_s = affordable_s(price_table, budget, upto_s, 0)
  if longest_s <= held_s then
    redis.call('HSET', KEYS[2], 'slice', last .. ' ' .. granted .. ' 1')
    return {'extended', found[4], found[5], '0', '1'}
  end
  price = price_micros(price_table, longest_s, 0)
end
-- The first hold was for the dearest line: a cheaper one that answered uses that up first.
local total = math.max(held, price)
local held_s_text, total_text = digits(longest_s), digits(total)
granted, final = digits(longest_s - held_s), longest_s < upto_s and '1' or '0'
add_micros(account_key, 'held', total - held)
redis.call('HSET', KEYS[2], 'held_s', held_s_text, 'held', total_text, 'slice',
  ARGV[2] .. ' ' .. granted .. ' ' .. final)
redis.call('ZADD', key_of('due', pbx), ARGV[4], ARGV[1])
return {'extended', held_s_text, total_text, granted, final}

--[[ extend: hold the next slice of a call: the price of it all so far less what is held already.
Included minutes are held first, as many as it all needs and as there are; a call that was given
some late keeps what money it holds until it ends.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:meter:TOKEN    hash    the call; it names account and PBX: a hash and a zset
ARGV[1] token      ARGV[2] number of the slice (the first extension is 2)
ARGV[3] slice_s    ARGV[4] due_ms, if anything is granted
RETURNS "extended" held_s held granted_s final (0 or 1) minutes | "closed" | "shard_lost" |
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
local found = redis.call('HMGET', KEYS[2], 'state', 'fixed', 'slice', 'held_s', 'held', 'table',
  'minutes')
if not found[1] or found[1] == 'closed' then
  return {'closed'}
end
local last, granted, final = string.match(found[3], '^(%d+) (%d+) (%d)$')
local minutes_text = found[7] or '0'
if tonumber(ARGV[2]) <= tonumber(last) then
  granted = ARGV[2] == last and granted or '0'
  return {'extended', found[4], found[5], granted, final, minutes_text}
end
local account_name, _, pbx = unfold(found[2])
local account_key = key_of('acct', account_name)
local available, minutes_left = available_of(account_key)
if not available then
  return {'account_missing'}
end
local price_table, held_s, held = cjson.decode(found[6]), tonumber(found[4]), tonumber(found[5])
local minutes_held = tonumber(minutes_text)
local upto_s = whole_increments(price_table, held_s + tonumber(ARGV[3]))
-- What is held already may be used up even where a lowered limit left nothing available.
local longest_s, price, minutes = longest_hold(price_table, held + math.max(0, available), upto_s,
  minutes_held + minutes_left)
if longest_s <= held_s then
  redis.call('HSET', KEYS[2], 'slice', last .. ' ' .. granted .. ' 1')
  return {'extended', found[4], found[5], '0', '1', minutes_text}
end
-- The first hold was for the dearest line: a cheaper one that answered uses that up first.
local total = math.max(held, price)
minutes = math.max(minutes_held, minutes)
local held_s_text, total_text = digits(longest_s), digits(total)
granted, final = digits(longest_s - held_s), longest_s < upto_s and '1' or '0'
add(account_key, 'held', total - held)
redis.call('HSET', KEYS[2], 'held_s', held_s_text, 'held', total_text, 'slice',
  ARGV[2] .. ' ' .. granted .. ' ' .. final)
if minutes > minutes_held then
  add(account_key, 'minutes_held', minutes - minutes_held)
  minutes_text = digits(minutes)
  redis.call('HSET', KEYS[2], 'minutes', minutes_text)
end
redis.call('ZADD', key_of('due', pbx), ARGV[4], ARGV[1])
return {'extended', held_s_text, total_text, granted, final, minutes_text}

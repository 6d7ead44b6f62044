--[[ balance: an account with the running fees of its live calls.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:acct:ACCOUNT   hash    settled, held, floor (micros), seq, minutes,
                                       minutes_held
KEYS[3] {cs:NN}:calls:ACCOUNT  set     tokens of its open meters, which are read
ARGV[1] now_us
RETURNS "balance" settled held floor seq running calls minutes minutes_held | "shard_lost" |
        "account_missing"
RETRY   safe: it only reads.
]]
--#include shard
--#include price
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local account = redis.call('HMGET', KEYS[2], 'settled', 'held', 'floor', 'seq', 'minutes',
  'minutes_held')
if not account[1] then
  return {'account_missing'}
end
local tokens, running, tables = redis.call('SMEMBERS', KEYS[3]), 0, {}
for _, token in ipairs(tokens) do
  local found = redis.call('HMGET', key_of('meter', token), 'answered_us', 'held_s', 'table',
    'minutes')
  if found[1] and found[1] ~= '0' then -- answered
    tables[found[3]] = tables[found[3]] or cjson.decode(found[3]) -- most calls share one
    local elapsed_s = math.floor((tonumber(ARGV[1]) - tonumber(found[1])) / 1000000)
    -- Asterisk ends the call when the held seconds are over, and bills an answered one at least 1.
    elapsed_s = math.max(1, math.min(elapsed_s, tonumber(found[2])))
    running = running + price_micros(tables[found[3]], elapsed_s, tonumber(found[4] or '0'))
  end
end
return {'balance', account[1], account[2], account[3], account[4], digits(running),
  digits(#tokens), account[5] or '0', account[6] or '0'}

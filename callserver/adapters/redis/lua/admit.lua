--[[ admit: check balance and limits, hold a call's first slice, take its DID's and line's slots.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:acct:ACCOUNT   hash    settled, held, floor (micros), minutes, minutes_held
KEYS[3] {cs:NN}:calls:ACCOUNT  set     tokens of its open meters
KEYS[4] {cs:NN}:meter:TOKEN    hash    the call; no TTL, money never expires by itself
KEYS[5] {cs:NN}:did:DID        set     tokens that have a slot of the DID
KEYS[6] {cs:NN}:due:PBX        zset    tokens by the time of the next look
KEYS[7..] {cs:NN}:line:ID      set     tokens that have a slot of the line; in the order to try
ARGV[1] token      ARGV[2] most calls at once on the DID, 0: any number
ARGV[3] slice_s    ARGV[4] price table (JSON)            ARGV[5] now_ms    ARGV[6] due_ms
ARGV[7] plan (kept as it is)          ARGV[8] fixed (see lib/meter.lua)
ARGV[9..] most calls at once on each line, 0: any number
RETURNS "held" line held_s held final (0 or 1) minutes | "closed" | "shard_lost" |
        "account_missing" | "too_many_calls" available | "lines_busy" available |
        "no_credit" available
RETRY   safe: the token's open meter answers "held" again, a closed one "closed"; nothing moves.
]]
--#include shard
--#include price
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local known = redis.call('HMGET', KEYS[4], 'state', 'line', 'held_s', 'held', 'slice', 'minutes')
if known[1] == 'closed' then
  return {'closed'}
elseif known[1] then
  return {'held', known[2], known[3], known[4], string.sub(known[5], -1), known[6] or '0'}
end
local available, minutes = available_of(KEYS[2])
if not available then
  return {'account_missing'}
end

local function full(key, most)
  return most > 0 and redis.call('SCARD', key) >= most
end

if full(KEYS[5], tonumber(ARGV[2])) then
  return {'too_many_calls', digits(available)}
end
local line = 0
for i = 7, #KEYS do
  if not full(KEYS[i], tonumber(ARGV[i + 2])) then
    line = i - 6
    break
  end
end
if line == 0 then
  return {'lines_busy', digits(available)}
end

local price_table, held_s, held = cjson.decode(ARGV[4])
local wanted_s = whole_increments(price_table, tonumber(ARGV[3]))
held_s, held, minutes = longest_hold(price_table, math.max(0, available), wanted_s, minutes)
if held_s < wanted_s and held_s < whole_increments(price_table, 1) then
  return {'no_credit', digits(available)}
end
local line_text, held_s_text, held_text = digits(line), digits(held_s), digits(held)
local final = held_s < wanted_s and '1' or '0'
add(KEYS[2], 'held', held)
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[5], ARGV[1])
redis.call('SADD', KEYS[6 + line], ARGV[1])
redis.call('ZADD', KEYS[6], ARGV[6], ARGV[1])
redis.call('HSET', KEYS[4], 'state', 'held', 'fixed', ARGV[8], 'line', line_text, 'held_s',
  held_s_text, 'held', held_text, 'slice', '1 ' .. held_s_text .. ' ' .. final, 'seen_ms', ARGV[5],
  'table', ARGV[4], 'plan', ARGV[7])
if minutes > 0 then
  add(KEYS[2], 'minutes_held', minutes)
  redis.call('HSET', KEYS[4], 'minutes', digits(minutes))
end
return {'held', line_text, held_s_text, held_text, final, digits(minutes)}

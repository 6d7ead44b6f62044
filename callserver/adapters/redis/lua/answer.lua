--[[ answer: the destination answered; start the meter, once.
The table of its line from this instant on replaces that of the hold. Where it is dearer, more is
held; where there is not enough the held seconds become fewer, at least one.
KEYS[1] {cs:NN}:meter:TOKEN    hash    the call; it names account, PBX and lines: a hash, a zset
                                       and sets
ARGV[1] token      ARGV[2] number of the line that answered (1-based)
ARGV[3] answered_us (the PBX's clock)  ARGV[4] price table of that line (JSON)    ARGV[5] due_ms
RETURNS the meter's fields in the order of METER_FIELDS, empty where no meter is open
RETRY   safe: an answered meter is returned as it is.
]]
--#include shard
--#include price
--#include meter
local found = open_meter(ARGV[1])
if not found then
  return {}
end
if found[1] ~= 'held' then
  return found
end
local account, _, pbx, lines = unfold(found[2])
if found[3] ~= ARGV[2] then
  free_line(ARGV[1], lines, found[3])
  local key = line_key(lines, ARGV[2])
  if key then -- it is in use, so its slot is counted whatever the limit says
    redis.call('SADD', key, ARGV[1])
  end
end

-- Hold what a dearer table asks for; without an account (a lost shard) the hold stays as it is.
local function hold_anew(price_table, held_s, held, minutes_held)
  if price_micros(price_table, held_s, minutes_held) <= held then
    return
  end
  local account_key = key_of('acct', account)
  local available, minutes_left = available_of(account_key)
  if not available then
    return
  end
  local budget = held + math.max(0, available)
  local longest_s, price, minutes = longest_hold(price_table, budget, held_s,
    minutes_held + minutes_left)
  local total = math.max(held, price)
  minutes = math.max(minutes_held, minutes)
  add(account_key, 'held', total - held)
  add(account_key, 'minutes_held', minutes - minutes_held)
  found[4], found[5], found[11] = digits(math.max(1, longest_s)), digits(total), digits(minutes)
  redis.call('HSET', KEYS[1], 'held_s', found[4], 'held', found[5], 'minutes', found[11])
end

if found[9] ~= ARGV[4] then
  hold_anew(cjson.decode(ARGV[4]), tonumber(found[4]), tonumber(found[5]),
    tonumber(found[11] or '0'))
end
redis.call('HSET', KEYS[1], 'state', 'answered', 'line', ARGV[2], 'answered_us', ARGV[3], 'table',
  ARGV[4])
redis.call('ZADD', key_of('due', pbx), ARGV[5], ARGV[1])
found[1], found[3], found[7], found[9] = 'answered', ARGV[2], ARGV[3], ARGV[4]
return found

--[[ settle: a call ended; fix its fee, return the hold, free the slots, fill the outbox. Once.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:meter:TOKEN    hash    the call, or none; it names keys of its account, DID, line
KEYS[3] {cs:NN}:outbox         hash    token to figures, account, newline, payload
ARGV[1] token      ARGV[2] billsec    ARGV[3] price table (JSON), empty: none
ARGV[4] 1: charge at most what an open meter holds       ARGV[5] account without a meter, or empty
ARGV[6] payload (kept as it is)
RETURNS "settled" fee charged written_off billed_s | "again" fee charged written_off billed_s |
        "shard_lost" | "account_missing"
RETRY   safe: a closed call answers "again" with its figures; nothing moves.
]]
--#include shard
--#include price
--#include meter
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local found = open_meter(ARGV[1])
if not found then
  local closed = redis.call('HMGET', KEYS[2], 'fee', 'charged', 'written_off', 'billed_s')
  if closed[1] then
    return {'again', closed[1], closed[2], closed[3], closed[4]}
  end
end
local account, price_text = ARGV[5], ARGV[3]
if found then
  account = found[2]
  if found[1] == 'answered' or price_text == '' then
    price_text = found[13]
  end
end
local billsec, fee, billed = tonumber(ARGV[2]), 0, 0
if billsec > 0 and price_text ~= '' then
  local price_table = cjson.decode(price_text)
  fee, billed = price_micros(price_table, billsec), billed_s(price_table, billsec)
end
local charged = fee
if found and ARGV[4] == '1' then
  charged = math.min(fee, tonumber(found[7]))
end
if account == '' then
  charged = 0
elseif (found or charged > 0) and redis.call('EXISTS', key_of('acct', account)) == 0 then
  return {'account_missing'}
end
add_micros(key_of('acct', account), 'settled', -charged)
close_meter(ARGV[1], found, fee, charged, billed)
local figures = {digits(fee), digits(charged), digits(fee - charged), digits(billed)}
redis.call('HSET', KEYS[3], ARGV[1],
  table.concat(figures, ' ') .. ' ' .. account .. '\n' .. ARGV[6])
return {'settled', unpack(figures)}

--[[ settle: a call ended; fix its fee, return the hold, free the slots, fill the outbox. Once.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:meter:TOKEN    hash    the call, or none; it names keys of its account, DID, line
KEYS[3] {cs:NN}:outbox         hash    token to figures, account, newline, payload
ARGV[1] token      ARGV[2] billsec    ARGV[3] price table (JSON), empty: none
ARGV[4] 1: charge at most what an open meter holds       ARGV[5] account without a meter, or empty
ARGV[6] payload (kept as it is)                          ARGV[7] 1: the table goes before that of
                                                         an answered meter
RETURNS "settled" figures | "again" figures | "shard_lost" | "account_missing"
        figures: fee charged written_off billed_s minutes, a space between
RETRY   safe: a closed call answers "again" with its figures; nothing moves.
]]
--#include shard
--#include price
--#include meter
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {'shard_lost'}
end
local found = redis.call('HMGET', KEYS[2], 'state', 'figures', 'fixed', 'line', 'held', 'table',
  'minutes', 'held_s')
local state, price_text, account = found[1], ARGV[3], ARGV[5]
if state == 'closed' then
  return {'again', found[2]}
elseif state then
  account = unfold(found[3])
  if price_text == '' or (state == 'answered' and ARGV[7] ~= '1') then
    price_text = found[6]
  end
end
local account_key = key_of('acct', account)

-- Included minutes that may cover it: those held; all that are left where it was not held for.
local function minutes_for(billsec)
  local held = tonumber(found[7] or '0')
  if account == '' or (state and (ARGV[4] == '1' or billsec <= tonumber(found[8]))) then
    return held
  end
  local _, left = available_of(account_key)
  return held + (left or 0)
end

local billsec, fee, billed, minutes = tonumber(ARGV[2]), 0, 0, 0
if billsec > 0 and price_text ~= '' then
  local price_table = cjson.decode(price_text)
  minutes = minutes_for(billsec)
  fee, billed = price_micros(price_table, billsec, minutes), billed_s(price_table, billsec)
  if minutes > 0 then
    minutes = math.min(minutes, minutes_needed(price_table, billsec))
  end
end
local charged = fee
if account == '' then
  charged = 0
elseif state and ARGV[4] == '1' then
  charged = math.min(fee, tonumber(found[5]))
end
if state or charged > 0 or minutes > 0 then
  if redis.call('EXISTS', account_key) == 0 then
    return {'account_missing'}
  end
  add(account_key, 'settled', -charged)
  add(account_key, 'minutes', -minutes)
  if state then
    release_hold(account_key, found[5], found[7])
    release(ARGV[1], found[3], found[4])
  end
end
local figures = string.format('%.0f %.0f %.0f %.0f %.0f', fee, charged, fee - charged, billed,
  minutes)
redis.call('HSET', KEYS[2], 'state', 'closed', 'figures', figures)
redis.call('HSET', KEYS[3], ARGV[1], figures .. ' ' .. account .. '\n' .. ARGV[6])
return {'settled', figures}

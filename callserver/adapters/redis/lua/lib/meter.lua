--[[ meter: read a call's hash and close it. Needs shard.

meter:TOKEN is a hash of few fields, for each one costs some 40 bytes:
  state        held, answered or closed
  fixed        account, did, pbx and the slot ids of its lines in the order to try, one per line
  line         number of the line whose slot is taken (1-based), 0: none
  failed       highest number of a line that was left; absent before
  held_s held  seconds and micros held
  slice        number of the last granted slice, its seconds, final (0 or 1)
  answered_us  the PBX's clock; absent or 0 before
  seen_ms      last proof of life
  table plan   price table and plan (JSON)
  minutes      included minutes held; absent: none
A closed one has state and figures (fee charged written_off billed_s minutes) only.
]]
local METER_FIELDS = {
  'state', 'fixed', 'line', 'held_s', 'held', 'slice', 'answered_us', 'seen_ms', 'table', 'plan',
  'minutes',
}

-- The fields of an open meter in the order of METER_FIELDS; nil where none is open.
local function open_meter(token)
  local found = redis.call('HMGET', key_of('meter', token), unpack(METER_FIELDS))
  if found[1] and found[1] ~= 'closed' then
    return found
  end
end

-- account, did, pbx, lines
local function unfold(fixed)
  return string.match(fixed, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n?(.*)$')
end

-- The key of the slots of the line with this number (text); nil where there is no such line.
local function line_key(lines, number)
  local countdown = tonumber(number)
  for id in string.gmatch(lines, '[^\n]+') do
    countdown = countdown - 1
    if countdown == 0 then
      return key_of('line', id)
    end
  end
end

local function free_line(token, lines, number)
  local key = line_key(lines, number)
  if key then
    redis.call('SREM', key, token)
  end
end

-- Give its holds back to the account.
local function release_hold(account_key, held, minutes)
  add(account_key, 'held', -tonumber(held))
  add(account_key, 'minutes_held', -tonumber(minutes or '0'))
end

-- Give back the slots of an open meter and delete it; its hold is the caller's to give back.
local function release(token, fixed, line)
  local account, did, pbx, lines = unfold(fixed)
  redis.call('SREM', key_of('calls', account), token)
  redis.call('SREM', key_of('did', did), token)
  redis.call('ZREM', key_of('due', pbx), token)
  free_line(token, lines, line)
  redis.call('DEL', key_of('meter', token))
end

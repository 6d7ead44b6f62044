--[[ meter: read a call's hash and close it. Needs shard.

meter:TOKEN is a hash: state, account, did, pbx, lines (slot ids in the order to try, a newline
between), line (1-based, whose slot is taken; 0: none), failed (highest line left), held_s, held
(micros), slices, granted (seconds of the last slice), final, answered_us, seen_ms, table, plan.
A closed one: state, fee, charged, written_off, billed_s.
]]
local METER_FIELDS = {
  'state', 'account', 'did', 'pbx', 'line', 'held_s', 'held', 'slices', 'final', 'answered_us',
  'seen_ms', 'lines', 'table', 'plan',
}

-- The fields of an open meter in the order of METER_FIELDS; nil where none is open.
local function open_meter(token)
  local found = redis.call('HMGET', key_of('meter', token), unpack(METER_FIELDS))
  if found[1] and found[1] ~= 'closed' then
    return found
  end
end

-- The key of the slots of the line with this number; nil where there is no such line.
local function line_key(lines, number)
  for id in string.gmatch(lines, '[^\n]+') do
    number = number - 1
    if number == 0 then
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

-- Give back hold and slots of an open meter (nil: there was none) and leave a tombstone.
local function close_meter(token, found, fee, charged, billed)
  local key = key_of('meter', token)
  if found then
    local account = key_of('acct', found[2])
    if redis.call('EXISTS', account) == 1 then -- a lost shard may have meters without accounts
      add_micros(account, 'held', -tonumber(found[7]))
    end
    redis.call('SREM', key_of('calls', found[2]), token)
    redis.call('SREM', key_of('did', found[3]), token)
    redis.call('ZREM', key_of('due', found[4]), token)
    free_line(token, found[12], tonumber(found[5]))
    redis.call('DEL', key)
  end
  redis.call('HSET', key, 'state', 'closed', 'fee', digits(fee), 'charged', digits(charged),
    'written_off', digits(fee - charged), 'billed_s', digits(billed))
end

--[[ rebuild_shard: set a shard's balances, holds and slots anew, then publish its epoch.
KEYS[1] {cs:NN}:epoch          string
KEYS[2] {cs:NN}:outbox         hash    charges that SQL does not have; accounts and their meters
                                       are hashes and sets named by what is passed and found
ARGV[1] epoch      ARGV[2] number of accounts
ARGV[3..] per account: account, settled, floor (micros, as SQL has them), seq, minutes; then per
          meter that should be open: token and its fields in the order of METER_FIELDS, empty ones
          being absent
RETURNS the holds of all open meters (micros)
RETRY   safe: the same readings of SQL lead to the same balances. A meter that is there (open or
        closed) stays as it is, for it is newer than what was passed.
]]
--#include shard
--#include meter
local uncharged, used = {}, {}
for _, entry in ipairs(redis.call('HVALS', KEYS[2])) do
  local charged, minutes, account = string.match(entry, '^%d+ (%d+) %d+ %d+ (%d+) ([^ \n]*)\n')
  if not charged then -- an older version's, which knew no minutes
    charged, account = string.match(entry, '^%d+ (%d+) %d+ %d+ ([^\n]*)\n')
    minutes = '0'
  end
  uncharged[account] = (uncharged[account] or 0) + tonumber(charged)
  used[account] = (used[account] or 0) + tonumber(minutes)
end

local accounts_end = 2 + 5 * tonumber(ARGV[2])
for i = accounts_end + 1, #ARGV, 1 + #METER_FIELDS do
  local token = ARGV[i]
  local key = key_of('meter', token)
  if redis.call('EXISTS', key) == 0 then
    for j, name in ipairs(METER_FIELDS) do
      if ARGV[i + j] ~= '' then
        redis.call('HSET', key, name, ARGV[i + j])
      end
    end
    redis.call('SADD', key_of('calls', (unfold(ARGV[i + 2]))), token)
  end
end

-- An open meter has its slots and is looked at; returns its hold: micros, minutes.
local function put_back(token, found)
  local _, did, pbx, lines = unfold(found[2])
  redis.call('SADD', key_of('did', did), token)
  redis.call('ZADD', key_of('due', pbx), 'NX', found[8], token)
  local line = line_key(lines, found[3])
  if line then
    redis.call('SADD', line, token)
  end
  return tonumber(found[5]), tonumber(found[11] or '0')
end

local held_in_all = 0
for i = 3, accounts_end, 5 do
  local account, held, minutes_held = ARGV[i], 0, 0
  local calls_key = key_of('calls', account)
  for _, token in ipairs(redis.call('SMEMBERS', calls_key)) do
    local found = open_meter(token)
    if found then
      local micros, minutes = put_back(token, found)
      held, minutes_held = held + micros, minutes_held + minutes
    else
      redis.call('SREM', calls_key, token)
    end
  end
  local settled = tonumber(ARGV[i + 1]) - (uncharged[account] or 0)
  local minutes = tonumber(ARGV[i + 4]) - (used[account] or 0)
  redis.call('HSET', key_of('acct', account), 'settled', digits(settled), 'held', digits(held),
    'floor', ARGV[i + 2], 'seq', ARGV[i + 3], 'minutes', digits(minutes), 'minutes_held',
    digits(minutes_held))
  held_in_all = held_in_all + held
end
redis.call('SET', KEYS[1], ARGV[1])
return digits(held_in_all)

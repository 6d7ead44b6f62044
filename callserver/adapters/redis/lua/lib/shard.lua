--[[ shard: names of keys, and numbers as text.
Some keys are known only from the meter's hash (its account, its DID, its line), so they cannot
be passed in KEYS. They are built from the hash tag of KEYS[1], so that they always lie in the
same slot as the declared keys: on one node, behind Sentinel and in a Cluster alike.
]]
local shard_tag = string.match(KEYS[1], '^{[^}]+}:')

local function key_of(kind, id)
  return shard_tag .. kind .. ':' .. id
end

-- tostring writes 15 digits only.
local function digits(number)
  return string.format('%.0f', number)
end

local function add(key, field, number)
  if number ~= 0 then -- nothing would be written as "-0", which is no integer to HINCRBY
    redis.call('HINCRBY', key, field, digits(number))
  end
end

-- Micros (may be negative) and included minutes that nothing holds; nil where there is no account.
-- Accounts that an older version loaded have no field of minutes.
local function available_of(account_key)
  local found = redis.call('HMGET', account_key, 'settled', 'held', 'floor', 'minutes',
    'minutes_held')
  if found[1] then
    local minutes = tonumber(found[4] or '0') - tonumber(found[5] or '0')
    return tonumber(found[1]) + tonumber(found[3]) - tonumber(found[2]), math.max(0, minutes)
  end
end

--[[ apply_entry: one ledger entry that is not a call reaches the account, in order.
KEYS[1] {cs:NN}:epoch          string  absent: the shard is lost
KEYS[2] {cs:NN}:acct:ACCOUNT   hash    settled, floor (micros), minutes, seq of the last entry
                                       applied
ARGV[1] seq        ARGV[2] amount (micros, may be negative)       ARGV[3] floor (micros)
ARGV[4] included minutes (may be negative)
RETURNS "applied" | "older" | "gap" | "shard_lost" | "account_missing"
RETRY   safe: the second call answers "older" and moves nothing.
]]
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'shard_lost'
end
local seq = redis.call('HGET', KEYS[2], 'seq')
if not seq then
  return 'account_missing'
end
local ahead = tonumber(ARGV[1]) - tonumber(seq)
if ahead <= 0 then
  return 'older'
elseif ahead > 1 then
  return 'gap'
end
redis.call('HINCRBY', KEYS[2], 'settled', ARGV[2])
redis.call('HINCRBY', KEYS[2], 'minutes', ARGV[4])
redis.call('HSET', KEYS[2], 'seq', ARGV[1], 'floor', ARGV[3])
return 'applied'

--[[ forget: delete tombstones that SQL has had for long enough.
KEYS[1] {cs:NN}:closed         zset    tokens by the time SQL was known to have them; their meters
                                       (hashes) are deleted
ARGV[1] before_ms  ARGV[2] at most so many
RETURNS how many
RETRY   safe: what is gone is gone.
]]
--#include shard
local tokens = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, token in ipairs(tokens) do
  redis.call('DEL', key_of('meter', token))
  redis.call('ZREM', KEYS[1], token)
end
return #tokens

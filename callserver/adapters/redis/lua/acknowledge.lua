--[[ acknowledge: SQL has these calls; clear their outbox, keep their tombstones for a while.
KEYS[1] {cs:NN}:outbox         hash    by token
KEYS[2] {cs:NN}:closed         zset    tokens of tombstones by the time SQL was known to have them
KEYS[3..] {cs:NN}:meter:TOKEN  hash    the calls, in the order of the tokens
ARGV[1] now_ms     ARGV[2..] tokens
RETURNS how many outbox entries went
RETRY   safe: the first time is kept.
]]
--#include shard
--#include meter
local cleared = 0
for i = 3, #KEYS do
  local token = ARGV[i - 1]
  local state = redis.call('HGET', KEYS[i], 'state')
  if state and state ~= 'closed' then
    -- Only a Redis that lost its last second has a call open that SQL has: charged already.
    local found = open_meter(token)
    local account_key = key_of('acct', (unfold(found[2])))
    if redis.call('EXISTS', account_key) == 1 then -- not where the shard is lost
      release_hold(account_key, found[5], found[11])
    end
    release(token, found[2], found[3])
    redis.call('HSET', KEYS[i], 'state', 'closed', 'figures', '0 0 0 0 0')
  end
  cleared = cleared + redis.call('HDEL', KEYS[1], token)
  if state then
    redis.call('ZADD', KEYS[2], 'NX', ARGV[1], token)
  end
end
return cleared

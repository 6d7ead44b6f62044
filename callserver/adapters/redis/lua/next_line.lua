--[[ next_line: a line failed; free its slot and take that of the next free line after it.
KEYS[1] {cs:NN}:meter:TOKEN    hash    the call; it names the lines, whose slots are sets
ARGV[1] token      ARGV[2] number of the line that failed (1-based)
ARGV[3..] most calls at once on each line, 0: any number
RETURNS number of the line whose slot is taken now, "0": none is left or the call is closed
RETRY   safe: a line that was left before answers with the line taken since; nothing moves.
]]
--#include shard
--#include meter
local found = redis.call('HMGET', KEYS[1], 'state', 'line', 'failed', 'fixed')
if not found[1] or found[1] == 'closed' then
  return '0'
end
local failed = tonumber(ARGV[2])
if found[1] ~= 'held' or failed <= tonumber(found[3] or '0') then
  return found[2]
end
local _, _, _, lines = unfold(found[4])
free_line(ARGV[1], lines, found[2])
local line, taken = failed, 0
while taken == 0 do
  line = line + 1
  local key = line_key(lines, line)
  if not key then
    break
  end
  local most = tonumber(ARGV[line + 2] or '0')
  if most == 0 or redis.call('SCARD', key) < most then
    redis.call('SADD', key, ARGV[1])
    taken = line
  end
end
redis.call('HSET', KEYS[1], 'line', digits(taken), 'failed', ARGV[2])
return digits(taken)

-- Bring the boards of a campaign from one announcement to another: what they are then, never what was added.
-- KEYS: state, then what is changed: a sorted set of places always has its hash of the hidden behind it
-- ARGV: from, to, applied_at, as_of, then commands: name, number of its key, how many arguments, the arguments
-- Answers 'applied', 'missing', or the position that the boards stand at instead of `from`.
local function size(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'zset' then return redis.call('ZCARD', key) end
  return kind == 'hash' and redis.call('HLEN', key) or 0
end

local position = redis.call('HGET', KEYS[1], 'position')
if not position then return 'missing' end
if position ~= ARGV[1] then return position end
for i = 2, #KEYS do
  if size(KEYS[i]) ~= tonumber(redis.call('HGET', KEYS[1], KEYS[i]) or 0) then
    redis.call('DEL', KEYS[1])
    return 'missing'
  end
end

local at = 5
while at <= #ARGV do
  local command, number, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  redis.call(command, KEYS[number], unpack(ARGV, at + 3, at + 2 + count))
  if command == 'ZADD' and redis.call('HLEN', KEYS[number + 1]) > 0 then  -- who has a place is not hidden
    for i = at + 4, at + 2 + count, 2 do redis.call('HDEL', KEYS[number + 1], ARGV[i]) end
  end
  at = at + 3 + count
end

for i = 2, #KEYS do redis.call('HSET', KEYS[1], KEYS[i], size(KEYS[i])) end
redis.call('HSET', KEYS[1], 'position', ARGV[2], 'applied_at', ARGV[3], 'as_of', ARGV[4])
return 'applied'

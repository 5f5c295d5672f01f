-- Let what was filled be the boards of a campaign, if nothing of it was lost meanwhile.
-- KEYS: state, then pairs: where it shall be, where it was filled. ARGV: position, applied_at, as_of, sizes of the pairs
local function size(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'zset' then return redis.call('ZCARD', key) end
  return kind == 'hash' and redis.call('HLEN', key) or 0
end

for i = 2, #KEYS, 2 do
  if size(KEYS[i + 1]) ~= tonumber(ARGV[3 + i / 2]) then return 0 end
end
redis.call('DEL', KEYS[1])
for i = 2, #KEYS, 2 do
  redis.call('UNLINK', KEYS[i])
  if tonumber(ARGV[3 + i / 2]) > 0 then
    redis.call('RENAME', KEYS[i + 1], KEYS[i])
    redis.call('PERSIST', KEYS[i])
  end
  redis.call('HSET', KEYS[1], KEYS[i], ARGV[3 + i / 2])
end
redis.call('HSET', KEYS[1], 'position', ARGV[1], 'applied_at', ARGV[2], 'as_of', ARGV[3])
return 1

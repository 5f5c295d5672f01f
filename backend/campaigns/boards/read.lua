-- A page of a board of persons, all of one moment; false where the board cannot be vouched for.
-- KEYS: state, places (sorted set), hidden (hash), who (hash), names (hash)
-- ARGV: the viewer's holder or '', 1 for the places around them, how many entries
local SECONDS = 33554432
local state = redis.call('HMGET', KEYS[1], 'applied_at', 'as_of', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if not state[1] then return false end
local people = redis.call('ZCARD', KEYS[2])
local whole = people == tonumber(state[3] or 0)
for i = 3, 5 do whole = whole and redis.call('HLEN', KEYS[i]) == tonumber(state[i + 1] or 0) end
if not whole then  -- something of it was lost: it is filled again
  redis.call('DEL', KEYS[1])
  return false
end

local function worth(score) return math.floor(-score / SECONDS) end
local function better(value)
  return redis.call('ZCOUNT', KEYS[2], '-inf', string.format('%.0f', -(value + 1) * SECONDS))
end

local id, listed, mine = '', '', false
local who = ARGV[1] ~= '' and redis.call('HGET', KEYS[4], ARGV[1])
if who then
  listed, id = string.sub(who, 1, 1), string.sub(who, 2)
  mine = redis.call('ZSCORE', KEYS[2], id)
  if mine then
    listed = '1'
  else
    mine = redis.call('HGET', KEYS[3], id)
    if mine then listed = '0' end
  end
end

local above = who and better(mine and worth(mine) or 0) or 0
local nearest = above > 0 and redis.call('ZRANGE', KEYS[2], above - 1, above - 1, 'WITHSCORES')[2] or ''
local limit = tonumber(ARGV[3])
local first, last = 1, math.min(people, limit)
if who and ARGV[2] == '1' then
  local before = people
  if mine then
    before = listed == '1' and redis.call('ZRANK', KEYS[2], id) or redis.call('ZCOUNT', KEYS[2], '-inf', '(' .. mine)
  end
  first = math.max(1, before + 1 - math.floor(limit / 2))
  last = math.min(people, first + limit - 1)
  first = math.max(1, last - limit + 1)
end

local rows = people > 0 and redis.call('ZRANGE', KEYS[2], first - 1, last - 1, 'WITHSCORES') or {}
local first_rank, names = 1, {}
if #rows > 0 then
  first_rank = 1 + better(worth(rows[2]))
  if tonumber(state[6] or 0) > 0 then
    local ids = {}
    for i = 1, #rows, 2 do ids[#ids + 1] = rows[i] end
    names = redis.call('HMGET', KEYS[5], unpack(ids))
  end
end
return {state[1], state[2], people, id, listed, mine or '', above, nearest, first, first_rank, rows, names}

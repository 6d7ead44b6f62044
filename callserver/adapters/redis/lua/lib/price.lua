--[[ price: evaluate a price table as domain/price_table.py writes it (s, m, c, f, p).
Every number is a whole one. Doubles hold these exactly up to 2^53, and math.fmod is exact where
a plain division would round; so numerators must stay below 2^52.
]]
local SECONDS_PER_MINUTE = 60

-- The last segment that starts before this second: {from_s, step_s, start_num, step_num}.
local function segment_of(price_table, second)
  local segments = price_table.s
  for i = #segments, 1, -1 do
    if segments[i][1] < second then
      return segments[i]
    end
  end
end

local function steps_started(seconds, step_s)
  local up = seconds + step_s - 1
  return (up - math.fmod(up, step_s)) / step_s
end

-- Seconds (> 0) rounded up to the end of the increment they fall in, free or not.
local function whole_increments(price_table, seconds)
  local segment = segment_of(price_table, seconds)
  return segment[1] + steps_started(seconds - segment[1], segment[2]) * segment[2]
end

local function billed_s(price_table, billsec)
  if billsec <= price_table.f or billsec <= 0 then
    return 0
  end
  return whole_increments(price_table, billsec)
end

-- Included minutes that cover the call wholly: one for each started 60 billed seconds.
local function minutes_needed(price_table, billsec)
  return steps_started(billed_s(price_table, billsec), SECONDS_PER_MINUTE)
end

-- What these seconds cost, of an increment that ends later only the seconds before.
local function covered_num(price_table, covered_s)
  local segment = segment_of(price_table, covered_s)
  return segment[3] + (covered_s - segment[1]) * (segment[4] / segment[2])
end

local function price_micros(price_table, billsec, minutes)
  if billsec <= price_table.f or billsec <= 0 then
    return 0
  end
  local segment = segment_of(price_table, billsec)
  local steps = steps_started(billsec - segment[1], segment[2])
  local num = segment[3] + steps * segment[4]
  if minutes > 0 then
    local covered_s = minutes * SECONDS_PER_MINUTE
    if segment[1] + steps * segment[2] <= covered_s then
      return 0
    end
    num = price_table.s[1][3] + math.max(0, num - covered_num(price_table, covered_s))
  end
  num = math.max(num, price_table.m * SECONDS_PER_MINUTE)
  if price_table.c >= 0 then
    num = math.min(num, price_table.c * SECONDS_PER_MINUTE)
  end
  local unit = SECONDS_PER_MINUTE * price_table.p
  local doubled = 2 * num + unit
  return (doubled - math.fmod(doubled, 2 * unit)) / (2 * unit) * price_table.p
end

-- The longest call up to upto_s that costs at most the budget with these minutes; 0 if none.
local function affordable_s(price_table, budget_micros, upto_s, minutes)
  local low, high = 0, upto_s
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if price_micros(price_table, middle, minutes) <= budget_micros then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

-- The longest of upto_s seconds that budget and minutes reach: seconds, micros, minutes needed.
local function longest_hold(price_table, budget_micros, upto_s, minutes)
  local micros = price_micros(price_table, upto_s, minutes)
  if micros > budget_micros then
    upto_s = affordable_s(price_table, budget_micros, upto_s, minutes)
    micros = price_micros(price_table, upto_s, minutes)
  end
  if minutes > 0 then
    minutes = math.min(minutes, minutes_needed(price_table, upto_s))
  end
  return upto_s, micros, minutes
end

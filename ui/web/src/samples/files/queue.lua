-- A queue that takes constant time at both ends.
local Queue = {}
Queue.__index = Queue

function Queue.new()
  return setmetatable({ first = 1, last = 0, items = {} }, Queue)
end

function Queue:push(value)
  self.last = self.last + 1
  self.items[self.last] = value
end

function Queue:pop()
  ⟨cursor⟩
end

function Queue:size()
  return self.last - self.first + 1
end

return Queue

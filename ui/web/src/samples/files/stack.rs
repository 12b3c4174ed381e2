/// A stack that never holds more than `capacity` values.
#[derive(Debug)]
pub struct Stack<T> {
    items: Vec<T>,
    capacity: usize,
}

#[derive(Debug, PartialEq)]
pub struct Full;

impl<T> Stack<T> {
    pub fn new(capacity: usize) -> Self {
        Stack { items: Vec::with_capacity(capacity), capacity }
    }

    /// Puts a value on top, or says that there is no room.
    pub fn push(&mut self, value: T) -> Result<(), Full> {
        ⟨cursor⟩
    }

    pub fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

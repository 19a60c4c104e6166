//! Numbers that come in at one end and leave at the other.

/// A queue whose content lies in one piece.
#[derive(Default)]
pub struct Queue {
    numbers: Vec<f32>,
    gone: usize,
}

impl Queue {
    /// What has come and not left.
    pub fn values(&self) -> &[f32] {
        &self.numbers[self.gone..]
    }

    /// Takes what `append` puts at the end.
    ///
    /// What is left is moved to the front once it is less than what has gone: so every value is
    /// moved about once, and there is room for twice what the queue holds.
    pub fn push(&mut self, append: impl FnOnce(&mut Vec<f32>)) {
        if 2 * self.gone >= self.numbers.len() {
            self.numbers.drain(..self.gone);
            self.gone = 0;
        }
        append(&mut self.numbers);
    }

    /// Lets the oldest values leave.
    pub fn leave(&mut self, count: usize) {
        self.gone = self.numbers.len().min(self.gone + count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_leave_in_the_order_they_came_and_room_does_not_grow() {
        let mut queue = Queue::default();
        let (mut came, mut left) = (0u16, 0);
        for step in 0..10_000 {
            let values: Vec<f32> = (came..came + step % 7).map(f32::from).collect();
            came += step % 7;
            queue.push(|queue| queue.extend(&values));
            let leaves = (came - left).saturating_sub(20);
            queue.leave(leaves.into());
            left += leaves;
            let wanted: Vec<f32> = (left..came).map(f32::from).collect();
            assert_eq!(queue.values(), wanted);
        }
        assert!(queue.numbers.capacity() < 200, "{}", queue.numbers.capacity());
    }
}

//! Rows in the order of time, of which the oldest are forgotten.

use std::collections::VecDeque;

/// Rows of one width, numbered from the start of the song.
pub struct Tape {
    width: usize,
    rows: VecDeque<Vec<f32>>,
    /// Forgotten rows, whose room is used again.
    spare: Vec<Vec<f32>>,
    first: usize,
}

impl Tape {
    /// An empty tape.
    pub fn new(width: usize) -> Self {
        Tape { width, rows: VecDeque::new(), spare: Vec::new(), first: 0 }
    }

    /// Appends a row, whose content is for the caller to write.
    pub fn push(&mut self) -> &mut [f32] {
        let row = self.spare.pop().unwrap_or_else(|| vec![0.0; self.width]);
        self.rows.push_back(row);
        self.rows.back_mut().map_or(&mut [], Vec::as_mut_slice)
    }

    /// The number of the row that comes next.
    pub fn end(&self) -> usize {
        self.first + self.rows.len()
    }

    /// A row that was pushed and not forgotten.
    pub fn at(&self, number: usize) -> &[f32] {
        &self.rows[number - self.first]
    }

    /// The rows at most `reach` away from one, as far as there are any.
    pub fn around(&self, number: usize, reach: usize) -> impl Iterator<Item = &[f32]> {
        let window = number.saturating_sub(reach)..self.end().min(number + reach + 1);
        window.map(|number| self.at(number))
    }

    /// Forgets all rows before this one.
    pub fn forget_before(&mut self, number: usize) {
        while self.first < number && !self.rows.is_empty() {
            self.spare.extend(self.rows.pop_front());
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_numbers_while_old_ones_are_forgotten() {
        let mut tape = Tape::new(2);
        for number in 0..1_000usize {
            tape.push().fill(number as f32);
            tape.forget_before(number.saturating_sub(5));
            assert_eq!(tape.end(), number + 1);
            assert_eq!(tape.at(number), [number as f32; 2]);
            let around: Vec<f32> = tape.around(number, 3).map(|row| row[1]).collect();
            let expected: Vec<f32> =
                (number.saturating_sub(3)..=number).map(|n| n as f32).collect();
            assert_eq!(around, expected);
        }
        assert!(tape.rows.len() + tape.spare.len() <= 8, "memory does not grow");
    }
}

//! How alike two short texts are, by Ratcliff and Obershelp: "drum & bass" and "drum and bass".

use std::collections::HashMap;

/// From this length on Python's `difflib` leaves frequent letters out of the search.
const LONG: usize = 200;

/// Twice the matched letters over all letters, 0..=1: the `ratio` of Python's `difflib`. Matched
/// are the longest common run and, left and right of it, the same again. Two empty texts are alike.
pub fn likeness(a: &str, b: &str) -> f64 {
    let a: Vec<char> = a.chars().collect();
    Pattern::new(b).likeness(&a)
}

/// The second of two texts, prepared for many comparisons.
pub(super) struct Pattern {
    letters: Vec<char>,
    /// Letters so frequent that no match may begin with them; false throughout in short texts.
    frequent: Vec<bool>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Pattern {
        let letters: Vec<char> = text.chars().collect();
        let mut counts: HashMap<char, usize> = HashMap::new();
        if letters.len() >= LONG {
            letters.iter().for_each(|&c| *counts.entry(c).or_default() += 1);
        }
        let often = letters.len() / 100 + 1;
        let frequent = letters.iter().map(|c| counts.get(c).is_some_and(|&n| n > often)).collect();
        Pattern { letters, frequent }
    }

    pub(super) fn likeness(&self, a: &[char]) -> f64 {
        let all = a.len() + self.letters.len();
        if all == 0 {
            return 1.0;
        }
        2.0 * self.matched(a) as f64 / all as f64
    }

    /// Letters in all common runs.
    fn matched(&self, a: &[char]) -> usize {
        let mut total = 0;
        let mut open = vec![(0, a.len(), 0, self.letters.len())];
        let mut runs = vec![0u32; self.letters.len() + 1];
        while let Some((a0, a1, b0, b1)) = open.pop() {
            let (i, j, len) = self.longest(a, (a0, a1), (b0, b1), &mut runs);
            if len == 0 {
                continue;
            }
            total += len;
            if a0 < i && b0 < j {
                open.push((a0, i, b0, j));
            }
            if i + len < a1 && j + len < b1 {
                open.push((i + len, a1, j + len, b1));
            }
        }
        total
    }

    /// The first longest common run inside both ranges: where it starts in each, and its length.
    fn longest(
        &self,
        a: &[char],
        (a0, a1): (usize, usize),
        (b0, b1): (usize, usize),
        runs: &mut [u32],
    ) -> (usize, usize, usize) {
        // `runs[j + 1]` is the length of the common run that ends at letter j.
        runs[b0..=b1].fill(0);
        let (mut i, mut j, mut len) = (a0, b0, 0);
        for (x, letter) in a.iter().enumerate().take(a1).skip(a0) {
            let mut before = 0;
            for y in b0..b1 {
                let here = runs[y + 1];
                let same = *letter == self.letters[y] && !self.frequent[y];
                runs[y + 1] = if same { before + 1 } else { 0 };
                before = here;
                if runs[y + 1] as usize > len {
                    len = runs[y + 1] as usize;
                    (i, j) = (x + 1 - len, y + 1 - len);
                }
            }
        }
        // Frequent letters begin no run but may lengthen one.
        while i > a0 && j > b0 && a[i - 1] == self.letters[j - 1] {
            (i, j, len) = (i - 1, j - 1, len + 1);
        }
        while i + len < a1 && j + len < b1 && a[i + len] == self.letters[j + len] {
            len += 1;
        }
        (i, j, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &str, b: &str, wanted: f64) {
        let found = likeness(a, b);
        assert!((found - wanted).abs() < 1e-12, "{a} / {b}: {found}, not {wanted}");
    }

    #[test]
    fn likeness_is_that_of_difflib() {
        close("", "", 1.0);
        close("", "house", 0.0);
        close("house", "house", 1.0);
        close("drum & bass", "drum and bass", 20.0 / 24.0);
        close("tide", "diet", 0.25);
        close("diet", "tide", 0.5);
        close("électro", "electro", 12.0 / 14.0);
    }

    #[test]
    fn in_long_texts_frequent_letters_begin_no_match() {
        let long = "ab".repeat(100);
        // Only at the very start are they matched: there the run is lengthened from nothing.
        close("ab", &long, 4.0 / 202.0);
        close("ab", &long[..198], 4.0 / 200.0);
        let long = format!("{}x{}", "a".repeat(100), "b".repeat(99));
        // Only the x is rare; around it the run grows over the frequent letters.
        close("aaxbb", &long, 10.0 / 205.0);
    }
}

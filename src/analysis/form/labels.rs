//! Which phrases are the same again.

use super::likeness::Distances;

/// Mean distances up to which phrases may share a letter: the grouping that parts them best is
/// taken from these.
const WIDTHS: std::ops::RangeInclusive<u8> = 5..=13;
const WIDTH: f32 = 0.05;
/// Where no grouping parts the phrases by this much, this width decides.
const CLEAR: f32 = 0.1;
const PLAIN_WIDTH: f32 = 0.55;
/// So much clarity is given up for fewer letters.
const FEWER: f32 = 0.05;

/// A number for each phrase, equal for phrases that run alike, counted up from 0 in the order
/// they are first heard. `spans` are their first bars and the bars after their last.
pub fn labels(distances: &Distances, spans: &[(usize, usize)]) -> Vec<usize> {
    let table = Table::new(distances, spans);
    let weights: Vec<f32> = spans.iter().map(|span| (span.1 - span.0) as f32).collect();
    let merges = merges(&table);
    let mut tried: Vec<(f32, Vec<usize>)> = Vec::new();
    for width in WIDTHS.map(|step| f32::from(step) * WIDTH) {
        let groups = grouping(&merges, spans.len(), width);
        tried.push((silhouette(&table, &groups, &weights), groups));
    }
    let clearest = tried.iter().fold(-1.0f32, |a, (b, _)| a.max(*b));
    if clearest < CLEAR {
        return grouping(&merges, spans.len(), PLAIN_WIDTH);
    }
    // Few letters say more than many, unless they say it less clearly.
    let good = tried.into_iter().rev().find(|(clarity, _)| *clarity >= clearest - FEWER);
    good.map_or_else(Vec::new, |(_, groups)| groups)
}

/// Distances of phrases.
struct Table {
    size: usize,
    values: Vec<f32>,
}

impl Table {
    fn new(distances: &Distances, spans: &[(usize, usize)]) -> Table {
        let size = spans.len();
        let mut values = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..i {
                let d = run(distances, spans[i], spans[j]);
                values[i * size + j] = d;
                values[j * size + i] = d;
            }
        }
        Table { size, values }
    }

    fn of(&self, i: usize, j: usize) -> f32 {
        self.values[i * self.size + j]
    }
}

/// Mean distance of two phrases bar by bar; the shorter starts over until the longer ends.
fn run(distances: &Distances, a: (usize, usize), b: (usize, usize)) -> f32 {
    let length = |span: (usize, usize)| span.1 - span.0;
    let (long, short) = if length(a) < length(b) { (b, a) } else { (a, b) };
    let sum: f32 =
        (0..length(long)).map(|k| distances.of(long.0 + k, short.0 + k % length(short))).sum();
    sum / length(long) as f32
}

/// Two groups that became one, by their lowest members, and the mean distance between them.
struct Merge {
    into: usize,
    from: usize,
    height: f32,
}

/// Joins the two closest groups (by mean distance) until one is left.
fn merges(table: &Table) -> Vec<Merge> {
    let n = table.size;
    let mut between = table.values.clone();
    let mut sizes = vec![1.0f32; n];
    let mut alive: Vec<usize> = (0..n).collect();
    let mut merges = Vec::with_capacity(n.saturating_sub(1));
    while alive.len() > 1 {
        let mut best = (f32::INFINITY, 0, 1);
        for (x, &i) in alive.iter().enumerate() {
            for (y, &j) in alive.iter().enumerate().skip(x + 1) {
                if between[i * n + j] < best.0 {
                    best = (between[i * n + j], x, y);
                }
            }
        }
        let (height, x, y) = best;
        let (into, from) = (alive[x], alive.remove(y));
        for &k in alive.iter().filter(|&&k| k != into) {
            let sum = sizes[into] * between[into * n + k] + sizes[from] * between[from * n + k];
            let mean = sum / (sizes[into] + sizes[from]);
            between[into * n + k] = mean;
            between[k * n + into] = mean;
        }
        sizes[into] += sizes[from];
        merges.push(Merge { into, from, height });
    }
    merges
}

/// The groups that joining up to `width` leads to. Mean linkage never joins closer groups later.
fn grouping(merges: &[Merge], size: usize, width: f32) -> Vec<usize> {
    let mut lowest: Vec<usize> = (0..size).collect();
    for merge in merges.iter().take_while(|merge| merge.height <= width) {
        for group in lowest.iter_mut().filter(|group| **group == merge.from) {
            *group = merge.into;
        }
    }
    let mut seen: Vec<usize> = Vec::new();
    lowest
        .into_iter()
        .map(|group| {
            seen.iter().position(|&s| s == group).unwrap_or_else(|| {
                seen.push(group);
                seen.len() - 1
            })
        })
        .collect()
}

/// How much closer phrases are to their own group than to the next one, on the mean (Rousseeuw
/// 1987), long phrases counting for more: -1 to 1. A phrase alone in its group adds nothing.
fn silhouette(table: &Table, groups: &[usize], weights: &[f32]) -> f32 {
    let count = groups.iter().max().map_or(0, |m| m + 1);
    if count < 2 || count == groups.len() {
        return -1.0;
    }
    let mut sum = 0.0;
    for (i, &own) in groups.iter().enumerate() {
        let mut to = vec![(0.0f32, 0.0f32); count];
        for (j, &group) in groups.iter().enumerate().filter(|&(j, _)| j != i) {
            to[group].0 += table.of(i, j);
            to[group].1 += 1.0;
        }
        let mean = |group: usize| to[group].0 / to[group].1;
        if to[own].1 == 0.0 {
            continue;
        }
        let others = (0..count).filter(|&group| group != own).map(mean);
        let next = others.fold(f32::INFINITY, f32::min);
        let scale = if next > mean(own) { next } else { mean(own) };
        sum += if scale > 0.0 { weights[i] * (next - mean(own)) / scale } else { 0.0 };
    }
    sum / weights.iter().sum::<f32>()
}

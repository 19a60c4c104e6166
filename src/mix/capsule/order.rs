//! Slow tracks first: Echo Nest Remix capsule `order_tracks`.

use crate::base::Bpm;

/// Tempi brought within half an octave of their median, by one doubling or halving.
pub fn fold_tempos(tempos: &[Bpm]) -> Vec<Bpm> {
    let median = median(tempos);
    let fold = |&Bpm(tempo): &Bpm| {
        let octaves = (tempo / median).log2();
        Bpm(if octaves < -0.5 {
            2.0 * tempo
        } else if octaves > 0.5 {
            tempo / 2.0
        } else {
            tempo
        })
    };
    tempos.iter().map(fold).collect()
}

/// The order in which tracks rise in folded tempo; of equals the first comes first.
pub fn order_tracks(tempos: &[Bpm]) -> Vec<usize> {
    let folded = fold_tempos(tempos);
    let mut order: Vec<usize> = (0..tempos.len()).collect();
    order.sort_by(|&a, &b| folded[a].0.total_cmp(&folded[b].0));
    order
}

/// The middle tempo, or the mean of the two in the middle.
fn median(tempos: &[Bpm]) -> f64 {
    let mut sorted: Vec<f64> = tempos.iter().map(|tempo| tempo.0).collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[half],
        _ => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_and_half_tempi_stand_beside_the_tempo_they_stand_for() {
        let tempos = [120.0, 61.0, 118.0, 250.0, 130.0].map(Bpm);
        assert_eq!(fold_tempos(&tempos), [120.0, 122.0, 118.0, 125.0, 130.0].map(Bpm));
        assert_eq!(order_tracks(&tempos), [2, 0, 1, 3, 4]);
        assert!(order_tracks(&[]).is_empty());
    }
}

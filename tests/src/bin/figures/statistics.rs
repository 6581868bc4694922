//! Order statistics of measured times.

/// The smallest sample that at least this share (0 to 1) of all samples does not exceed (nearest rank).
/// No number if there is no sample.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// The sample in the middle.
pub fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_of_a_hundred_samples_is_the_sample_of_that_rank() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(
            (median(&samples), quantile(&samples, 0.99), quantile(&samples, 1.0)),
            (50.0, 99.0, 100.0)
        );
    }

    #[test]
    fn without_samples_there_is_no_median() {
        assert!(median(&[]).is_nan());
    }
}

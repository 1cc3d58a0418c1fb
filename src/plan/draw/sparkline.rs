//! Values over time as one line of blocks.

use super::page::BLOCKS;

/// The middle of a line that goes from one value to another, and how far it reaches on either side.
pub fn scale(low: f64, high: f64) -> (f64, f64) {
    // What differs by less than this share of its size is drawn as nearly level.
    const LEVEL: f64 = 0.1;
    let middle = (low + high) / 2.0;
    (middle, ((high - low) / 2.0).max(LEVEL / 2.0 * middle.abs()))
}

/// Values as columns of blocks, each the median of those that share it; what lies far out of all others is cut.
pub fn sparkline(values: &[f64], width: usize) -> String {
    let columns = values.len().min(width.max(1));
    let median = |part: &[f64]| {
        let mut sorted = part.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let part = |column: usize| &values[column * values.len() / columns..(column + 1) * values.len() / columns];
    let drawn: Vec<f64> = (0..columns).map(|column| median(part(column))).collect();
    let mut sorted = drawn.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return String::new() };
    let (low, high) = (sorted[last / 50], sorted[last - last / 50]);
    let (middle, half) = scale(low, high);
    let levels = (BLOCKS.len() - 2) as f64;
    let block = |value: &f64| match half > 0.0 {
        true => BLOCKS[1 + ((value - middle + half) / (2.0 * half) * levels).round().clamp(0.0, levels) as usize],
        false => BLOCKS[1],
    };
    drawn.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_is_as_wide_as_it_may_be_and_shows_what_changes() {
        assert_eq!(sparkline(&[1.0, 2.0, 3.0], 80), "▁▅█");
        assert_eq!((sparkline(&[5.0; 4], 80), sparkline(&[0.0; 4], 80)), ("▅▅▅▅".to_owned(), "▁▁▁▁".to_owned()));
        assert_eq!(sparkline(&[100.0, 101.0], 80), "▄▅", "1% is nearly level");
        assert_eq!(sparkline(&[], 80), "");
        let steps: Vec<f64> = (0..300).map(|run| if run < 150 { 10.0 } else { 20.0 }).collect();
        assert_eq!(sparkline(&steps, 10), "▁▁▁▁▁█████");
        // One outlier among many presses nothing flat.
        let mut wild = steps;
        wild[3] = 900.0;
        assert_eq!(sparkline(&wild, 100).chars().last(), Some('█'));
    }
}

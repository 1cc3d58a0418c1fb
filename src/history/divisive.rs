//! Where a series falls into two parts whose values differ most, and whether it does (E-divisive: Matteson and James, A Nonparametric
//! Approach for Multiple Change Point Analysis of Multivariate Data, Journal of the American Statistical Association 109, 2014).

use super::LEAST;
use super::shuffle::Shuffle;

/// As many orders are tried at most.
const ORDERS: usize = 999;

/// A place where a series falls into two: the index of the first value after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    pub at: usize,
    /// The first and last index at which it may be as well: those with at least nine tenths of the statistic.
    pub between: (usize, usize),
    pub statistic: f64,
}

/// The values by rank, so that distances to all before and to all after are sums over a few nodes of a tree (Fenwick 1994).
struct Ranked {
    /// The place of each among all, by size.
    ranks: Vec<usize>,
    sorted: Vec<f64>,
    /// The distance of each value, by rank, to all of them; and of all pairs.
    to_all: Vec<f64>,
    total: f64,
    counts: Vec<u32>,
    sums: Vec<f64>,
}

impl Ranked {
    fn of(values: &[f64]) -> Ranked {
        let n = values.len();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let mut ranks = vec![0; n];
        order.iter().enumerate().for_each(|(rank, at)| ranks[*at] = rank);
        let sorted: Vec<f64> = order.iter().map(|at| values[*at]).collect();
        let all: f64 = sorted.iter().sum();
        let mut below = 0.0;
        let mut to_all = Vec::with_capacity(n);
        for (rank, value) in sorted.iter().enumerate() {
            let (less, more) = (rank as f64, (n - rank) as f64);
            to_all.push(value * less - below + (all - below) - value * more);
            below += value;
        }
        let total = to_all.iter().sum::<f64>() / 2.0;
        Ranked { ranks, sorted, to_all, total, counts: vec![0; n + 1], sums: vec![0.0; n + 1] }
    }

    /// The statistic Q of each split of the values in an order, by ranks: ab ÷ (a+b) times what the mean distance between both sides,
    /// twice, is above the mean distances within each.
    fn statistics(&mut self, order: &[usize], mut take: impl FnMut(usize, f64)) {
        let n = order.len();
        self.counts.fill(0);
        self.sums.fill(0.0);
        let (mut left, mut right, mut sum) = (0.0, self.total, 0.0);
        for (at, rank) in order.iter().enumerate() {
            // Distances to those before: with how many, and with what sum, of those that are less.
            let value = self.sorted[*rank];
            let (mut count, mut less, mut node) = (0, 0.0, *rank);
            while node > 0 {
                count += self.counts[node];
                less += self.sums[node];
                node &= node - 1;
            }
            let (count, before) = (f64::from(count), at as f64);
            let to_left = value * count - less + (sum - less) - value * (before - count);
            left += to_left;
            right -= self.to_all[*rank] - to_left;
            sum += value;
            let mut node = rank + 1;
            while node <= n {
                self.counts[node] += 1;
                self.sums[node] += value;
                node += node & node.wrapping_neg();
            }
            let first = at + 1;
            if first >= LEAST && n - first >= LEAST {
                let (a, b) = (first as f64, (n - first) as f64);
                let across = self.total - left - right;
                let within = 2.0 * left / (a * (a - 1.0)) + 2.0 * right / (b * (b - 1.0));
                take(first, a * b / (a + b) * (2.0 * across / (a * b) - within));
            }
        }
    }

    fn greatest(&mut self, order: &[usize]) -> f64 {
        let mut greatest = f64::NEG_INFINITY;
        self.statistics(order, |_, statistic| greatest = greatest.max(statistic));
        greatest
    }
}

/// Where the statistic is greatest; `None` of too few values, or where all are the same.
pub fn split(values: &[f64]) -> Option<Split> {
    greatest(&mut Ranked::of(values))
}

fn greatest(ranked: &mut Ranked) -> Option<Split> {
    const NEARLY: f64 = 0.9;
    let mut found: Vec<(usize, f64)> = Vec::new();
    let order = ranked.ranks.clone();
    ranked.statistics(&order, |at, statistic| found.push((at, statistic)));
    let (at, statistic) = found.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if statistic <= 0.0 {
        return None;
    }
    // Those around it without a break: elsewhere may be another change.
    let place = at - found[0].0;
    let near = |(_, own): &&(usize, f64)| *own >= NEARLY * statistic;
    let before = found[..place].iter().rev().take_while(near).count();
    let after = found[place + 1..].iter().take_while(near).count();
    Some(Split { at, between: (at - before, at + after), statistic })
}

/// The split where the statistic is greatest, with the chance that values in any order have one as great, where that is at most `alpha`.
///
/// The chance is that of the greatest statistic over all splits, not of one that was looked for: (1 + orders with as much) ÷ (1 + orders).
/// Once so many have as much that it cannot be so small any more, no more are tried (Besag and Clifford, Biometrika 78, 1991).
pub fn significant(values: &[f64], alpha: f64) -> Option<(Split, f64)> {
    let mut ranked = Ranked::of(values);
    let found = greatest(&mut ranked)?;
    let all = (ORDERS + 1) as f64;
    // With few orders less than one of them is as good as none.
    let most = ((alpha.max(1.0 / all) * all) as usize).saturating_sub(1);
    let mut shuffle = Shuffle::of(values);
    let mut order = ranked.ranks.clone();
    let mut as_much = 0;
    for _ in 0..ORDERS {
        shuffle.shuffle(&mut order);
        // What differs in the last digit alone is the same.
        if ranked.greatest(&order) >= found.statistic * (1.0 - 1e-9) {
            as_much += 1;
            if as_much > most {
                return None;
            }
        }
    }
    Some((found, (as_much + 1) as f64 / all))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the formula is written, with all pairs.
    fn written(values: &[f64], at: usize) -> f64 {
        let (left, right) = values.split_at(at);
        let mean = |a: &[f64], b: &[f64], pairs: f64| {
            a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum::<f64>() / pairs
        };
        let (a, b) = (left.len() as f64, right.len() as f64);
        let within = mean(left, left, a * (a - 1.0)) + mean(right, right, b * (b - 1.0));
        a * b / (a + b) * (2.0 * mean(left, right, a * b) - within)
    }

    #[test]
    fn the_statistic_is_the_one_that_is_published() {
        let values = [3.0, 1.0, 2.0, 2.0, 9.0, 8.5, 7.0, 9.0, 8.0, 2.0];
        let mut ranked = Ranked::of(&values);
        let order = ranked.ranks.clone();
        let mut found = Vec::new();
        ranked.statistics(&order, |at, statistic| found.push((at, statistic)));
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
        assert!(found.iter().all(|(at, one)| (one - written(&values, *at)).abs() < 1e-9), "{found:?}");
        assert_eq!(split(&values).map(|split| split.at), Some(4));
    }

    #[test]
    fn what_is_all_the_same_or_too_short_has_no_split() {
        assert_eq!(split(&[1.0; 20]), None);
        assert_eq!(split(&[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(split(&[]), None);
    }
}

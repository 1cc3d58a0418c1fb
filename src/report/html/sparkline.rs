//! What an expectation measured in the runs before, as a line of the size of a word.

use super::markup::{class, line};
use crate::base::units::counted;
use crate::metric::{Quantity, printed};
use crate::plan::draw::scale;
use crate::report::Expected;
use crate::report::badge::Badge;
use std::fmt::Write;

const WIDTH: f64 = 140.0;
const HEIGHT: f64 = 26.0;
/// Around the line, so that its last point is whole.
const EDGE: f64 = 4.0;

/// The line with what it says; `None` without an earlier run or a value of this one.
pub fn sparkline(expected: &Expected) -> Option<String> {
    let own: &Quantity = expected.compared.value.as_ref()?;
    let values: Vec<f64> = expected.earlier.iter().map(|one| one.value).chain([own.number]).collect();
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let told = told(&values, own);
    let points = points(&values);
    let drawn: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let (x, y) = points[points.len() - 1];
    let tone = class(Badge::of(expected.outcome).tone);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg class=\"sparkline {tone}\" role=\"img\" aria-label=\"{0}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\"><title>{0}</title>\
         <polyline points=\"{1}\"/><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/></svg> <span class=\"muted\">{0}</span>",
        line(&told),
        drawn.join(" ")
    );
    Some(out)
}

/// `12 runs before: 9.8ms to 12ms, the last 10ms`.
fn told(values: &[f64], own: &Quantity) -> String {
    let before = &values[..values.len() - 1];
    let print = |value: f64| printed(value, own.unit);
    let runs = counted(before.len() as u64, "run");
    let [least, most] = [f64::min, f64::max].map(|of| before.iter().copied().reduce(of).unwrap_or(f64::NAN));
    let (least, most, last) = (print(least), print(most), print(before[before.len() - 1]));
    match least == most {
        true => format!("{runs} before: {last}"),
        false => format!("{runs} before: {least} to {most}, the last {last}"),
    }
}

/// Places on the drawing: evenly over its width, the greatest value at the top.
fn points(values: &[f64]) -> Vec<(f64, f64)> {
    let [low, high] = [f64::min, f64::max].map(|of| values.iter().copied().reduce(of).unwrap_or(0.0));
    let (middle, half) = scale(low, high);
    let share = |value: f64| if half > 0.0 { (value - middle + half) / (2.0 * half) } else { 0.5 };
    let step = (WIDTH - 2.0 * EDGE) / (values.len() - 1) as f64;
    let place = |(index, value): (usize, &f64)| {
        (EDGE + step * index as f64, HEIGHT - EDGE - share(*value) * (HEIGHT - 2.0 * EDGE))
    };
    values.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_from_edge_to_edge_and_what_is_nearly_level_is_drawn_so() {
        assert_eq!(points(&[1.0, 3.0, 2.0]), [(4.0, 22.0), (70.0, 4.0), (136.0, 13.0)]);
        assert_eq!(points(&[5.0, 5.0]), [(4.0, 13.0), (136.0, 13.0)]);
        assert_eq!(points(&[0.0, 0.0]), [(4.0, 13.0), (136.0, 13.0)]);
        let level = points(&[100.0, 101.0]);
        assert!((level[0].1 - level[1].1).abs() < 3.0, "{level:?}");
    }
}

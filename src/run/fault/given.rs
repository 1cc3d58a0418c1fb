//! What a fault is given, as it is needed.

use super::Around;
use crate::plan::{Breakage, Setting};

pub fn number(breakage: &Breakage, wanted: &str) -> Option<f64> {
    breakage.settings.iter().find(|(name, _)| name == wanted).and_then(|(_, setting)| match setting {
        Setting::Quantity(number, _) => Some(*number),
        Setting::Text(_) => None,
    })
}

/// The variables of a command.
pub fn variables(around: &Around<'_>, breakage: &Breakage) -> Result<Vec<(String, String)>, String> {
    let named = breakage.settings.iter().filter_map(|(name, setting)| match setting {
        Setting::Text(pieces) => Some((name.strip_prefix('$')?, pieces)),
        Setting::Quantity(..) => None,
    });
    let value = |(name, pieces)| match around.known.text(pieces) {
        Ok(value) => Ok((String::from(name), value)),
        Err(why) => Err(format!("`{name}`: {why}")),
    };
    named.map(value).collect()
}

/// `None` where it is left out.
pub fn text(around: &Around<'_>, breakage: &Breakage, wanted: &str) -> Result<Option<String>, String> {
    let found = breakage.settings.iter().find(|(name, _)| name == wanted);
    match found {
        Some((_, Setting::Text(pieces))) => {
            around.known.text(pieces).map(Some).map_err(|why| format!("`{wanted}`: {why}"))
        }
        _ => Ok(None),
    }
}

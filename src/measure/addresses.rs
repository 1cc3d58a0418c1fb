//! The addresses of targets that may have several, by small numbers, and what was measured of each.

use super::SeriesCounts;
use std::collections::BTreeMap;
// Of core, which opens nothing.
use core::net::SocketAddr;

/// The addresses of a target in the order in which they were found. A record lists them in that order, so readers number them alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbered(Vec<SocketAddr>);

impl Numbered {
    /// As many have a number of their own; whatever is found later shares the next one.
    pub const MOST: usize = 256;

    /// The number of an address, which is new or not.
    pub fn number(&mut self, address: SocketAddr) -> u32 {
        let known = self.0.iter().position(|own| *own == address);
        let place = known.unwrap_or_else(|| {
            if self.0.len() < Numbered::MOST {
                self.0.push(address);
                return self.0.len() - 1;
            }
            Numbered::MOST
        });
        place as u32
    }

    pub fn all(&self) -> &[SocketAddr] {
        &self.0
    }
}

/// By target and number: of each the tries that went there, with their service times.
pub type Addresses = BTreeMap<u32, BTreeMap<u32, SeriesCounts>>;

/// What stands after the name of a target in the tag of one of its addresses; no name has it.
const MARK: char = '@';
const UNANSWERED: &str = ".unanswered";

/// The tags of the answers of an address and of what got none.
pub(super) fn tags(target: &str, number: u32) -> [String; 2] {
    ["", UNANSWERED].map(|what| format!("{target}{MARK}{number}{what}"))
}

/// The target and the number of such a tag, and whether it is of answers.
pub(super) fn of_tag(tag: &str) -> Option<(&str, u32, bool)> {
    let (target, number) = tag.rsplit_once(MARK)?;
    let plain = number.strip_suffix(UNANSWERED);
    Some((target, plain.unwrap_or(number).parse().ok()?, plain.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_numbers_and_what_is_too_much_shares_one() {
        let mut numbered = Numbered::default();
        let at = |last: u16| SocketAddr::from(([127, 0, 0, 1], last));
        assert_eq!([at(1), at(2), at(1), at(3)].map(|address| numbered.number(address)), [0, 1, 0, 2]);
        for port in 0..1000 {
            numbered.number(at(port));
        }
        assert_eq!((numbered.number(at(1)), numbered.number(at(900)), numbered.all().len()), (0, 256, 256));
    }

    #[test]
    fn tags_name_target_and_number() {
        let [answers, others] = tags("api", 12);
        assert_eq!((of_tag(&answers), of_tag(&others)), (Some(("api", 12, true)), Some(("api", 12, false))));
        assert_eq!((of_tag("main.browse.list"), of_tag("api@x")), (None, None));
    }
}

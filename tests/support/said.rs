//! What a program said. A report flows within the columns of a pipe, so a sentence is found wherever its lines end.

use std::fmt;
use std::ops::Deref;

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Said(pub String);

/// What is looked for.
pub trait Sought {
    fn occurs_in(self, said: &str) -> bool;
}

impl Sought for &str {
    fn occurs_in(self, said: &str) -> bool {
        let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        said.contains(self) || (self.trim().contains(' ') && on_one_line(said).contains(&on_one_line(self)))
    }
}

impl Sought for &String {
    fn occurs_in(self, said: &str) -> bool {
        self.as_str().occurs_in(said)
    }
}

impl Sought for char {
    fn occurs_in(self, said: &str) -> bool {
        said.contains(self)
    }
}

impl<const N: usize> Sought for [char; N] {
    fn occurs_in(self, said: &str) -> bool {
        said.contains(self)
    }
}

impl Said {
    pub fn contains(&self, sought: impl Sought) -> bool {
        sought.occurs_in(&self.0)
    }
}

impl Deref for Said {
    type Target = String;

    fn deref(&self) -> &String {
        &self.0
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq<str> for Said {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Said {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Said {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

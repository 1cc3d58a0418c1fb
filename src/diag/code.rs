//! The codes of all diagnostics. A code that appeared in a release is never given to another mistake.

use super::Severity;
use serde::{Serialize, Serializer};
use std::fmt;

macro_rules! codes {
    ($($name:ident $severity:ident $title:literal;)*) => {
        /// E01 syntax · E02 names · E03 types · E04 timeline and plan · W08 lints.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }

            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// What the code is about, in the words of a table of contents.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The page that `stressc explain` prints.
            pub fn page(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("explain/", stringify!($name), ".md")),)* }
            }
        }
    };
}

codes! {
    E0100 Error "text that no rule of the language expects here";
    E0101 Error "a brace that is never closed";
    E0102 Error "a unit that does not exist, or that does not touch its number";
    E0103 Error "`=` where an option needs `:`";
    E0104 Error "a line that starts with `-`";
    E0105 Error "two statements on one line";
    E0106 Error "a chain of comparisons";
    E0107 Error "a semicolon";
    E0108 Error "a `{` in a text that opens no interpolation";
    E0109 Error "an operator of another language";
    E0110 Error "a text that is not closed";
    E0111 Error "a closing bracket that closes nothing";
    E0112 Error "brackets nested too deep";
    E0113 Error "a construct that this version does not run yet";
    E0114 Error "a statement that does not belong here";
    E0115 Error "a body that is missing or too much";
    E0116 Error "`to` where a ramp needs `->`";
    E0117 Error "an escape that does not exist";
    E0118 Error "a word that cannot be a name";
    E0119 Error "a file that cannot be read as a scenario";
    E0201 Error "a name that nothing declares";
    E0202 Error "a field or method that does not exist";
    E0203 Error "a name that is declared twice";
    E0204 Error "a declaration with the name of a built-in function";
    E0205 Error "an option that does not exist";
    E0206 Error "something that needs itself";
    E0207 Error "a name of the wrong kind";
    E0208 Error "a file that is needed and cannot be used";
    E0209 Error "an alert whose source is not known";
    E0301 Error "a value of another type than the one that is needed";
    E0302 Error "a plain number where a percentage is meant";
    E0303 Error "a load that mixes arrivals and users";
    E0304 Error "a series without a unit";
    E0305 Error "an operator between types that it does not join";
    E0306 Error "arguments that do not fit";
    E0307 Error "something that is required and missing";
    E0308 Error "a percentage of a percentage";
    E0309 Error "a fault where its time is needed";
    E0310 Error "a value out of its range";
    E0311 Error "a value that grows too large";
    E0401 Error "a fault or event whose time does not fit";
    E0402 Error "instants that wait for each other";
    E0403 Error "a stage name that several loads have";
    E0404 Error "something that only the run knows, where a plan is needed";
    E0405 Error "a fault or event outside of the run";
    E0406 Error "recovery without a steady state";
    E0407 Error "a scope in which nothing is measured";
    E0408 Error "two faults on one element at a time";
    E0409 Error "an alert that cannot fire or resolve in time";
    E0410 Error "weights that do not sum to 100%";
    E0411 Error "a spike without a level to multiply";
    E0412 Error "a scenario that cannot run";
    E0413 Error "more unique rows than there are";
    E0414 Error "a budget that is smaller than what is planned";
    E0415 Error "a rules file that Prometheus refuses";
    W0801 Warning "something that is declared and never used";
    W0802 Warning "too few samples or levels for what is asserted";
    W0803 Warning "a closed load that only measures saturation";
    W0804 Warning "too little load after a fault to see recovery";
    W0805 Warning "a relative bound on what is often 0";
    W0806 Warning "a bound on latency without one on errors";
    W0807 Warning "a secret with its value in the file";
    W0808 Warning "think time that makes an expected throughput impossible";
    W0809 Warning "an open load whose arrivals are all new users";
    W0810 Warning "a ramp that does not start where the load is";
    W0811 Warning "a load that is more than this machine holds";
    W0812 Warning "a service that is killed and not brought back";
    W0813 Warning "a text with a placeholder of another language";
    W0814 Warning "a value that the shell reads as a part of its line";
    W0815 Warning "something that this version does not run yet";
    W0816 Warning "two measured values without an allowance between them";
    W0817 Warning "fewer rows than users who have one each";
    W0818 Warning "an alert that may be late without a mistake";
    W0820 Warning "an increase of a query that is more than a sum of series";
}

impl Code {
    /// Whether it is about how a text is written, and not about what it means.
    pub fn is_of_form(self) -> bool {
        self.as_str().starts_with("E01")
    }

    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

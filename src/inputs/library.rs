//! The modules of `std`, in the program.

const MODULES: &[(&str, &str)] = &[("shapes", include_str!("../../stdlib/shapes.stress"))];

pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

pub fn text(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

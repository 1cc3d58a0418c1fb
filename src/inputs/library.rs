//! The modules of `std`, in the program.

/// Each module by its name, from the file of that name in `stdlib/`.
macro_rules! modules {
    ($($name:literal,)*) => {
        const MODULES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../stdlib/", $name, ".stress"))),)*];
    };
}

modules![
    "bench",
    "chaos",
    "docker",
    "grafana",
    "kubernetes",
    "monitoring",
    "oauth",
    "readiness",
    "shapes",
    "slo",
    "web",
];

pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

pub fn text(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

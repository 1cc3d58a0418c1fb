//! Variables: of the environment, and of a file next to it.

use super::file_system::Files;
use std::collections::HashMap;
use std::path::Path;

/// All variables; where both have one, the environment's counts.
pub fn read(files: &dyn Files, file: Option<&Path>) -> Result<HashMap<String, String>, String> {
    let mut variables = HashMap::new();
    if let Some(path) = file {
        let shown = path.display();
        // Read first, so that what is wrong with the file is said as for any other.
        let text = super::text(files.open_named(path)?.file, &shown.to_string(), super::LARGEST, "file of variables")?;
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = entry.map_err(|error| match error {
                dotenvy::Error::LineParse(line, at) => {
                    // The line may hold a secret, so it is not quoted.
                    let number = text.lines().position(|own| own.contains(line.trim())).map_or(0, |at| at + 1);
                    format!("`{shown}` line {number} cannot be read at character {}: write `NAME=value`", at + 1)
                }
                other => format!("`{shown}` cannot be read: {other}"),
            })?;
            variables.insert(name, value);
        }
    }
    variables.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    Ok(variables)
}

/// Variables that tell other programs where to connect, and as which user. A run connects where its file says.
const NOT_HEEDED: [(&str, bool); 21] = [
    ("http_proxy", false),
    ("HTTP_PROXY", false),
    ("https_proxy", false),
    ("HTTPS_PROXY", false),
    ("all_proxy", false),
    ("ALL_PROXY", false),
    ("no_proxy", false),
    ("NO_PROXY", false),
    ("PGHOST", true),
    ("PGHOSTADDR", true),
    ("PGPORT", true),
    ("PGUSER", true),
    ("PGPASSWORD", true),
    ("PGPASSFILE", true),
    ("PGDATABASE", true),
    ("PGSERVICE", true),
    ("PGSSLMODE", true),
    ("PGSSLROOTCERT", true),
    ("PGSSLCERT", true),
    ("PGSSLKEY", true),
    ("PGAPPNAME", true),
];

/// Which of them are set: of proxies, or of PostgreSQL.
pub fn not_heeded(postgres: bool) -> Vec<&'static str> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    NOT_HEEDED.into_iter().filter(|(name, of)| *of == postgres && set(name)).map(|(name, _)| name).collect()
}

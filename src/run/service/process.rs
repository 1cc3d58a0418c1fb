//! `process(…)`: any program.

use super::ready::Ready;
use super::{Recipe, ServiceEndpoint, launch};
use crate::base::hosts::OF_SERVICES;
use crate::guard;
use crate::plan::{Expr, Piece, Plan, Service, ServiceKind, Text};
use crate::run::resolve::resolved::Resolved;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What distributions call programs otherwise.
const ALSO_CALLED: [(&str, &[&str]); 3] =
    [("alertmanager", &["prometheus-alertmanager"]), ("redis-server", &["valkey-server"]), ("mysqld", &["mariadbd"])];

pub fn prepare(
    service: &Service,
    (program, arguments): (&Text, &[Text]),
    known: &Resolved,
    (directory, beside): (&Path, &Path),
) -> Result<Recipe, String> {
    let program = known.text(program).map_err(|why| format!("its program: {why}"))?;
    let own = service.env.iter().find(|(name, _)| name == "PATH").map(|(_, path)| known.text(path));
    let path = own.transpose()?.map(OsString::from).or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let mut launch = launch(service, find(&program, &path)?, directory, known);
    launch.directory.get_or_insert_with(|| directory.to_owned());
    launch.env.push(("STRESSC_DIR".to_owned(), directory.display().to_string()));
    for (place, argument) in arguments.iter().enumerate() {
        let text = known.text(argument).map_err(|why| format!("its argument {}: {why}", place + 1))?;
        launch.arguments.push(text);
    }
    for (name, text) in &service.files {
        let text = known.text(text).map_err(|why| format!("its file `{name}`: {why}"))?;
        let path = directory.join(name);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| write(&path, &text));
        written.map_err(|error| format!("its file `{name}` cannot be written: {error}"))?;
    }
    launch.runs_in = Some(runs_in(service.dir.as_deref(), &launch.arguments, directory, beside));
    let port = match &service.port {
        Some(written) => known.port(written).ok_or("this machine has no free port for it")?,
        None => 0,
    };
    let texts = arguments.iter().chain(service.env.iter().chain(&service.files).map(|(_, text)| text));
    named(texts, &mut |port| known.ports.number(port).into_iter().for_each(|number| known.ports.release(number)));
    known.ports.release(port);
    let address = SocketAddr::new(OF_SERVICES, port);
    let ready = if port == 0 { Ready::Lives } else { Ready::Accepts(address) };
    Ok(Recipe { endpoint: ServiceEndpoint::http(address), launch, ready, admin: None, private: None })
}

/// Where a program runs. Arguments are its own to read, so a path in one that was meant next to the file leads nowhere unless it runs there.
fn runs_in(dir: Option<&str>, arguments: &[String], directory: &Path, beside: &Path) -> String {
    let place = dir.map_or(directory, Path::new);
    let shown = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let whose = if dir.is_some() { "" } else { "its private directory " };
    let is_elsewhere = |argument: &&String| {
        let path = Path::new(argument.as_str());
        !argument.is_empty() && path.is_relative() && !place.join(path).exists() && beside.join(path).is_file()
    };
    let said = format!("it ran in {whose}`{}`", shown.display());
    match arguments.iter().find(is_elsewhere) {
        Some(argument) => format!("{said}, and `{argument}` lies next to the scenario, where `dir: \".\"` starts it"),
        None => said,
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    guard::unfollowed(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?.write_all(text.as_bytes())
}

/// The `port()`s that texts name: those on which a program listens may be any of them.
fn named<'t>(texts: impl Iterator<Item = &'t Text>, port: &mut impl FnMut(usize)) {
    for piece in texts.flatten() {
        if let Piece::Value(value) = piece {
            value.any(&mut |part| {
                if let Expr::Port(number) = part {
                    port(*number);
                }
                false
            });
        }
    }
}

/// A program by its path, or by one of its names in the directories of `PATH`.
fn find(program: &str, path: &OsString) -> Result<PathBuf, String> {
    if program.contains('/') {
        let found = std::path::absolute(program).map_err(|error| error.to_string())?;
        return match found.is_file() {
            true => Ok(found),
            false => Err(format!("there is no program `{}`", found.display())),
        };
    }
    let names = names(program);
    let mut directories: Vec<PathBuf> = std::env::split_paths(path).collect();
    directories.retain(|directory| directory.is_absolute());
    // Those of servers are often for root alone.
    for more in ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from) {
        if !directories.contains(&more) {
            directories.push(more);
        }
    }
    let mut places = names.iter().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    places.find(|place| is_program(place)).ok_or_else(|| {
        let shown: Vec<String> = directories.iter().map(|directory| directory.display().to_string()).collect();
        format!(
            "{}: it is in none of {}; install it, or write its path, such as `process(\"/opt/{program}/{program}\")`",
            not_installed(program),
            shown.join(", ")
        )
    })
}

/// All names under which a program may be installed.
fn names(program: &str) -> Vec<&str> {
    let others = ALSO_CALLED.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, others)| others);
    std::iter::once(program).chain(others.iter().copied()).collect()
}

fn not_installed(program: &str) -> String {
    let names: Vec<String> = names(program).iter().map(|name| format!("`{name}`")).collect();
    format!("the program {} is not installed", names.join(" or "))
}

/// A program that a plan starts by its name and that is not installed. A path may lead to something that is made first.
pub fn missing(plan: &Plan) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = |service: &Service| {
        let ServiceKind::Process { program, .. } = &service.kind else { return None };
        let has_own_path = service.env.iter().any(|(name, _)| name == "PATH");
        match program.as_slice() {
            [Piece::Literal(name)] if !name.contains('/') && !has_own_path => Some(name.clone()),
            _ => None,
        }
    };
    let mut programs = plan.services.iter().filter_map(program);
    programs.find(|program| find(program, &path).is_err()).map(|program| not_installed(&program))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_is_written_anew_and_through_no_link() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        write(&at("file"), "longer").unwrap();
        write(&at("file"), "new").unwrap();
        assert_eq!(std::fs::read(at("file")).unwrap(), b"new");
        std::os::unix::fs::symlink(at("victim"), at("link")).unwrap();
        assert!(write(&at("link"), "text").is_err() && !at("victim").exists());
    }

    #[test]
    fn a_program_is_found_by_its_other_name_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("prometheus-alertmanager");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let in_it = directory.path().as_os_str().to_owned();
        assert!(find("alertmanager", &in_it).unwrap_err().contains("`alertmanager` or `prometheus-alertmanager`"));
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find("alertmanager", &in_it), Ok(path));
    }
}

//! Values of arguments: what each takes, and what to write instead.

use super::{Out, Runs};
use crate::base::units::DURATIONS;
use crate::report::Format;
use crate::run::Account;
use crate::telemetry::Stream;
use std::path::PathBuf;

pub(super) fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("write it like `rise=5s`".to_owned()),
    }
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like `severity=page`".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((index, count)) if index >= 1 && index <= count => Ok((index, count)),
        _ => Err("write it like `1/2`: part 1 of 2".to_owned()),
    }
}

pub(super) fn trace_url(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    match is_web && text.contains("{trace_id}") && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        true => Ok(text.to_owned()),
        false => Err("write it like `https://traces.example/trace/{trace_id}`".to_owned()),
    }
}

pub(super) fn report_url(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    match is_web && !text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        true => Ok(text.to_owned()),
        false => Err("write it like `https://ci.example/runs/17`".to_owned()),
    }
}

pub(super) fn resumed(text: &str) -> Result<String, String> {
    match text.contains(".stress:") || text.ends_with(".stress") {
        true => {
            Err("`--resume` takes the id of a suite's run and no file, because the record names the file".to_owned())
        }
        false => Ok(text.to_owned()),
    }
}

/// The empty text stands for a baseline without a name.
pub(super) fn baseline_name(text: &str) -> Result<String, String> {
    match text {
        // It stands where the file was meant.
        _ if text.contains(".stress") => Err("write the file before `--save-baseline`, or a name after it".to_owned()),
        _ if text.chars().any(char::is_control) || text.len() > 100 => {
            Err("a name is a short text in a line".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    let share = number.map(|number| number / 100.0).filter(|share| share.is_finite() && *share >= 0.0);
    share.ok_or_else(|| "write it like `5%`".to_owned())
}

pub(super) fn runs(text: &str) -> Result<Runs, String> {
    let wrong = || "write it like `5`, or like `3..10`: from 3 runs on, and at most 10".to_owned();
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let (least, most) = match text.split_once("..") {
        Some((least, most)) => (number(least)?, number(most)?),
        None => (number(text)?, number(text)?),
    };
    const MOST: usize = 100;
    match least >= 1 && least <= most && most <= MOST {
        true => Ok(Runs { least, most }),
        false => Err(wrong()),
    }
}

/// What a run writes or streams.
pub(super) fn out(text: &str) -> Result<Out, String> {
    let Some((name, place)) = text.split_once('=').filter(|(_, place)| !place.is_empty()) else {
        return Err("write it like `json=result.json`, or like `openmetrics=127.0.0.1:9464`".to_owned());
    };
    match (format(name), Stream::parse(name, place)) {
        (Some(format), _) => Ok(Out::Report(format, place.into())),
        (None, Some(stream)) => stream.map(Out::Stream),
        (None, None) => {
            let names: Vec<&str> = names().chain(Stream::NAMES.iter().copied()).collect();
            Err(format!("no output is called `{name}`; choose from `{}`", names.join("`, `")))
        }
    }
}

/// What is written of a record.
pub(super) fn report_out(text: &str) -> Result<(Format, PathBuf), String> {
    match text.split_once('=') {
        Some((_, "")) | None => Err("write it like `json=result.json`".to_owned()),
        Some((name, path)) => match format(name) {
            Some(format) => Ok((format, path.into())),
            None if Stream::NAMES.contains(&name) => {
                Err(format!("`{name}` is a stream of a run that goes on; use it with `stressc run`"))
            }
            None => {
                let names: Vec<&str> = names().collect();
                Err(format!("`{name}` is not a format; choose from `{}`", names.join("`, `")))
            }
        },
    }
}

/// What is written of two runs side by side.
pub(super) fn compare_out(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, path) = report_out(text)?;
    match format.of_comparison() {
        Some(_) => Ok((format, path)),
        None => {
            let own = Format::ALL.iter().filter(|format| format.of_comparison().is_some());
            let names: Vec<&str> = own.map(|format| format.name()).collect();
            Err(format!("`{}` is not a format of a comparison; choose from `{}`", format.name(), names.join("`, `")))
        }
    }
}

fn format(name: &str) -> Option<Format> {
    Format::ALL.iter().copied().find(|format| format.name() == name)
}

fn names() -> impl Iterator<Item = &'static str> {
    Format::ALL.iter().map(|format| format.name())
}

pub(super) fn user(text: &str) -> Result<Account, String> {
    let numbers = text.split_once(':').and_then(|(id, group)| Some((id.parse().ok()?, group.parse().ok()?)));
    numbers.map(|(id, group)| Account { id, group }).ok_or_else(|| "write it like `65534:65534`".to_owned())
}

pub(super) fn length(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write it like `200ms` or `1s`".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let size = DURATIONS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(std::time::Duration::from_nanos((number * size as f64) as u64))
}

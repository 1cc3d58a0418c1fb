//! What this machine really allows, found by trying it: more than a plan asks for, because it takes a moment.

use super::groups;
use std::time::{Duration, Instant};

/// Makes a control group with a controller, sees that it limits, and removes it. Says by which version.
pub fn group(controller: &str) -> Result<&'static str, String> {
    let place = groups::place(controller, "self")?;
    let group = place.group(&format!("stressc-probe-{}", std::process::id()));
    group.make().map_err(|error| format!("{}: {error}", group.path.display()))?;
    let limit = group.limit(controller);
    let has = group.path.join(limit).is_file();
    let removed = std::fs::remove_dir(&group.path);
    removed.map_err(|error| format!("{}: {error}", group.path.display()))?;
    let version = if place.by == crate::plan::By::CgroupV2 { "v2" } else { "v1" };
    if has { Ok(version) } else { Err(format!("a new control group has no `{limit}`")) }
}

/// What the kernel's time comes from, and how late a sleep of a millisecond ends at most.
pub fn clock() -> (String, Duration) {
    const SLEEPS: u32 = 50;
    const EACH: Duration = Duration::from_millis(1);
    let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let late = (0..SLEEPS).map(|_| {
        let begun = Instant::now();
        std::thread::sleep(EACH);
        begun.elapsed().saturating_sub(EACH)
    });
    (source.unwrap_or_default().trim().to_owned(), late.max().unwrap_or_default())
}

/// Whether a process can be held by a descriptor, so that a signal reaches it and never a later one with its number.
pub fn holds_processes() -> bool {
    #[cfg(target_os = "linux")]
    {
        let own = rustix::process::getpid();
        rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    false
}

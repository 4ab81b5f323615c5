//! Points at which a test lets writing and reading fail.
//!
//! The environment variable `FAILPOINTS` names points and what happens there: `image.write=17*off->return(kill);history.commit=return(full)`
//! spares the first 17 writes of an image, `engine.view=3*off->1*panic` means the fourth view that runs and no other. Without the variable a point costs one load. What can be returned: `io` (EIO), `full` (ENOSPC),
//! `denied` (EACCES), `kill` (the process ends at once, as after a signal that nobody can catch), and `torn` where something is
//! written (half of it is, then the process ends). Else `sleep(milliseconds)` or `panic`. The syntax is that of the crate `fail`, which
//! would bring features of other crates with it that let all of DataFusion be compiled anew.

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The variable that says what fails.
pub const VARIABLE: &str = "FAILPOINTS";

/// Fails here if the environment asks for it.
///
/// # Errors
/// What the environment names, or that it names nothing known.
pub fn fail_at(point: &str) -> Result<()> {
    match asked(point)? {
        None => Ok(()),
        Some(what) => Err(error_of(point, &what)),
    }
}

/// A writer that fails where the environment asks for it.
pub struct Fallible<W> {
    inner: W,
    point: &'static str,
}

impl<W: Write> Fallible<W> {
    /// Lets every write of `inner` pass a point.
    pub fn new(inner: W, point: &'static str) -> Self {
        Fallible { inner, point }
    }

    /// The writer inside.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for Fallible<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match asked(self.point)? {
            None => self.inner.write(bytes),
            Some(what) => {
                if what == "torn" {
                    self.inner.write_all(&bytes[..bytes.len() / 2])?;
                    self.inner.flush()?;
                    std::process::abort();
                }
                Err(error_of(self.point, &what))
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// What happens at a point: the first so many times that it is passed nothing, then this, so many times.
struct Fault {
    point: String,
    spared: AtomicUsize,
    times: AtomicUsize,
    what: What,
}

enum What {
    Return(String),
    Sleep(Duration),
    Panic,
}

fn asked(point: &str) -> Result<Option<String>> {
    static SAID: OnceLock<std::result::Result<Vec<Fault>, String>> = OnceLock::new();
    let said = SAID.get_or_init(|| std::env::var(VARIABLE).map_or(Ok(Vec::new()), |text| faults(&text)));
    let faults = said.as_ref().map_err(|reason| Error::new(ErrorKind::InvalidInput, reason.clone()))?;
    let Some(fault) = faults.iter().find(|fault| fault.point == point) else { return Ok(None) };
    let takes = |left: &AtomicUsize| {
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    };
    if takes(&fault.spared) || !takes(&fault.times) {
        return Ok(None);
    }
    match &fault.what {
        What::Return(what) => return Ok(Some(what.clone())),
        #[expect(clippy::disallowed_methods, reason = "a test asked for it")]
        What::Sleep(time) => std::thread::sleep(*time),
        What::Panic => panic!("{VARIABLE} asks for a panic at {point}"),
    }
    Ok(None)
}

fn faults(text: &str) -> std::result::Result<Vec<Fault>, String> {
    text.split(';').map(str::trim).filter(|each| !each.is_empty()).map(fault).collect()
}

fn fault(text: &str) -> std::result::Result<Fault, String> {
    let bad = || format!("{VARIABLE}: `{text}` is not like `point=17*off->return(io)`");
    let (point, actions) = text.split_once('=').ok_or_else(bad)?;
    let (spared, action) = match actions.split_once("*off->") {
        Some((count, action)) => (count.trim().parse().map_err(|_| bad())?, action),
        None => (0, actions),
    };
    let (times, action) = match action.split_once('*') {
        Some((count, action)) => (count.trim().parse().map_err(|_| bad())?, action),
        None => (usize::MAX, action),
    };
    let (name, argument) = match action.trim().split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').ok_or_else(bad)?),
        None => (action.trim(), ""),
    };
    let what = match name {
        "return" => What::Return(argument.to_owned()),
        "sleep" => What::Sleep(Duration::from_millis(argument.parse().map_err(|_| bad())?)),
        "panic" => What::Panic,
        _ => return Err(bad()),
    };
    Ok(Fault { point: point.trim().to_owned(), spared: AtomicUsize::new(spared), times: AtomicUsize::new(times), what })
}

fn error_of(point: &str, what: &str) -> Error {
    match what {
        "io" => Error::from_raw_os_error(5),
        "full" => Error::from_raw_os_error(28),
        "denied" => Error::from_raw_os_error(13),
        "kill" => std::process::abort(),
        _ => Error::other(format!("{VARIABLE}: nobody knows how to `{what}` at {point}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_read_from_one_text() {
        let read = faults("image.write=17*off->return(kill); history.commit = sleep(5);x=2*panic;").unwrap_or_default();
        let said: Vec<(&str, usize)> =
            read.iter().map(|fault| (fault.point.as_str(), fault.spared.load(Ordering::Relaxed))).collect();
        assert_eq!(said, [("image.write", 17), ("history.commit", 0), ("x", 0)]);
        assert!(matches!(&read[0].what, What::Return(what) if what == "kill"));
        assert_eq!(read[2].times.load(Ordering::Relaxed), 2);
        assert!(matches!(read[1].what, What::Sleep(time) if time.as_millis() == 5));
        for wrong in ["image.write", "image.write=explode", "image.write=x*off->panic", "image.write=sleep(long)"] {
            assert!(faults(wrong).is_err(), "{wrong}");
        }
    }
}

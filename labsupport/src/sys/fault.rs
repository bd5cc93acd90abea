//! Places where the tests kill a process, to show that nobody else is harmed. Nothing is left of them in a build
//! without tests.

#[cfg(test)]
use std::sync::Mutex;

#[cfg(test)]
static ARMED: Mutex<Option<&'static str>> = Mutex::new(None);

/// From now on this process kills itself with SIGKILL when it comes to `point`.
#[cfg(test)]
pub(crate) fn arm(point: &'static str) {
    *ARMED.lock().unwrap() = Some(point);
}

/// A place with a name.
#[inline(always)]
pub(crate) fn point(_name: &'static str) {
    #[cfg(test)]
    if *ARMED.lock().unwrap() == Some(_name) {
        let _ = super::send_signal(super::getpid(), libc::SIGKILL);
        unreachable!("SIGKILL has ended the process");
    }
}

//! A panic in one scenario is an internal error of that scenario and ends nothing else. Anywhere else it
//! is an internal error of the call.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// `Some` while this thread is inside [`catching`]; then the first panic's own words.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does `work`; a panic in it comes back in words, with the place where it happened.
///
/// # Errors
/// The panic.
pub(super) fn catching<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note(info) {
                default(info);
            }
        }));
    });
    let outer = CAUGHT.replace(Some(String::new()));
    // Nothing that the panic left half-done is seen again: a scenario builds a world of its own, and
    // a call ends.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    let words = CAUGHT.replace(outer).unwrap_or_default();
    done.map_err(|_| words)
}

/// Keeps the words of a panic on a thread that catches it. `false` on any other thread.
fn note(info: &PanicHookInfo<'_>) -> bool {
    CAUGHT.with_borrow_mut(|caught| {
        let Some(words) = caught else { return false };
        let message = info.payload_as_str().unwrap_or("a panic without words");
        *words = match info.location() {
            Some(place) => format!("{message}, at {place}"),
            None => message.to_owned(),
        };
        // Only with RUST_BACKTRACE.
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            words.push_str(&format!("\n{trace}"));
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_words_and_place() {
        let words = catching(|| panic!("the {} ran out", "calendar")).unwrap_err();
        assert!(words.starts_with("the calendar ran out, at "), "{words}");
        assert!(words.contains("panics.rs:"), "{words}");
        assert_eq!(catching(|| 1), Ok(1));
    }

    #[test]
    fn one_panic_inside_does_not_hide_a_second_outside() {
        let words = catching(|| {
            let inner: Result<(), _> = catching(|| panic!("first"));
            panic!("second, after {}", inner.is_err());
        });
        let words: Result<(), String> = words;
        assert!(words.unwrap_err().starts_with("second, after true, at "));
    }
}

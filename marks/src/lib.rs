//! Marks: names for the branches at which something is decided, and which of them a run reached.
//!
//! A scenario that passes says what came out; a mark says which way it took. Where code decides (an
//! object is skipped, a modify is refused, a retry ends) it reaches a mark; a run over a library of
//! scenarios then lists the marks that nothing reached, which are the decisions that nothing tests.
//!
//! This crate knows no mark: `engine` and `sim` each declare their own with [`declare!`], and share
//! nothing else. A mark that is reached costs one bit in a cell of the running thread: no lock, no
//! allocation, nothing to switch on. Whoever plays a run takes the set out on the same thread, so that
//! runs side by side do not mix.

/// Most marks that one crate may declare.
pub const MOST: usize = u128::BITS as usize;

/// Marks that were reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached(u128);

impl Reached {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// The set with mark number `number` in it as well.
    #[must_use]
    pub const fn with(self, number: usize) -> Self {
        Self(self.0 | 1 << number)
    }

    /// Whether mark number `number` is in it.
    #[must_use]
    pub const fn has(self, number: usize) -> bool {
        self.0 >> number & 1 == 1
    }

    /// Adds those of another set.
    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Declares the marks of a crate: an enum `Mark` with a name and a sentence for each.
///
/// ```
/// marks::declare! {
///     Redundant = "writeback.redundant", "both sides agree already";
///     Written = "writeback.written", "a modify was applied";
/// }
/// Mark::Written.reach();
/// let reached = Mark::take();
/// assert!(Mark::Written.is_in(reached) && !Mark::Redundant.is_in(reached));
/// assert_eq!(Mark::take(), marks::Reached::NONE);
/// ```
#[macro_export]
macro_rules! declare {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        /// A branch at which something is decided.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $about] $name,)+
        }

        ::std::thread_local! {
            static REACHED: ::core::cell::Cell<$crate::Reached> =
                const { ::core::cell::Cell::new($crate::Reached::NONE) };
        }

        impl Mark {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// When it is reached.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)+ }
            }

            /// Notes that a run came by here. All but the first time it only looks.
            #[inline]
            pub fn reach(self) {
                REACHED.with(|reached| {
                    let before = reached.get();
                    if !before.has(self as usize) {
                        reached.set(before.with(self as usize));
                    }
                });
            }

            /// What this thread reached since the last call.
            #[must_use]
            pub fn take() -> $crate::Reached {
                REACHED.with(|reached| reached.replace($crate::Reached::NONE))
            }

            /// Whether it is among those reached.
            #[must_use]
            pub const fn is_in(self, reached: $crate::Reached) -> bool {
                reached.has(self as usize)
            }
        }

        const _: () = assert!(Mark::ALL.len() <= $crate::MOST, "too many marks");
    };
}

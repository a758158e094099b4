//! The stopwatch.

//! The engine from outside: small programs over evidence that is written down row by row, what they refuse, what they hold
//! after any change, and what ran for it.

mod codes;
mod keyed;
mod plans;
mod ran;
mod refusals;
mod support;
mod validation;
mod walk;

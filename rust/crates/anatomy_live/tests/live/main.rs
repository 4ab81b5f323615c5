//! The workspace from outside: texts go in by every door and in every order, answers come out as places.

mod answers;
mod doors;
mod places;
mod support;
mod syntax;
mod tables;

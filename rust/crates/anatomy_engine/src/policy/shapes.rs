//! From where on a view is too large in some way for what it does. What validation compares with.

/// Relations that one select-project-join block joins.
pub(crate) const MOST_JOINED: usize = 12;
/// Columns that name the unit of refresh.
pub(crate) const MOST_GRAIN: usize = 3;
/// Columns of an index.
pub(crate) const MOST_INDEXED: usize = 4;
/// Levels of a recursive view.
pub(crate) const MOST_ROUNDS: u32 = 64;
/// Views that read one view: each of its changes is a question to all of them.
pub(crate) const MOST_READERS: usize = 64;
/// Rows of a view for each row of all that it reads.
pub(crate) const MOST_GROWTH: usize = 8;
/// Views with fewer rows are not said to grow.
pub(crate) const FEWEST_GROWN: usize = 10_000;

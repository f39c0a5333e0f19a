//! Three poems that come with the house, for demonstrations and tests.

/// "The Ecstasy", John Donne.
pub const ECSTASY: &[u8] = include_bytes!("../poems/ecstasy.txt");
/// "The Fascination of What's Difficult", William Butler Yeats.
pub const FASCINATION: &[u8] = include_bytes!("../poems/fascination.txt");
/// "Sonnet — To Science", Edgar Allan Poe.
pub const SCIENCE: &[u8] = include_bytes!("../poems/science.txt");

//! x
/// y
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
}

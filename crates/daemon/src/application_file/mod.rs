//! Applications as data: services by plugin with their options.

mod options;

pub(crate) use options::AppOptions;

//! The bucket: create-only PUT, HEAD, LIST, and what is checked of it at the start.

mod check;
mod explain;
mod layout;
mod metadata;
mod objects;

pub(crate) use check::check;
pub(crate) use layout::Layout;
pub(crate) use metadata::{found_in, metadata_of};
pub(crate) use objects::{Creation, Objects};

//! The bucket: create-only PUT, HEAD, LIST, and what is checked of it at the start.

mod bucket;
mod check;
mod client;
mod error;
mod layout;
pub(crate) mod metadata;
mod objects;
mod tags;
mod trial;
mod unfit;
mod unusable;
mod write_settings;

pub(crate) use bucket::Bucket;
pub(crate) use check::check;
pub(crate) use error::Error;
pub(crate) use layout::Layout;
pub(crate) use metadata::{found_in, metadata_of};
pub(crate) use objects::{Creation, Objects};
pub(crate) use unfit::Unfit;
pub(crate) use unusable::{AnotherTopic, Unusable};
pub(crate) use write_settings::{WriteArgs, WriteSettings};

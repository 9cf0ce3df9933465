//! Topics made equal to a file: [`TopicFile`] → [`plan`] → [`apply`]. Nothing is ever deleted, and a setting that
//! the file does not name is left alone.

mod apply;
mod file;
mod plan;

use std::time::Duration;

pub use apply::apply;
pub use file::{Topic, TopicFile};
pub use plan::{Plan, plan};

/// For each request to the cluster.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

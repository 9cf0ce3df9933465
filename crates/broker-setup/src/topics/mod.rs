//! Topics made equal to a file: [`TopicFile`] → [`plan`] → [`apply`]. Nothing is ever deleted, and a setting that
//! the file does not name is left alone, but for those that the pipeline cannot do without. [`check`] asks for these only.

mod apply;
mod check;
mod file;
mod plan;

use std::time::Duration;

pub use apply::apply;
pub use check::check;
pub use file::{Topic, TopicFile};
pub use plan::{Plan, plan};

/// For each request to the cluster.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

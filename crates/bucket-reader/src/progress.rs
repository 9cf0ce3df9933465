use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how much of a topic's slots is read: on stderr, and only on a terminal.
#[must_use]
pub fn reading(topic: &str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes).with_message(topic.to_owned());
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
    // only a wrong template is an error, and this one is shown by the tests
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Shows that the bucket is being listed.
pub(crate) fn listing() -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message("objects listed");
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::listing::ListedSlot;

/// Shows how much of a topic's slots is read: on stderr, and only on a terminal.
pub(crate) fn reading<'s>(topic: &str, slots: impl IntoIterator<Item = &'s ListedSlot>) -> ProgressBar {
    let bytes = slots.into_iter().map(|slot| slot.size).sum();
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

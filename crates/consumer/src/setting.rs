/// A setting's value is out of its range.
#[derive(Debug, thiserror::Error)]
#[error("{setting} is {value}, it must be {allowed}")]
pub struct BadSetting {
    /// The flag.
    pub(crate) setting: &'static str,
    pub(crate) value: String,
    /// What would do.
    pub(crate) allowed: &'static str,
}

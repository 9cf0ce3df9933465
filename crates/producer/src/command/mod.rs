//! What the program can be asked to do.

mod doctor;
mod run;

pub use doctor::{Output, doctor};
pub use run::run;

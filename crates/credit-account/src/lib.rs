//! One account owns every call to Twelve Data: it reserves the credits before the call is sent, and settles them
//! when the reply is there. A call that was reserved and never settled counts as spent.
//!
//! - [`Account`] keeps what was spent, in the last 60 s and in each UTC day, and the plan as far as it is known.
//! - [`Schedule`] says when the next call of a round of symbols is due: as asked, or as slow as the credits demand.
//! - [`AccountState`] and [`ScheduleState`] are both as they outlive the process.
//!
//! Pure: time comes in as a [`Moment`], and without `std` there is no clock to read.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod account;
mod day;
mod minute;
mod moment;
mod pace;
mod plan;
mod schedule;
mod state;

#[cfg(test)]
mod simulation;

pub use account::{Account, Heard, Refused, Reservation, Wait, WaitReason};
pub use moment::Moment;
pub use pace::{Demand, Pace, PaceSetter};
pub use plan::{Plan, PlanSource};
pub use schedule::Schedule;
pub use state::{AccountState, ScheduleState};

#[cfg(test)]
mod tests;

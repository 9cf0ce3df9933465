//! The plan's credits: what a call may cost, and when.

mod governor;
mod pacer;
mod plan;
mod schedule;

pub(crate) use pacer::Pacer;
pub(crate) use plan::learn_plan;
pub(crate) use schedule::Demand;

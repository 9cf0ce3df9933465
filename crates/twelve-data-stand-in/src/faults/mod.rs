//! Faults that a test orders, and which requests they hit.

mod fault;
mod queue;
mod websocket;

pub use fault::{BadPrice, ErrorStatus, Fault, Injection};
pub(crate) use queue::FaultQueue;
pub use websocket::WebSocketFault;

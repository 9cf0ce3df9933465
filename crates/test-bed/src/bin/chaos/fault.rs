use std::fmt;
use std::time::Duration;

use test_bed::FaultScript;

/// Something that goes wrong, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// To one consumer. They count from 1.
    Consumer(usize, ConsumerFault),
    /// To the cluster.
    Brokers(BrokerFault),
    /// To the S3 server.
    Store(StoreFault),
}

/// A consumer is killed with SIGKILL, and frozen with SIGSTOP; it is started again, or wakes, at the end of the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConsumerFault {
    /// Killed while a PUT is on its way to the server, which lands so much later.
    KilledBeforeWrite { lands_after: Duration },
    /// Killed when the server has written, and the reply is on its way.
    KilledBeforeReply,
    /// Killed so long after a PUT's reply: about when the offset is committed.
    KilledAfterReply { after: Duration },
    /// Started anew and killed in the middle of its start, at this request to the bucket.
    KilledAtStart { request: usize },
    /// Started anew and killed while it joins the group.
    KilledInRebalance { after: Duration },
    /// Told to stop and killed while it drains.
    KilledInDrain { after: Duration },
    /// Stops in order, and comes back later.
    Left { away: Duration },
    /// Frozen past the session timeout with a PUT under way, which lands before or after it wakes.
    Zombie {
        asleep: Duration,
        held: Held,
        wakes_first: bool,
    },
    /// Frozen at any moment.
    Frozen { asleep: Duration },
    /// The same with its link to Kafka instead: it goes on, and knows not that others own its partitions.
    CutOff { time: Duration, lands_first: bool },
    /// Its connections to Kafka are reset.
    LinkCut,
    /// Its link to Kafka stalls.
    LinkStalled { time: Duration },
    /// Its link to Kafka is slow.
    LinkSlow { delay: Duration, time: Duration },
    /// Its writes meet a script of refusals, delays and lost replies.
    BadWrites { script: FaultScript },
    /// Started anew, and all its first requests meet such a script.
    BadStart { script: FaultScript },
    /// A consumer of another group, which has no commits, writes to the same bucket.
    Rival { time: Duration, is_killed: bool },
}

/// Where a PUT is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Before the server.
    Request,
    /// The server has written.
    Reply,
}

/// Nodes count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BrokerFault {
    Killed { node: usize, down: Duration },
    Stopped { node: usize, down: Duration },
    Frozen { node: usize, time: Duration },
    PartitionAdded,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreFault {
    Killed { down: Duration },
    Frozen { time: Duration },
}

impl Fault {
    /// What the summary counts it as.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Consumer(_, fault) => fault.kind(),
            Self::Brokers(fault) => match fault {
                BrokerFault::Killed { .. } => "broker killed",
                BrokerFault::Stopped { .. } => "broker stopped",
                BrokerFault::Frozen { .. } => "broker frozen",
                BrokerFault::PartitionAdded => "partition added",
            },
            Self::Store(fault) => match fault {
                StoreFault::Killed { .. } => "S3 killed",
                StoreFault::Frozen { .. } => "S3 frozen",
            },
        }
    }
}

impl ConsumerFault {
    fn kind(&self) -> &'static str {
        match self {
            Self::KilledBeforeWrite { .. } => "killed before its write",
            Self::KilledBeforeReply => "killed before the reply",
            Self::KilledAfterReply { .. } => "killed after the reply",
            Self::KilledAtStart { .. } => "killed at its start",
            Self::KilledInRebalance { .. } => "killed in a rebalance",
            Self::KilledInDrain { .. } => "killed in its drain",
            Self::Left { .. } => "left and joined",
            Self::Zombie {
                wakes_first: true, ..
            } => "zombie, wakes before its write lands",
            Self::Zombie { .. } => "zombie, wakes after its write landed",
            Self::Frozen { .. } => "frozen",
            Self::CutOff { .. } => "cut off from Kafka with a write under way",
            Self::LinkCut => "Kafka connections reset",
            Self::LinkStalled { .. } => "Kafka link stalled",
            Self::LinkSlow { .. } => "Kafka link slow",
            Self::BadWrites { .. } => "writes by script",
            Self::BadStart { .. } => "start by script",
            Self::Rival { .. } => "rival of another group",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumer(number, fault) => {
                write!(f, "consumer {number} {}", fault.kind())?;
                fault.details(f)
            }
            Self::Brokers(fault) => {
                f.write_str(self.kind())?;
                match fault {
                    BrokerFault::Killed { node, down } | BrokerFault::Stopped { node, down } => {
                        write!(f, ": node {node}, for {down:?}")
                    }
                    BrokerFault::Frozen { node, time } => write!(f, ": node {node}, for {time:?}"),
                    BrokerFault::PartitionAdded => Ok(()),
                }
            }
            Self::Store(StoreFault::Killed { down: time } | StoreFault::Frozen { time }) => {
                write!(f, "{}: for {time:?}", self.kind())
            }
        }
    }
}

impl ConsumerFault {
    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KilledBeforeWrite { lands_after } => write!(f, ": lands {lands_after:?} later"),
            Self::KilledAfterReply { after }
            | Self::KilledInRebalance { after }
            | Self::KilledInDrain { after } => write!(f, ": after {after:?}"),
            Self::KilledAtStart { request } => write!(f, ": at request {request}"),
            Self::Left { away } => write!(f, ": away for {away:?}"),
            Self::Zombie { asleep, held, .. } => {
                let held = match held {
                    Held::Request => "before the server",
                    Held::Reply => "already written",
                };
                write!(f, ": asleep for {asleep:?}, {held}")
            }
            Self::Frozen { asleep: time } | Self::LinkStalled { time } => write!(f, ": for {time:?}"),
            Self::CutOff { time, lands_first } => {
                let order = if *lands_first { "before" } else { "after" };
                write!(f, ": for {time:?}, lands {order} that")
            }
            Self::LinkSlow { delay, time } => write!(f, ": by {delay:?} for {time:?}"),
            Self::BadWrites { script } | Self::BadStart { script } => write!(f, ": {script}"),
            Self::Rival { time, is_killed } => {
                let end = if *is_killed { "killed" } else { "stopped" };
                write!(f, ": for {time:?}, then {end}")
            }
            Self::KilledBeforeReply | Self::LinkCut => Ok(()),
        }
    }
}

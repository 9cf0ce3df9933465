//! How each fault of a consumer comes about.

use std::time::Duration;

use nix::sys::signal::Signal;
use test_bed::{Fault, FaultScript, Injected};
use tokio::time::sleep;

use crate::error::Error;
use crate::fault::{ConsumerFault, Held};
use crate::seat::Seat;

/// For requests of a start, which fails early where another fault is in its way.
const START_PATIENCE: Duration = Duration::from_secs(15);
/// Between waking a consumer and letting its write go on, or the other way round.
const ORDER_PAUSE: Duration = Duration::from_millis(300);

impl Seat {
    /// Brings a fault about and ends it.
    pub(crate) async fn suffer(&mut self, fault: &ConsumerFault) -> Result<(), Error> {
        self.alive().await?;
        match fault {
            ConsumerFault::KilledBeforeWrite { lands_after } => {
                let held = self.write_meets(Fault::HoldRequest).await?;
                self.kill().await?;
                lift_later(held, *lands_after);
            }
            ConsumerFault::KilledBeforeReply => {
                let held = self.write_meets(Fault::HoldReply).await?;
                self.kill().await?;
                held.lift();
            }
            ConsumerFault::KilledAfterReply { after } => {
                let held = self.write_meets(Fault::HoldReply).await?;
                held.lift();
                sleep(*after).await;
                self.kill().await?;
            }
            ConsumerFault::KilledAtStart { request } => self.killed_at_start(*request).await?,
            ConsumerFault::KilledInRebalance { after } => {
                self.kill().await?;
                self.start()?;
                sleep(*after).await;
                self.kill().await?;
            }
            ConsumerFault::KilledInDrain { after } => {
                let held = self.write_meets(Fault::HoldRequest).await?;
                self.alive().await?.terminate();
                sleep(*after).await;
                self.kill().await?;
                held.lift();
            }
            ConsumerFault::Left { away } => {
                self.stop().await?;
                sleep(*away).await;
            }
            ConsumerFault::Zombie {
                asleep,
                held,
                wakes_first,
            } => self.zombie(*asleep, *held, *wakes_first).await?,
            ConsumerFault::Frozen { asleep } => {
                self.alive().await?.signal(Signal::SIGSTOP);
                sleep(*asleep).await;
                self.alive().await?.signal(Signal::SIGCONT);
            }
            ConsumerFault::CutOff { time, lands_first } => self.cut_off(*time, *lands_first).await?,
            ConsumerFault::LinkCut => self.link.cut(),
            ConsumerFault::LinkStalled { time } => {
                let _stall = self.link.stall();
                sleep(*time).await;
            }
            ConsumerFault::LinkSlow { delay, time } => {
                let _slowness = self.link.slow(*delay);
                sleep(*time).await;
            }
            ConsumerFault::BadWrites { script } => {
                let mut played = self.proxy.play(script, test_bed::Request::writes_data);
                self.until(&mut played, script.fault_count()).await?;
            }
            ConsumerFault::BadStart { script } => self.bad_start(script).await?,
            ConsumerFault::Rival { time, is_killed } => self.rival(*time, *is_killed).await?,
        }
        self.alive().await?;
        Ok(())
    }

    async fn killed_at_start(&mut self, request: usize) -> Result<(), Error> {
        self.kill().await?;
        let mut held = self.proxy.inject_after(request, Fault::HoldRequest, |_| true);
        self.start()?;
        held.takes_place_within(1, START_PATIENCE).await;
        self.kill().await?;
        held.lift();
        Ok(())
    }

    async fn zombie(&mut self, asleep: Duration, held: Held, wakes_first: bool) -> Result<(), Error> {
        let fault = match held {
            Held::Request => Fault::HoldRequest,
            Held::Reply => Fault::HoldReply,
        };
        let held = self.write_meets(fault).await?;
        self.alive().await?.signal(Signal::SIGSTOP);
        sleep(asleep).await;
        if wakes_first {
            self.alive().await?.signal(Signal::SIGCONT);
            sleep(ORDER_PAUSE).await;
            held.lift();
        } else {
            held.lift();
            sleep(ORDER_PAUSE).await;
            self.alive().await?.signal(Signal::SIGCONT);
        }
        Ok(())
    }

    async fn cut_off(&mut self, time: Duration, lands_first: bool) -> Result<(), Error> {
        let held = self.write_meets(Fault::HoldRequest).await?;
        let stall = self.link.stall();
        sleep(time).await;
        if lands_first {
            held.lift();
            sleep(ORDER_PAUSE).await;
            stall.lift();
        } else {
            stall.lift();
            sleep(ORDER_PAUSE).await;
            held.lift();
        }
        Ok(())
    }

    async fn bad_start(&mut self, script: &FaultScript) -> Result<(), Error> {
        self.kill().await?;
        let mut played = self.proxy.play(script, |_| true);
        self.start()?;
        self.until(&mut played, script.fault_count()).await
    }

    async fn rival(&mut self, time: Duration, is_killed: bool) -> Result<(), Error> {
        let name = format!("{}-rival", self.name());
        // a group that was there before has commits
        let group = format!("rival-{}", uuid::Uuid::new_v4());
        let rival = self.start_as(&name, &group)?;
        sleep(time).await;
        self.check_end(&name, &rival)?;
        if is_killed {
            rival.kill().await?;
        } else {
            self.stop_process(&name, &rival).await?;
        }
        Ok(())
    }
}

/// The write lands when its writer is long dead.
fn lift_later(held: Injected, after: Duration) {
    tokio::spawn(async move {
        sleep(after).await;
        held.lift();
    });
}

use std::sync::Arc;
use std::time::Duration;

use pipeline_runtime::shutdown;
use test_bed::{Bed, Kafka, S3};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::args::Args;
use crate::brokers::Brokers;
use crate::error::Error;
use crate::fault::Fault;
use crate::feed::Feed;
use crate::schedule::{NODES, Planned, Scale, schedule};
use crate::seat::{BUCKET, GROUP, Seat, TOPIC};
use crate::tally::Tally;
use crate::{store, verdict};

/// Nothing committed for so long, which is longer than the pauses between a consumer's tries: it will not come.
const STALL_TIMEOUT: Duration = Duration::from_secs(90);
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// Runs all faults and gives the verdict. What was started is stopped, whatever happens; the folder is kept if
/// anything is wrong.
pub(crate) async fn run(args: &Args, seed: u64, tally: &Tally) -> Result<(), Error> {
    let signals = shutdown::on_signals()?;
    let bed = Bed::new()?;
    let done = tokio::select! {
        biased;
        () = signals.cancelled() => Err(test_bed::Error::Interrupted.into()),
        done = Box::pin(run_on(&bed, args, seed, tally)) => done,
    };
    match done {
        Ok(()) | Err(Error::Part(test_bed::Error::Interrupted)) => done,
        Err(error) => {
            bed.keep();
            Err(Error::Kept {
                seed,
                folder: bed.path().to_owned(),
                source: Box::new(error),
            })
        }
    }
}

async fn run_on(bed: &Bed, args: &Args, seed: u64, tally: &Tally) -> Result<(), Error> {
    let consumers = usize::from(args.consumers);
    tally.screen.step("starting three Kafka nodes and an S3 server");
    let (kafka, s3) = tokio::join!(
        Kafka::start_linked(bed, "kafka", NODES, consumers),
        S3::start(bed, "s3")
    );
    let (kafka, s3) = (kafka?, s3?);
    kafka.create_topic(TOPIC, i32::from(args.partitions)).await?;
    s3.create_bucket(BUCKET).await?;
    let mut feed = Feed::start(&kafka, TOPIC, args.rate)?;
    let mut seats = Vec::new();
    for number in 1..=consumers {
        seats.push(
            Seat::new(
                number,
                bed,
                &s3,
                kafka.link(number - 1),
                Arc::clone(&tally.screen),
            )
            .await?,
        );
    }

    tally
        .screen
        .step(&format!("{consumers} consumers read, the faults begin"));
    let stage = Stage {
        brokers: Brokers {
            kafka,
            partitions: usize::from(args.partitions),
        },
        s3,
        seats,
    };
    let scale = Scale {
        faults: args.faults,
        consumers,
        is_quick: args.quick,
    };
    let planned = schedule(seed, scale);
    let mut stage = tokio::select! {
        stage = Box::pin(stage.suffer(planned, tally)) => stage?,
        failure = feed.failure() => return Err(failure),
    };

    tally.screen.step("no more faults: the feed ends");
    let sessions = feed.finish().await?;
    tally.screen.step("the consumers write what is left");
    let lag = stage.catch_up(tally).await?;
    tally.screen.step("the audit reads the bucket");
    let refused = stage.refused_writes();
    verdict::give(bed, &stage.s3, &sessions, lag, refused, tally).await
}

/// All that can fail.
struct Stage {
    brokers: Brokers,
    s3: S3,
    seats: Vec<Seat>,
}

impl Stage {
    /// Works the list off, each kind of part by itself and all side by side.
    async fn suffer(self, planned: Vec<Planned>, tally: &Tally) -> Result<Self, Error> {
        let Self {
            mut brokers,
            mut s3,
            seats,
        } = self;
        let mut of_brokers = Vec::new();
        let mut of_store = Vec::new();
        let mut of_seats = vec![Vec::new(); seats.len()];
        for Planned { pause, fault } in planned {
            match &fault {
                Fault::Brokers(part) => of_brokers.push((pause, part.clone(), fault)),
                Fault::Store(part) => of_store.push((pause, part.clone(), fault)),
                Fault::Consumer(number, part) => {
                    of_seats[number - 1].push((pause, part.clone(), fault));
                }
            }
        }
        let brokers_lane = async {
            for (pause, part, fault) in of_brokers {
                sleep(pause).await;
                brokers.suffer(&part).await?;
                tally.fault(&fault);
            }
            Ok::<_, Error>(brokers)
        };
        let gates: Vec<_> = seats.iter().map(|seat| seat.proxy.gate()).collect();
        let store_lane = async {
            for (pause, part, fault) in of_store {
                sleep(pause).await;
                store::suffer(&mut s3, &gates, &part).await?;
                tally.fault(&fault);
            }
            Ok::<_, Error>(s3)
        };
        let mut seat_lanes = JoinSet::new();
        for (mut seat, planned) in seats.into_iter().zip(of_seats) {
            let tally = tally.clone();
            seat_lanes.spawn(async move {
                for (pause, part, fault) in planned {
                    sleep(pause).await;
                    seat.suffer(&part).await?;
                    tally.fault(&fault);
                }
                Ok::<_, Error>(seat)
            });
        }
        let seats_lane = async {
            let mut seats = Vec::new();
            while let Some(seat) = seat_lanes.join_next().await {
                seats.push(seat??);
            }
            Ok::<_, Error>(seats)
        };
        let (brokers, s3, seats) = tokio::try_join!(brokers_lane, store_lane, seats_lane)?;
        Ok(Self { brokers, s3, seats })
    }

    /// Waits until the group has committed all that was fed, or commits no more, then stops the consumers in order.
    /// Gives how much is not committed.
    async fn catch_up(&mut self, tally: &Tally) -> Result<i64, Error> {
        let (mut least, mut since) = (i64::MAX, Instant::now());
        let lag = loop {
            for seat in &mut self.seats {
                seat.alive().await?;
            }
            let lag = self.brokers.kafka.lag(GROUP, TOPIC).await?;
            if lag < least {
                (least, since) = (lag, Instant::now());
            }
            if lag == 0 || since.elapsed() > STALL_TIMEOUT {
                break lag;
            }
            tally
                .screen
                .progress(format!("{lag} offsets are not committed yet"));
            sleep(LOOK_INTERVAL).await;
        };
        for seat in &mut self.seats {
            if !seat.stop().await? {
                tally.screen.note(&format!("{} did not drain", seat.name()));
            }
        }
        Ok(lag)
    }

    /// How many writes met an object that was there.
    fn refused_writes(&self) -> usize {
        let replies = self.seats.iter().map(|seat| seat.proxy.replies_to_writes());
        replies.filter_map(|replies| replies.get(&412).copied()).sum()
    }
}

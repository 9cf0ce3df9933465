//! One fault a row: what must be in Kafka all the same, what the log says of it once, and what it cost.
//!
//! Each run asks for two prices of two symbols and ends by itself.

use std::collections::BTreeMap;

use futures::future::join_all;
use twelve_data_stand_in::{BadPrice, ErrorStatus, Fault, Injection};

use crate::stage::{Ended, PATIENCE, Scene, run, stop, tick};

/// Two polls of two symbols, and one credit to learn the plan.
const CREDITS: u64 = 5;

struct Row {
    /// Also the topic's.
    name: &'static str,
    endpoint: &'static str,
    faults: Vec<Injection>,
    /// Of AAPL and of IBM.
    ticks: (usize, usize),
    /// What the log says once, if anything.
    says: Option<&'static str>,
    credits: u64,
}

impl Row {
    /// A fault that is gone with its call, which costs nothing and is made again.
    fn passing(name: &'static str, fault: impl Into<Injection>, says: &'static str) -> Self {
        Self {
            name,
            endpoint: "price",
            faults: vec![fault.into()],
            ticks: (2, 2),
            says: Some(says),
            credits: CREDITS,
        }
    }

    /// A fault of IBM's entry: the run has ended before it is asked for again.
    fn of_ibm(name: &'static str, fault: Fault) -> Self {
        Self {
            ticks: (2, 0),
            credits: CREDITS - 1,
            ..Self::passing(name, fault, "no quote: ")
        }
    }

    fn of_quotes(self) -> Self {
        Self {
            endpoint: "quote",
            ..self
        }
    }

    async fn check(self) -> Option<String> {
        let scene = Scene::new(self.name).await;
        for fault in self.faults {
            scene.stand_in.inject(fault);
        }
        let arguments = [
            "--symbols",
            "AAPL:NASDAQ,IBM",
            "--samples",
            "2",
            "--interval",
            "0",
        ];
        let ended = scene
            .run(&[&arguments[..], &["--endpoint", self.endpoint]].concat())
            .await;
        let records = scene.records().await;
        let mut ticks: BTreeMap<&str, usize> = BTreeMap::new();
        for record in &records {
            *ticks
                .entry(tick(record).symbol.as_str().to_owned().leak())
                .or_default() += 1;
        }
        let of = |symbol: &str| ticks.get(symbol).copied().unwrap_or_default();
        let found = (
            ended.status,
            (of("AAPL:NASDAQ"), of("IBM")),
            self.says.map(|words| ended.log.matches(words).count()),
            scene.credits(),
            scene.stand_in.pending_faults().len(),
        );
        let expected = (Some(0), self.ticks, self.says.map(|_| 1), self.credits, 0);
        (found != expected).then(|| {
            format!(
                "{}: (status, ticks, lines, credits, faults left) are\n  {found:?}, and not\n  {expected:?}\n{}",
                self.name, ended.log
            )
        })
    }
}

fn status(code: u16) -> ErrorStatus {
    code.try_into().unwrap()
}

fn ibm() -> String {
    "IBM".to_owned()
}

fn not_a_number() -> Fault {
    Fault::BadPrice {
        symbol: ibm(),
        price: BadPrice::NotANumber,
    }
}

fn other_listing() -> Fault {
    Fault::OtherListing {
        symbol: "AAPL:NASDAQ".to_owned(),
        answered: None,
        exchange: Some("NYSE".to_owned()),
        currency: None,
    }
}

fn refused(code: u16, message: &str) -> Fault {
    Fault::Refused {
        code: status(code),
        message: message.to_owned(),
    }
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "fault-none",
            endpoint: "price",
            faults: Vec::new(),
            ticks: (2, 2),
            says: None,
            credits: CREDITS,
        },
        Row::passing(
            "fault-502-page",
            Fault::Html { status: status(502) },
            "HTTP status 502",
        ),
        Row::passing(
            "fault-401-page",
            Fault::Html { status: status(401) },
            "HTTP status 401",
        ),
        Row::passing(
            "fault-403-page",
            Fault::Html { status: status(403) },
            "HTTP status 403",
        ),
        Row::passing(
            "fault-401",
            Fault::Unauthorized,
            "**apikey** parameter is incorrect",
        ),
        Row::passing(
            "fault-403",
            refused(403, "/price is for other plans"),
            "/price is for other plans",
        ),
        Row::passing(
            "fault-500",
            refused(500, "Internal server error"),
            "Internal server error",
        ),
        Row::passing("fault-not-json", Fault::NotJson, "poll failed, to be tried again"),
        Row::passing(
            "fault-truncated",
            Fault::TruncatedBody,
            "poll failed, to be tried again",
        ),
        Row::passing(
            "fault-cut",
            Fault::ConnectionClosed,
            "poll failed, to be tried again",
        ),
        Row::passing(
            "fault-date",
            Fault::DateSkewed { seconds: 3600 }.times(2.try_into().unwrap()),
            "clock",
        ),
        Row::passing("fault-null-fields", Fault::NullFields, "polling begins").of_quotes(),
        Row::passing("fault-no-fields", Fault::NoOptionalFields, "polling begins").of_quotes(),
        Row::passing(
            "fault-old-quote",
            Fault::QuoteTimeSkewed {
                symbol: ibm(),
                seconds: -7200,
            },
            "the market is open and the quote is old",
        )
        .of_quotes(),
        Row::of_ibm("fault-unknown", Fault::SymbolUnknown { symbol: ibm() }),
        Row::of_ibm("fault-missing", Fault::EntryMissing { symbol: ibm() }),
        Row::of_ibm("fault-twice", Fault::EntryTwice { symbol: ibm() }),
        Row::of_ibm("fault-nan", not_a_number()),
        Row {
            // what is of another exchange than asked is no price of this symbol
            ticks: (0, 2),
            ..Row::of_ibm("fault-listing", other_listing()).of_quotes()
        },
        Row::passing(
            "fault-usage-page",
            Fault::Html { status: status(403) }.on("/api_usage"),
            "`/api_usage` does not tell",
        ),
    ]
}

#[test]
fn each_fault_costs_what_it_must_is_told_once_and_loses_nothing_else() {
    run(async {
        let wrong: Vec<_> = join_all(rows().into_iter().map(Row::check)).await;
        let wrong: Vec<_> = wrong.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    });
}

/// Until the vendor's next minute nothing is asked; that it is not shows only in time.
async fn assert_rests(name: &str, fault: impl Into<Injection>, expected_credits: u64) -> Ended {
    let scene = Scene::new(name).await;
    scene.stand_in.inject(fault);
    let process = scene.start(&scene.producer(&["--symbols", "AAPL,IBM", "--interval", "0"]));
    let refused = scene.stand_in.until(|totals| totals.requests == 2);
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(scene.stand_in.requests().len(), 2, "{}", process.log());
    let ended = stop(&process).await;
    assert_eq!(ended.status, Some(0), "{}", ended.log);
    assert_eq!(scene.credits(), expected_credits);
    ended
}

#[test]
fn after_a_refusal_for_want_of_credits_nothing_is_asked_before_the_next_window() {
    run(async {
        let (minute, day) = tokio::join!(
            assert_rests("fault-429-minute", Fault::MinuteCreditsExhausted, 1),
            assert_rests("fault-429-day", Fault::DayCreditsExhausted, 1),
        );
        for ended in [minute, day] {
            assert_eq!(
                ended.log.matches("refused for want of credits").count(),
                1,
                "{}",
                ended.log
            );
        }
    });
}

#[test]
fn a_refusal_for_want_of_credits_inside_a_batch_rests_too_and_keeps_the_others_price() {
    run(async {
        let fault = Fault::EntryRefused {
            symbol: ibm(),
            code: status(429),
            message:
                "You have run out of API credits for the current minute. 9 API credits were used, with the \
                      current limit being 8."
                    .to_owned(),
        };
        let ended = assert_rests("fault-429-entry", fault, 3).await;
        assert_eq!(ended.summary()["in_kafka"], 1, "{}", ended.log);
    });
}

#[test]
fn one_symbol_for_which_the_whole_batch_is_refused_is_found_and_left_out() {
    run(async {
        let scene = Scene::new("fault-culprit").await;
        let refused = refused(400, "**symbol** not found: IBM. Please specify it correctly.");
        scene.stand_in.inject(refused.always().for_symbol("IBM"));
        let arguments = [
            "--symbols",
            "AAPL,IBM,MSFT,QQQ",
            "--samples",
            "3",
            "--interval",
            "0",
        ];
        let ended = scene.run(&arguments).await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        let records = scene.records().await;
        let count = |symbol: &str| {
            records
                .iter()
                .filter(|record| tick(record).symbol.as_str() == symbol)
                .count()
        };
        assert_eq!(
            (count("AAPL"), count("IBM"), count("MSFT"), count("QQQ")),
            (3, 0, 3, 3),
            "{}",
            ended.log
        );
        assert_eq!(
            ended.log.matches("no quote: unknown symbol").count(),
            1,
            "{}",
            ended.log
        );
    });
}

#[test]
fn a_symbol_that_failed_once_is_asked_for_again_within_seconds() {
    run(async {
        let faults = [
            ("again-unknown", Fault::SymbolUnknown { symbol: ibm() }),
            ("again-missing", Fault::EntryMissing { symbol: ibm() }),
            ("again-nan", not_a_number()),
        ];
        let checks = faults.map(async |(name, fault)| {
            let scene = Scene::new(name).await;
            scene.stand_in.inject(fault);
            let producer = scene.producer(&[
                "--symbols",
                "AAPL,IBM",
                "--interval",
                "1s",
                "--market-hours",
                "always",
            ]);
            let process = scene.start(&producer);
            scene.until_in_kafka("IBM").await;
            let ended = stop(&process).await;
            assert_eq!(ended.status, Some(0), "{}", ended.log);
            assert_eq!(ended.log.matches("no quote: ").count(), 1, "{}", ended.log);
        });
        join_all(checks).await;
    });
}

//! What only an operator can mend ends the process, with what the vendor says of it; the key shows itself nowhere.

use std::num::NonZeroU32;

use twelve_data_stand_in::{Config, ErrorStatus, Fault, KeyPlace, MarketConfig, StandIn};

use crate::stage::{KEY, Scene, run, tick};

/// A refusal must last so long to be believed.
const SOON: [&str; 2] = ["--give-up-after", "2s"];

fn status(code: u16) -> ErrorStatus {
    code.try_into().unwrap()
}

fn refused(code: u16, message: &str) -> Fault {
    Fault::Refused {
        code: status(code),
        message: message.to_owned(),
    }
}

#[test]
fn without_a_key_it_says_where_to_get_one_and_how_to_pass_it() {
    run(async {
        let scene = Scene::new("without-key").await;
        let producer = scene
            .producer(&["--symbols", "AAPL"])
            .without("TWELVEDATA_API_KEY");
        let process = scene.start(&producer);
        assert_eq!(
            process.end(crate::stage::PATIENCE).await.unwrap().code(),
            Some(78)
        );
        for words in [
            "https://twelvedata.com/pricing",
            "--api-key-file",
            "TWELVEDATA_API_KEY",
        ] {
            assert!(process.log().contains(words), "{}", process.log());
        }
    });
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_as_not_set() {
    run(async {
        let scene = Scene::new("empty-variables").await;
        let empty = [
            "BUCKET_NAME",
            "INTERVAL",
            "N_SAMPLES",
            "QUEUE_MAX_BYTES",
            "PREPOST",
        ];
        let arguments = ["--symbols", "AAPL", "--check-settings"];
        let producer = empty
            .into_iter()
            .fold(scene.producer(&arguments), |producer, name| {
                producer.variable(name, "")
            });
        let process = scene.start(&producer);
        let status = process.end(crate::stage::PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", process.log());
    });
}

#[test]
fn a_key_that_is_refused_again_and_again_ends_it_and_is_shown_nowhere() {
    run(async {
        let scene = Scene::new("refused-key").await;
        let words = format!("**apikey** {KEY} is incorrect or not specified.");
        scene.stand_in.inject(refused(401, &words).always());
        let arguments = ["--symbols", "AAPL", "--log", "trace"];
        let ended = scene.run(&[&arguments[..], &SOON].concat()).await;
        assert_eq!(ended.status, Some(77), "{}", ended.log);
        assert!(
            ended
                .log
                .contains("**apikey** [API key] is incorrect or not specified"),
            "{}",
            ended.log
        );
        assert!(!ended.log.contains(KEY) && !ended.stdout.contains(KEY));
        let requests = scene.stand_in.requests();
        assert!(requests.len() > 2, "believed at first sight: {requests:?}");
        for request in requests {
            assert_eq!(request.key_in, Some(KeyPlace::Header), "{request:?}");
        }
        assert!(scene.records().await.is_empty());
    });
}

#[test]
fn an_endpoint_outside_the_plan_ends_it_with_the_vendors_words() {
    run(async {
        let scene = Scene::new("refused-endpoint").await;
        let words = "/quote is available exclusively with grow plans";
        scene.stand_in.inject(refused(403, words).always());
        let arguments = ["--symbols", "AAPL", "--endpoint", "quote"];
        let ended = scene.run(&[&arguments[..], &SOON].concat()).await;
        assert_eq!(ended.status, Some(77), "{}", ended.log);
        assert!(ended.log.contains(words), "{}", ended.log);
    });
}

#[test]
fn no_usable_symbol_ends_it_and_each_is_named() {
    run(async {
        let config = Config {
            market: MarketConfig {
                plan_gated: ["VIX".to_owned()].into(),
                ..MarketConfig::default()
            },
            ..Config::default()
        };
        let scene = Scene::with("no-symbol", config).await;
        let arguments = ["--symbols", "UNKNOWN1,VIX"];
        let ended = scene.run(&[&arguments[..], &SOON].concat()).await;
        assert_eq!(ended.status, Some(78), "{}", ended.log);
        for words in [
            "UNKNOWN1: unknown symbol (",
            "VIX: not in the plan of this API key (",
        ] {
            assert!(ended.log.contains(words), "{}", ended.log);
        }
    });
}

#[test]
fn a_single_symbol_that_nobody_knows_ends_it() {
    run(async {
        let scene = Scene::new("unknown-alone").await;
        let arguments = ["--symbols", "UNKNOWN1"];
        let ended = scene.run(&[&arguments[..], &SOON].concat()).await;
        assert_eq!(ended.status, Some(78), "{}", ended.log);
        assert!(
            ended.log.contains("UNKNOWN1: unknown symbol (404: "),
            "{}",
            ended.log
        );
    });
}

#[test]
fn a_wrong_request_ends_it_and_says_what_the_vendor_says() {
    run(async {
        let scene = Scene::new("wrong-request").await;
        let words = "Input parameter array exceeds the allowed length";
        scene.stand_in.inject(refused(414, words).always());
        let arguments = ["--symbols", "A,B"];
        let ended = scene.run(&[&arguments[..], &SOON].concat()).await;
        assert_eq!(ended.status, Some(78), "{}", ended.log);
        assert!(ended.log.contains(&format!("414: {words}")), "{}", ended.log);
    });
}

#[test]
fn a_record_is_what_the_vendor_served_digit_for_digit() {
    run(async {
        let scene = Scene::new("digits").await;
        let arguments = ["--symbols", "AAPL,BTC/USD", "--samples", "3", "--interval", "0"];
        let ended = scene
            .run(&[&arguments[..], &["--instance", "host-1"]].concat())
            .await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        let summary = ended.summary();
        assert_eq!(
            (&summary["polls"], &summary["ticks"], &summary["in_kafka"]),
            (&3.into(), &6.into(), &6.into())
        );
        let served = scene.stand_in.served();
        let mut records = scene.records().await;
        records.sort_by_key(|record| tick(record).seq);
        assert_eq!(records.len(), served.len());
        for (seq, (record, served)) in (0..).zip(records.iter().zip(&served)) {
            let tick = tick(record);
            assert_eq!(
                (tick.seq, tick.symbol.as_str(), tick.price.as_str()),
                (seq, &*served.symbol, &*served.price)
            );
            assert_eq!(
                tick.price.as_str().split_once('.').unwrap().1.len(),
                11,
                "all decimals are asked for"
            );
            assert_eq!(record.key.as_deref(), Some(tick.record_key().as_bytes()));
            assert_eq!(record.timestamp_ms, Some(tick.record_timestamp_ms()));
            // as it stands on the wire, whatever the constants say
            assert_eq!(record.headers, [("schema".to_owned(), Some(b"tick/1".to_vec()))]);
            assert_eq!(tick.producer.as_str(), "host-1");
            assert_eq!(tick.session.to_string(), summary["session"].as_str().unwrap());
        }
    });
}

#[test]
fn a_redirect_does_not_get_the_key() {
    run(async {
        let scene = Scene::new("redirect").await;
        let elsewhere = StandIn::start(Config::default()).await.unwrap();
        let location = format!("{}/price", elsewhere.base_url());
        scene
            .stand_in
            .inject(Fault::Redirect { location }.times(NonZeroU32::MIN));
        let ended = scene
            .run(&["--symbols", "AAPL", "--samples", "1", "--interval", "0"])
            .await;
        assert_eq!(ended.status, Some(0), "{}", ended.log);
        assert!(elsewhere.requests().is_empty());
        assert_eq!(scene.records().await.len(), 1);
    });
}

//! `producer doctor`: what it finds, what it says to do, and what it costs.

use crate::stage::{Ended, KEY, PATIENCE, Scene, run};

#[test]
fn all_that_is_well_is_told_with_how_it_will_come_for_a_credit_a_symbol_and_one() {
    run(async {
        let scene = Scene::new("doctor-well").await;
        let arguments = ["doctor", "--symbols", "AAPL,RY:TSX", "--output", "json"];
        let ended = scene.run(&arguments).await;
        assert_eq!(ended.status, Some(0), "{}{}", ended.stdout, ended.log);
        let report = ended.summary();
        assert_eq!((&report["credits_spent"], scene.credits()), (&3.into(), 3));
        let findings = report["findings"].as_array().unwrap();
        let detail = |subject: &str| {
            let is_it =
                |finding: &&serde_json::Value| finding["subject"].as_str().unwrap().starts_with(subject);
            let found = findings.iter().find(is_it);
            let found = found.unwrap_or_else(|| panic!("{subject} is not in {report}"));
            found["detail"].as_str().unwrap().to_owned()
        };
        assert!(detail("AAPL").contains("NASDAQ, XNGS") && detail("AAPL").contains("polled about every"));
        assert!(detail("RY:TSX").contains("TSX"));
        assert_eq!(detail("topic doctor-well"), "2 partitions");
        assert!(detail("broker ").contains("reached"));
    });
}

#[test]
fn what_is_wrong_is_marked_with_what_to_do() {
    run(async {
        let scene = Scene::new("doctor-wrong").await;
        let producer = scene
            .producer(&["doctor", "--symbols", "AAPL,UNKNOWN1"])
            .variable("TOPIC_NAME", "not-there");
        let process = scene.start(&producer);
        let status = process.end(PATIENCE).await.unwrap();
        let ended = Ended::of(&process, status.code());
        assert_eq!(ended.status, Some(1), "{}", ended.log);
        for words in [
            "✔ API key",
            "✔ AAPL",
            "✖ UNKNOWN1",
            "unknown symbol (404",
            "https://twelvedata.com/symbols",
            "✖ Kafka",
            "broker-setup topics apply",
        ] {
            assert!(
                ended.stdout.contains(words),
                "{words} is not in\n{}",
                ended.stdout
            );
        }
        assert_eq!(scene.credits(), 3);

        let refused = scene
            .producer(&["doctor", "--symbols", "AAPL"])
            .variable("TWELVEDATA_API_KEY", "another-key");
        let process = scene.start(&refused);
        let status = process.end(PATIENCE).await.unwrap();
        let ended = Ended::of(&process, status.code());
        assert_eq!(ended.status, Some(1), "{}", ended.log);
        assert!(ended.stdout.contains("✖ API key"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("another-key") && !ended.stdout.contains(KEY));
    });
}

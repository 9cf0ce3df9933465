use super::*;
use crate::{Exhausted, Exhaustion};

const UNKNOWN_400: &str =
    "**symbol** not found: NIKK. Please specify it correctly according to API Documentation.";

fn read_price(body: &str, status: u16, symbols: &str) -> Result<Vec<Entry>, ReplyError> {
    let instruments: Vec<Instrument> = symbols.split(',').map(|text| text.parse().unwrap()).collect();
    let question = Question {
        endpoint: Endpoint::Price,
        instruments: &instruments,
        ts_recv: Timestamp::from_second(1_789_574_225).unwrap(),
    };
    read(body.as_bytes(), status, question)
}

/// Each symbol's price, or the error in words.
fn prices(body: &str, symbols: &str) -> Vec<(String, Result<String, String>)> {
    read_price(body, 200, symbols)
        .unwrap()
        .into_iter()
        .map(|Entry { symbol, outcome }| {
            let outcome = outcome
                .map(|quote| quote.price.to_string())
                .map_err(|error| error.to_string());
            (symbol.to_string(), outcome)
        })
        .collect()
}

fn good(symbol: &str, price: &str) -> (String, Result<String, String>) {
    (symbol.to_owned(), Ok(price.to_owned()))
}

fn error(code: u16, message: &str) -> String {
    serde_json::json!({"code": code, "message": message, "status": "error"}).to_string()
}

#[test]
fn one_symbol_is_answered_flat_and_several_by_key() {
    assert_eq!(
        prices(r#"{"price":"200.99001"}"#, "AAPL"),
        [good("AAPL", "200.99001")]
    );
    assert_eq!(
        prices(r#"{"AAPL":{"price":"200.99001"}}"#, "AAPL"),
        [good("AAPL", "200.99001")],
        "one symbol answered by key"
    );
    let batch = r#"{"BTC/USD":{"price":"26575.60000"},"SPY":{"price":433.53}}"#;
    assert_eq!(
        prices(batch, "SPY,BTC/USD"),
        [good("SPY", "433.53"), good("BTC/USD", "26575.60000")]
    );
}

#[test]
fn one_bad_symbol_leaves_the_others_good() {
    let batch = format!(
        r#"{{"SPY":{{"price":"433.53000"}},"BTC/USD":{{"price":"26575.60000"}},"NIKK":{{"code":400,
            "message":"{UNKNOWN_400}","status":"error",
            "meta":{{"symbol":"SPY,NIKK,BTC/USD","interval":"","exchange":""}}}}}}"#
    );
    let prices = prices(&batch, "SPY,NIKK,BTC/USD,AAPL,MSFT");
    assert_eq!(prices[0], good("SPY", "433.53000"));
    assert!(
        prices[1]
            .1
            .as_ref()
            .unwrap_err()
            .starts_with("unknown symbol (400: ")
    );
    assert_eq!(prices[2], good("BTC/USD", "26575.60000"));
    assert_eq!(prices[3].1, Err("missing in the reply".to_owned()));
}

#[test]
fn entries_of_any_shape_are_that_symbols_trouble_only() {
    let batch = r#"{"A":null,"B":"x","C":{"price":null},"D":{"price":"NaN"},"E":[],"F":{"price":"1"},
        "G":{"code":429,"message":"You have run out","status":"error"},"unasked":{"price":"9"}}"#;
    let prices = prices(batch, "A,B,C,D,E,F,G");
    let good_ones: Vec<_> = prices.iter().filter(|(_, outcome)| outcome.is_ok()).collect();
    assert_eq!(good_ones, [&good("F", "1")]);
    assert_eq!(prices.len(), 7);
}

#[test]
fn symbols_named_like_fields_do_not_break_the_reply() {
    let batch =
        r#"{"status":{"price":"1"},"code":{"price":"2"},"message":{"price":"3"},"price":{"price":"4"}}"#;
    assert_eq!(
        prices(batch, "status,code,message,price"),
        [
            good("status", "1"),
            good("code", "2"),
            good("message", "3"),
            good("price", "4")
        ]
    );
    assert_eq!(prices(r#"{"price":"5"}"#, "status"), [good("status", "5")]);
    assert_eq!(prices(r#"{"price":"5"}"#, "price"), [good("price", "5")]);
    assert_eq!(
        prices(r#"{"status":{"price":"5"}}"#, "status"),
        [good("status", "5")]
    );
}

#[test]
fn a_key_in_another_form_still_finds_its_symbol() {
    let batch = r#"{"aapl":{"price":"1"},"RY":{"price":"2"}}"#;
    assert_eq!(
        prices(batch, "AAPL,RY:TSX"),
        [good("AAPL", "1"), good("RY:TSX", "2")]
    );
}

#[test]
fn a_symbol_that_is_answered_twice_has_no_price() {
    for batch in [
        r#"{"ry":{"price":"1"},"RY":{"price":"2"},"X":{"price":"3"}}"#,
        r#"{"RY":{"price":"1"},"RY":{"price":"2"},"X":{"price":"3"}}"#,
    ] {
        let entries = read_price(batch, 200, "RY,X").unwrap();
        assert!(
            matches!(entries[0].outcome, Err(SymbolError::AnsweredTwice)),
            "{batch}"
        );
        assert!(entries[1].outcome.is_ok());
    }
    let batch = r#"{"RY":{"price":"1"},"RY":{"price":"2"}}"#;
    for Entry { symbol, outcome } in read_price(batch, 200, "RY,RY:TSX").unwrap() {
        assert!(matches!(outcome, Err(SymbolError::AnsweredTwice)), "{symbol}");
    }
}

#[test]
fn the_body_is_believed_before_the_status() {
    let exhausted = error(429, "You have run out of API credits for the current minute.");
    for status in [200, 429, 500] {
        let refusal = read_price(&exhausted, status, "A,B").unwrap_err();
        assert!(matches!(refusal, ReplyError::Api(ApiError { code: 429, .. })));
    }
    let batch = r#"{"A":{"price":"1"},"B":{"code":404,"message":"x","status":"error"}}"#;
    assert!(read_price(batch, 404, "A,B").unwrap()[0].outcome.is_ok());
    let refusal = read_price(r#"{"status":"error"}"#, 503, "A").unwrap_err();
    assert!(matches!(refusal, ReplyError::Api(ApiError { code: 503, .. })));
}

#[test]
fn a_refusal_of_the_whole_call_is_no_symbols_own() {
    for symbols in ["NIKK", "SPY,NIKK"] {
        for status in [200, 400] {
            let refusal = read_price(&error(400, UNKNOWN_400), status, symbols).unwrap_err();
            assert!(matches!(refusal, ReplyError::Api(ApiError { code: 400, .. })));
        }
    }
}

#[test]
fn an_entry_can_lack_credits_or_fail_without_being_the_symbols_fault() {
    let batch = r#"{"A":{"code":429,"message":"You have run out of API credits for the day.","status":"error"},
        "B":{"code":500,"message":"Internal server error","status":"error"}}"#;
    let entries = read_price(batch, 200, "A,B").unwrap();
    assert!(matches!(
        entries[0].outcome,
        Err(SymbolError::OutOfCredits {
            exhausted: Exhaustion {
                of: Exhausted::Day,
                ..
            },
            ..
        })
    ));
    let failed = entries[1].outcome.as_ref().unwrap_err();
    assert!(matches!(failed, SymbolError::Failed(_)) && !failed.is_lasting());
}

#[test]
fn errors_of_the_call_are_not_the_symbols() {
    for code in [401, 403, 414, 429, 500] {
        let refusal = read_price(&error(code, "**symbol** plan"), 200, "A").unwrap_err();
        assert!(
            matches!(refusal, ReplyError::Api(ApiError { code: told, .. }) if told == code),
            "{code}"
        );
    }
    let message = "Invalid **interval** provided: 0.99min. Supported intervals: 1min, 5min";
    assert!(read_price(&error(400, message), 400, "A").is_err());
}

#[test]
fn what_is_no_json_object_is_an_error_of_the_call() {
    for body in [
        "",
        "null",
        "[]",
        "<html>502 Bad Gateway</html>",
        r#"{"AAPL":{"pri"#,
        "\u{feff}{}",
    ] {
        let refusal = read_price(body, 200, "AAPL").unwrap_err();
        assert!(matches!(refusal, ReplyError::NotJson { .. }), "{body}");
        let refusal = read_price(body, 502, "AAPL").unwrap_err();
        assert!(matches!(refusal, ReplyError::Http { status: 502, .. }), "{body}");
    }
    let question = Question {
        endpoint: Endpoint::Price,
        instruments: &[],
        ts_recv: Timestamp::UNIX_EPOCH,
    };
    assert!(read(b"\xff\xfe{}", 200, question).is_err());
    let refusal = read_price(r#"{"price":"1"}"#, 500, "AAPL").unwrap_err();
    assert!(
        matches!(refusal, ReplyError::Http { status: 500, .. }),
        "no price from a server in trouble"
    );
}

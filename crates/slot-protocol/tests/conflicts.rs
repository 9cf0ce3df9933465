//! What a chain does when another's object stands in its slot's place: adopts it, or halts and says why.

use std::convert::Infallible;

use slot_protocol::{
    Chain, ClosedBy, Conflict, Effect, Found, HeadReply, Hour, Offer, PutReply, Resume, Run, Slot,
};
use uuid::Uuid;

const TOPIC_ID: Option<&str> = Some("ours");
const HOUR: i64 = 3_600_000;

#[derive(Debug)]
struct Offsets(Vec<i64>);

impl Run for Offsets {
    type Closed = Vec<i64>;
    type Error = Infallible;

    fn close(self) -> Result<Vec<i64>, Infallible> {
        Ok(self.0)
    }
}

fn hour() -> Hour {
    Hour::of_timestamp_ms(HOUR)
}

/// What stands for a record's CRC32C.
fn crc_of(offset: i64) -> u32 {
    crc32c::crc32c(&offset.to_be_bytes())
}

fn take(chain: &mut Chain<Offsets>, offset: i64) {
    assert_eq!(chain.offer(offset, hour()), Offer::Take, "{offset}");
    let begin = || Ok::<_, Infallible>((Offsets(vec![offset]), crc_of(offset)));
    let push = |run: &mut Offsets| {
        run.0.push(offset);
        Ok(())
    };
    let Ok(()) = chain.take(offset, hour(), begin, push);
}

/// A chain whose slot of the offsets 10 to 14 met an object, while 15 to 17 wait and 18 to 19 are read.
fn met() -> (Chain<Offsets>, Slot) {
    let mut chain = Chain::resume(Resume {
        boundary: 10,
        read_from: 10,
    });
    chain.sought();
    (10..15).for_each(|offset| take(&mut chain, offset));
    let Ok(put) = chain.close(Uuid::from_u128(1), ClosedBy::Age);
    let Some(Effect::Put { slot, run }) = put else {
        panic!("{put:?}");
    };
    assert_eq!(run, [10, 11, 12, 13, 14]);
    (15..18).for_each(|offset| take(&mut chain, offset));
    assert_eq!(chain.close(Uuid::from_u128(2), ClosedBy::Age), Ok(None));
    (18..20).for_each(|offset| take(&mut chain, offset));
    assert_eq!(chain.put_replied(&PutReply::Exists), [Effect::Head(slot.clone())]);
    (chain, slot)
}

/// Another writer's object of the same log in the same place.
fn of_another() -> Found {
    Found {
        start: 10,
        end: 14,
        first_offset: 10,
        first_crc32c: crc_of(10),
        run_id: Uuid::from_u128(99),
        topic_id: TOPIC_ID.map(str::to_owned),
    }
}

fn assert_halts(reply: HeadReply, expected: Conflict, words: &str) {
    assert!(expected.to_string().contains(words), "{expected}");
    let (mut chain, slot) = met();
    let halted = Effect::Halt {
        slot,
        conflict: expected,
    };
    assert_eq!(chain.head_replied(reply, TOPIC_ID), [halted]);
    assert_eq!(
        chain.offer(20, hour()),
        Offer::Skip,
        "a halted chain takes nothing"
    );
    assert!(chain.is_idle(), "a halted chain has nothing to write");
    assert_eq!(chain.close(Uuid::from_u128(3), ClosedBy::Age), Ok(None));
    assert_eq!(chain.put_replied(&PutReply::Created), []);
}

#[test]
fn a_topic_with_another_id_is_a_conflict() {
    let found = Found {
        topic_id: Some("theirs".to_owned()),
        ..of_another()
    };
    let conflict = Conflict::TopicId {
        ours: "ours".to_owned(),
        theirs: "theirs".to_owned(),
    };
    assert_halts(HeadReply::Found(found), conflict, "id theirs");
}

#[test]
fn another_first_record_is_a_conflict() {
    let found = Found {
        first_crc32c: 7,
        ..of_another()
    };
    let conflict = Conflict::FirstRecord {
        offset: 10,
        ours: crc_of(10),
        theirs: 7,
    };
    assert_halts(HeadReply::Found(found), conflict, "offset 10");
}

#[test]
fn a_range_that_the_name_does_not_tell_is_a_conflict() {
    for (their_start, their_end) in [(9, 14), (11, 14), (10, 9)] {
        let found = Found {
            start: their_start,
            end: their_end,
            ..of_another()
        };
        let conflict = Conflict::Range {
            start: 10,
            their_start,
            their_end,
        };
        assert_halts(HeadReply::Found(found), conflict, "begins at offset 10");
    }
}

#[test]
fn an_object_that_is_no_slot_is_a_conflict() {
    let what = "its metadata has no valid `run-id`".to_owned();
    let conflict = Conflict::Foreign { what: what.clone() };
    assert_halts(HeadReply::Foreign { what }, conflict, "run-id");
}

#[test]
fn what_another_wrote_of_the_same_log_is_adopted() {
    let (mut chain, slot) = met();
    let effects = chain.head_replied(HeadReply::Found(of_another()), TOPIC_ID);
    let [
        Effect::Resolved {
            end: 14,
            is_adopted: true,
            ..
        },
        Effect::Put { slot: next, run },
    ] = &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (next.start, next.end, &run[..]),
        (slot.end + 1, 17, &[15, 16, 17][..])
    );
    assert_eq!(chain.seek_target(), None);
}

#[test]
fn behind_another_boundary_all_is_read_again() {
    for end in [12, 16, 30] {
        let (mut chain, _) = met();
        let found = Found { end, ..of_another() };
        let effects = chain.head_replied(HeadReply::Found(found), TOPIC_ID);
        assert!(
            matches!(&effects[..], [Effect::Resolved { end: adopted, is_adopted: true, .. }] if *adopted == end),
            "{effects:?}"
        );
        assert_eq!(chain.seek_target(), Some(end + 1));
        assert!(chain.is_idle());
    }
}

#[test]
fn one_side_without_a_topic_id_or_with_another_first_record_left_is_no_conflict() {
    for found in [
        Found {
            topic_id: None,
            ..of_another()
        },
        // retention took the head of the run from one of the two
        Found {
            first_offset: 12,
            first_crc32c: 7,
            ..of_another()
        },
    ] {
        let (mut chain, _) = met();
        let effects = chain.head_replied(HeadReply::Found(found), TOPIC_ID);
        assert!(
            matches!(effects[0], Effect::Resolved { is_adopted: true, .. }),
            "{effects:?}"
        );
    }
}

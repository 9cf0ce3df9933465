//! What lies in the bucket, for people.

use std::fmt::Write;
use std::time::Duration;

use test_bed::{Bed, Process, S3, program};

use crate::bucket::Bucket;
use crate::error::Error;
use crate::screen::Screen;

const OBJECTS_SHOWN: usize = 12;
const LINES_SHOWN: usize = 3;
const AUDIT_TIMEOUT: Duration = Duration::from_mins(2);

pub(crate) fn show(bucket: &Bucket, name: &str, screen: &Screen) -> Result<(), Error> {
    screen.result(&objects(bucket, name))?;
    screen.result(&lines(bucket))?;
    screen.result(&last_prices(bucket)?)
}

fn objects(bucket: &Bucket, name: &str) -> String {
    let count = bucket.objects().count();
    let mut text = format!("\nobjects in s3://{name}: {count}\n");
    for fetched in bucket.objects().take(OBJECTS_SHOWN) {
        let (ticks, bytes) = (fetched.lines.len(), fetched.object.body.len());
        let _ = writeln!(text, "  {}  {ticks} ticks, {bytes} bytes", fetched.object.key);
    }
    if count > OBJECTS_SHOWN {
        let _ = writeln!(text, "  … and {} more", count - OBJECTS_SHOWN);
    }
    text
}

fn lines(bucket: &Bucket) -> String {
    let mut text = "\ndecompressed, one tick a line:\n".to_owned();
    let lines = bucket.objects().rev().flat_map(|fetched| &fetched.lines);
    for line in lines.take(LINES_SHOWN) {
        let _ = writeln!(text, "  {}", String::from_utf8_lossy(line));
    }
    text
}

fn last_prices(bucket: &Bucket) -> Result<String, Error> {
    let mut text = "\nlast prices in the bucket:\n".to_owned();
    for (symbol, tick) in bucket.last_ticks()? {
        let _ = writeln!(text, "  {symbol:<12} {:>14}  at {}", tick.price, tick.ts_recv);
    }
    Ok(text)
}

/// How fast a replay went: by the producer's own times of receipt.
pub(crate) fn speed(bucket: &Bucket, screen: &Screen) -> Result<(), Error> {
    let ticks = bucket.ticks()?;
    let times = || ticks.iter().map(|tick| tick.ts_recv);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(());
    };
    let count = ticks.len();
    let seconds = last.duration_since(first).as_secs_f64().max(f64::EPSILON);
    let in_bucket = jiff::Timestamp::now().duration_since(first).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown in three digits")]
    let rate = count as f64 / seconds;
    screen.result(&format!(
        "\n{count} ticks polled one by one in {seconds:.2} s: {rate:.0} ticks/s; all in the bucket {in_bucket:.2} s after the first"
    ))
}

/// Has the consumer prove what lies there.
pub(crate) async fn audit(bed: &Bed, s3: &S3, bucket: &str, screen: &Screen) -> Result<(), Error> {
    let launch = program::launch("consumer", "audit")?
        .args(["audit", "--bucket", bucket])
        .variables(s3.variables());
    let audit = Process::start(bed, &launch)?;
    let ended = audit.success(AUDIT_TIMEOUT).await;
    screen.result(&format!("\n{}", audit.stdout()))?;
    Ok(ended?)
}

/// How to look at what runs.
pub(crate) fn addresses(
    brokers: &str,
    s3: &S3,
    bucket: &str,
    topic: &str,
    screen: &Screen,
) -> Result<(), Error> {
    let mut text = format!("\nKafka at {brokers}, topic {topic}:\n");
    let _ = writeln!(text, "  kcat -C -b {brokers} -t {topic}\n");
    let _ = writeln!(text, "S3 at {}, bucket {bucket}:", s3.endpoint());
    for (name, value) in s3.variables() {
        let _ = writeln!(text, "  export {name}={value}");
    }
    let _ = writeln!(text, "  aws s3 ls --recursive s3://{bucket}/");
    let _ = writeln!(
        text,
        "  {} audit --bucket {bucket} --in-flight 10s",
        program::path("consumer")?.display()
    );
    screen.result(&text)
}

//! What lies in the bucket, for people.

use std::time::Duration;

use test_bed::{Bed, Process, S3, Screen, program};

use crate::bucket::Bucket;
use crate::error::Error;

const OBJECTS_SHOWN: usize = 12;
const LINES_SHOWN: usize = 3;
const AUDIT_TIMEOUT: Duration = Duration::from_mins(2);

pub(crate) fn show(bucket: &Bucket, name: &str, screen: &Screen) -> Result<(), Error> {
    screen.results(&objects(bucket, name))?;
    screen.results(&lines(bucket))?;
    Ok(screen.results(&last_prices(bucket)?)?)
}

fn objects(bucket: &Bucket, name: &str) -> Vec<String> {
    let count = bucket.objects().count();
    let mut shown = vec![String::new(), format!("objects in s3://{name}: {count}")];
    for fetched in bucket.objects().take(OBJECTS_SHOWN) {
        let (ticks, bytes) = (fetched.lines.len(), fetched.object.body.len());
        shown.push(format!("  {}  {ticks} ticks, {bytes} bytes", fetched.object.key));
    }
    if count > OBJECTS_SHOWN {
        shown.push(format!("  … and {} more", count - OBJECTS_SHOWN));
    }
    shown
}

fn lines(bucket: &Bucket) -> Vec<String> {
    let mut shown = vec![String::new(), "decompressed, one tick a line:".to_owned()];
    let lines = bucket.objects().rev().flat_map(|fetched| &fetched.lines);
    shown.extend(
        lines
            .take(LINES_SHOWN)
            .map(|line| format!("  {}", String::from_utf8_lossy(line))),
    );
    shown
}

fn last_prices(bucket: &Bucket) -> Result<Vec<String>, Error> {
    let mut shown = vec![String::new(), "last prices in the bucket:".to_owned()];
    for (symbol, tick) in bucket.last_ticks()? {
        let (symbol, price) = (symbol.as_str(), tick.price.as_str());
        shown.push(format!("  {symbol:<12} {price:>14}  at {}", tick.ts_recv));
    }
    Ok(shown)
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
    Ok(screen.results(&[format!(
        "\n{count} ticks polled one by one in {seconds:.2} s: {rate:.0} ticks/s; all in the bucket {in_bucket:.2} s after the first"
    )])?)
}

/// Has the consumer prove what lies there.
pub(crate) async fn audit(bed: &Bed, s3: &S3, bucket: &str, screen: &Screen) -> Result<(), Error> {
    let launch = program::launch("consumer", "audit")?
        .args(["audit", "--bucket", bucket])
        .variables(s3.variables());
    let audit = Process::start(bed, &launch)?;
    let ended = audit.success(AUDIT_TIMEOUT).await;
    screen.results(&[String::new(), audit.stdout().trim_end().to_owned()])?;
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
    let consumer = program::path("consumer")?;
    let mut shown = vec![
        String::new(),
        format!("Kafka at {brokers}, topic {topic}:"),
        format!("  kcat -C -b {brokers} -t {topic}"),
        String::new(),
        format!("S3 at {}, bucket {bucket}:", s3.endpoint()),
    ];
    let variables = s3.variables().into_iter();
    shown.extend(variables.map(|(name, value)| format!("  export {name}={value}")));
    shown.push(format!("  aws s3 ls --recursive s3://{bucket}/"));
    shown.push(format!(
        "  {} audit --bucket {bucket} --in-flight 10s",
        consumer.display()
    ));
    Ok(screen.results(&shown)?)
}

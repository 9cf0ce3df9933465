//! The lane of the S3 server.

use test_bed::{Gate, S3};
use tokio::time::sleep;

use crate::error::Error;
use crate::fault::StoreFault;
use crate::seat::BUCKET;

/// Brings a fault about and ends it. Nobody is let to a server that has just started before it keeps create-only PUTs:
/// what a store breaks itself is not what this is about.
pub(crate) async fn suffer(s3: &mut S3, gates: &[Gate], fault: &StoreFault) -> Result<(), Error> {
    match *fault {
        StoreFault::Killed { down } => {
            s3.kill().await?;
            gates.iter().for_each(Gate::close);
            sleep(down).await;
            s3.start_again().await?;
            s3.until_create_only_holds(BUCKET).await?;
            gates.iter().for_each(Gate::open);
        }
        StoreFault::Frozen { time } => {
            s3.pause();
            sleep(time).await;
            s3.resume();
        }
    }
    Ok(())
}

//! The lane of the S3 server.

use test_bed::S3;
use tokio::time::sleep;

use crate::error::Error;
use crate::fault::StoreFault;

/// Brings a fault about and ends it.
pub(crate) async fn suffer(s3: &mut S3, fault: &StoreFault) -> Result<(), Error> {
    match *fault {
        StoreFault::Killed { down } => {
            s3.kill().await?;
            sleep(down).await;
            s3.start_again().await?;
        }
        StoreFault::Frozen { time } => {
            s3.pause();
            sleep(time).await;
            s3.resume();
        }
    }
    Ok(())
}

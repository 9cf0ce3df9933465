use std::io::BufRead;

use super::codec::BodyFault;

/// Longest line taken, so that a bomb does not fill the memory: far above what a Kafka record becomes.
const LINE_MAX_BYTES: usize = 128 * 1024 * 1024;

/// Cuts what comes in pieces into lines.
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    /// A line of which the end has not come yet.
    open: Vec<u8>,
    /// Lines that came to their end.
    whole: u64,
}

impl LineSplitter {
    /// Takes the next piece and hands each line that ends in it to `sink`, without its line break.
    pub(crate) fn push<E: From<BodyFault>>(
        &mut self,
        mut piece: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut line = std::mem::take(&mut self.open);
        // reading from a slice cannot fail
        while piece.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if line.len() > LINE_MAX_BYTES {
                return Err(E::from(BodyFault::LineTooLong {
                    line: self.whole + 1,
                    limit: LINE_MAX_BYTES,
                }));
            }
            if line.last() == Some(&b'\n') {
                line.pop();
                self.whole += 1;
                sink(&line)?;
                line.clear();
            }
        }
        self.open = line;
        Ok(())
    }

    /// What stands behind the last line break, if anything does.
    pub(crate) fn rest(self) -> Option<Vec<u8>> {
        (!self.open.is_empty()).then_some(self.open)
    }
}

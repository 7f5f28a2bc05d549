//! Where the printer writes to: text up to a limit.

use std::io;

const OUTPUT_BYTES_MAX: usize = 100 * 1024;

/// Refuses what goes beyond the limit, which ends the search.
#[derive(Default)]
pub(crate) struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl Capped {
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    pub(crate) fn into_text(self) -> String {
        // A cut in the middle of a character would show as a replacement character.
        let whole = match std::str::from_utf8(&self.bytes) {
            Err(error) if self.full && error.error_len().is_none() => error.valid_up_to(),
            _ => self.bytes.len(),
        };
        let mut text = String::from_utf8_lossy(&self.bytes[..whole]).into_owned();
        if self.full {
            text.push_str(&format!("\n[output truncated at {OUTPUT_BYTES_MAX} bytes]"));
        }
        text
    }
}

impl io::Write for Capped {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let room = OUTPUT_BYTES_MAX - self.bytes.len();
        if buffer.len() > room {
            self.bytes.extend_from_slice(&buffer[..room]);
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

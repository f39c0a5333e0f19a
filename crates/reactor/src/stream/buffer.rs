//! What was received and not read yet.
//!
//! Invariant: `start <= bytes.len()`; what lies before `start` was taken.

/// Received bytes, taken from the front.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl ReadBuffer {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        // The taken part is dropped when it is the larger one: then each byte is moved once at most, on average.
        if self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The first `count` bytes; without a copy if that is all.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count == self.bytes.len() {
            return std::mem::take(&mut self.bytes);
        }
        let taken = self.unread()[..count].to_vec();
        self.skip(count);
        taken
    }

    pub(super) fn take_all(&mut self) -> Vec<u8> {
        self.take(self.len())
    }

    /// Fills `into` as far as there are bytes, and says how far.
    #[cfg_attr(
        not(feature = "futures-io"),
        expect(dead_code, reason = "only pollers bring a buffer of their own")
    )]
    pub(super) fn copy_to(&mut self, into: &mut [u8]) -> usize {
        let count = self.len().min(into.len());
        into[..count].copy_from_slice(&self.unread()[..count]);
        self.skip(count);
        count
    }

    /// Puts bytes back that nobody wanted after all.
    pub(super) fn put_back(&mut self, mut bytes: Vec<u8>) {
        if !bytes.is_empty() {
            bytes.extend_from_slice(self.unread());
            (self.bytes, self.start) = (bytes, 0);
        }
    }

    fn skip(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_whatever_was_taken_between() {
        let (mut buffer, mut got) = (ReadBuffer::default(), Vec::new());
        let all: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        for (number, piece) in all.chunks(37).enumerate() {
            buffer.push(piece);
            let taken = buffer.take(buffer.len().min(number % 53));
            let half = taken.len() / 2;
            got.extend_from_slice(&taken[..half]);
            buffer.put_back(taken[half..].to_vec());
        }
        got.extend(buffer.take_all());
        assert!(got == all && buffer.len() == 0);
    }
}

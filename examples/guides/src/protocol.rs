//! What one connection does: a word in a line is answered with a line of words that rhyme with it.

use std::time::Duration;

use sestina_framing::{
    Delimiter, Handler, LineFormat, LineOnlyConn, LineOnlyDecoder, LineOnlyHandler, LineOnlyReceiver,
};

use crate::dictionary::Shelf;

/// How long a word may be, in bytes.
pub const QUESTION_BYTES_MAX: usize = 100;
/// How long a client may say nothing.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Answers one client.
#[derive(Debug)]
pub struct Rhymes {
    shelf: Shelf,
    is_busy: bool,
    /// The word that came while another was being looked up. There is at most one: then nothing more is read.
    next: Option<String>,
}

impl Rhymes {
    /// The protocol for one connection: it splits what comes into lines, and hands them to this handler.
    #[must_use]
    pub fn protocol(shelf: Shelf) -> LineOnlyReceiver<Self> {
        let format =
            LineFormat::default().with_delimiter(Delimiter::LF).with_line_bytes_max(QUESTION_BYTES_MAX);
        LineOnlyReceiver::with_format(format, Self { shelf, is_busy: false, next: None })
    }
}

impl Handler<LineOnlyDecoder> for Rhymes {
    fn connection_made(&mut self, conn: &mut LineOnlyConn<'_, '_>) {
        conn.set_timer(SILENCE_MAX);
    }

    fn timer(&mut self, conn: &mut LineOnlyConn<'_, '_>) {
        say(conn, "you say nothing, so goodbye");
        conn.lose_connection();
    }
}

impl LineOnlyHandler for Rhymes {
    fn line_received(&mut self, conn: &mut LineOnlyConn<'_, '_>, line: &[u8]) {
        let word = String::from_utf8_lossy(line);
        if self.is_busy {
            self.next = Some(word.into_owned());
            conn.pause_delivery();
        } else {
            self.look_up(conn, &word);
        }
    }
}

impl Rhymes {
    fn look_up(&mut self, conn: &mut LineOnlyConn<'_, '_>, word: &str) {
        self.is_busy = true;
        conn.cancel_timer(); // it is our turn to say something
        let rhymes = self.shelf.rhymes(word);
        conn.then(self, rhymes, |me, conn, rhymes| {
            match rhymes {
                Ok(rhymes) if rhymes.is_empty() => say(conn, "nothing rhymes with that"),
                Ok(rhymes) => say(conn, &rhymes.join(", ")),
                Err(failure) => say(conn, &format!("sorry, {failure}")),
            }
            me.is_busy = false;
            conn.set_timer(SILENCE_MAX);
            if let Some(word) = me.next.take() {
                me.look_up(conn, &word);
                conn.resume_delivery();
            }
        });
    }
}

fn say(conn: &mut LineOnlyConn<'_, '_>, words: &str) {
    conn.send_line(words.as_bytes()).expect("our own words have no end of line in them");
}

//! A file that is written while it is sent: a log of millions of leaves never stands in memory whole.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::Stream;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::app::{App, chain};
use crate::audit;
use crate::web::edge::RequestId;
use crate::web::front::{Front, Running};

/// Bytes that are sent at once, and how many such parts may wait for a slow reader.
const PART_BYTES: usize = 64 * 1024;
const PARTS_MAX: usize = 8;

/// The body. Where the writer failed it breaks off, so that nobody takes a part for the whole.
pub struct Taken {
    parts: Receiver<io::Result<Bytes>>,
    _running: Running,
}

impl Stream for Taken {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.parts.poll_recv(context)
    }
}

/// Begins to write on the blocking pool; the body is what is written.
pub fn stream(
    front: &Data<Front>,
    request: &HttpRequest,
    write: impl FnOnce(&App, &mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Taken {
    let (send, parts) = mpsc::channel(PARTS_MAX);
    let app = Arc::clone(&front.app);
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    tokio::task::spawn_blocking(move || {
        let mut out = Parts { send, waiting: Vec::with_capacity(PART_BYTES) };
        let written = write(&app, &mut out).and_then(|()| out.flush());
        if let Err(error) = written
            && !out.send.is_closed()
        {
            tracing::error!(request_id, cause = %error, "an export of the audit log broke off");
            // Whoever stopped listening in this moment needs no word of it.
            let _ = out.send.blocking_send(Err(error));
        }
    });
    Taken { parts, _running: front.run() }
}

/// An error of the log as one of the writer's.
pub fn failed(error: &(dyn std::error::Error + 'static)) -> io::Error {
    io::Error::other(chain(error))
}

impl From<audit::Error> for io::Error {
    fn from(error: audit::Error) -> io::Error {
        failed(&error)
    }
}

struct Parts {
    send: Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(std::mem::take(&mut self.waiting));
        self.send.blocking_send(Ok(part)).map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader left"))
    }
}

//! The board behind a lock: the reader's thread writes it, and the task of each receiver reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{
    board::{Board, Item, MadeRoom},
    notice::Notice,
};
use crate::time::WallTime;

/// The board, which is there once the topic was read to its end, and a channel that signals each change of it.
#[derive(Debug)]
pub struct Shared {
    board: Mutex<Option<Board>>,
    changes: watch::Sender<()>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { board: Mutex::new(None), changes: watch::Sender::new(()) }
    }
}

impl Shared {
    /// Publishes a board that was filled to the end of the topic.
    pub fn put_up(&self, mut board: Board) {
        board.complete();
        *self.board() = Some(board);
        self.changes.send_replace(());
    }

    /// Takes a new revision. Returns how many incidents were evicted to make room.
    pub fn take(&self, notice: Notice, written_at: WallTime) -> MadeRoom {
        let made = self.board().as_mut().map(|board| board.take(notice, written_at, true)).unwrap_or_default();
        self.changes.send_replace(());
        made
    }

    /// Removes what is old. Returns the open incidents among it, which had no record for too long.
    pub fn expire(&self, now: WallTime) -> Vec<String> {
        self.board().as_mut().map(|board| board.expire(now)).unwrap_or_default()
    }

    /// Takes a sign of life of a process at work.
    pub fn alive(&self, written_at: WallTime) {
        if let Some(board) = self.board().as_mut() {
            board.alive(written_at);
        }
        self.changes.send_replace(());
    }

    /// Returns the alerts to be shown now; `None` before the topic was read to its end.
    #[must_use]
    pub fn items(&self, now: WallTime) -> Option<Vec<Item>> {
        self.board().as_ref().map(|board| board.items(now).collect())
    }

    /// Returns a channel that signals each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn board(&self) -> MutexGuard<'_, Option<Board>> {
        // If a thread panicked within a change, later revisions of the incidents put the board right.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

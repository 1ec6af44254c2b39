//! The word to stop, from the composition root to every connection. Knows nothing else.

use tokio::sync::watch;

/// Says the word. Dropping it says it too.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears it.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<bool>);

/// A stopper and what hears it.
#[must_use]
pub fn stopping() -> (Stopper, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stopping(receiver))
}

impl Stopper {
    /// Listeners stop accepting, finish what is in work, and end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Ends when the word was said.
    pub async fn said(&mut self) {
        // An error means that the stopper has gone, which is as good.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}

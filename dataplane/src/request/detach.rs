//! A future that outlives whoever waits for it: dropped before its end, it goes on by itself.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Work that must not end because its client went away.
pub struct Detached<F: Future + Send + 'static>(Option<Pin<Box<F>>>)
where
    F::Output: Send;

impl<F: Future + Send + 'static> Detached<F>
where
    F::Output: Send,
{
    /// Wraps a future.
    pub fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }

    /// Ends it now.
    pub fn abandon(&mut self) {
        self.0 = None;
    }
}

impl<F: Future + Send + 'static> Future for Detached<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let output = std::task::ready!(future.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future + Send + 'static> Drop for Detached<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        if let Some(future) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { drop(future.await) });
        }
    }
}

#[cfg(test)]
mod tests;

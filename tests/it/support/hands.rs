//! Sessions without hands: for tests in which no tool is called.

use async_trait::async_trait;
use glovebox::agent::hands::{Hands, HandsError, Workshop};
use glovebox::resources::environment::Environment;
use glovebox::resources::session::SessionAgent;

/// Gives none.
pub(crate) struct NoHands;

#[async_trait]
impl Workshop for NoHands {
    async fn open(
        &self,
        _: &str,
        _: &SessionAgent,
        _: &Environment,
    ) -> Result<Box<dyn Hands>, HandsError> {
        Err(HandsError::new("no hands in this test", "no hands"))
    }

    async fn discard(&self, _: &str) -> Result<(), HandsError> {
        Ok(())
    }
}

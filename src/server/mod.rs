//! The composition root.
pub async fn stop_signal() { std::future::pending().await }

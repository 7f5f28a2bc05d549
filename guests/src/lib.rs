//! The guests.

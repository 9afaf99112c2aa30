//! Writing a bolt file from records in order.

//! The kit that crashes a flow at every await.

//! Records of the `key` bucket: their keys, their values, and the hash over them.

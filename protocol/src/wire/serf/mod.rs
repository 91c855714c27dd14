//! Serf's messages, byte for byte and length by length.

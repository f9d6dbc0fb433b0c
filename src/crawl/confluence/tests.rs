//! The reader against answers of our own writing.

//! The command line; `demo` and `pack`.

fn main() {}

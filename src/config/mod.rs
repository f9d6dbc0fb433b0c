//! Reads the TOML file and the environment into the settings that each room declares for itself.
//!
//! Uses: `app`, `web`.

//! The cloudnet service.

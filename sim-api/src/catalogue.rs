//! Placeholder until the catalogue of documented actions lands.
/// The documented status of a code in an action.
pub fn documented_status(_version: &str, _action: &str, _code: &str) -> Option<u16> {
    None
}

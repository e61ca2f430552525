//! An SNAT entry of a world as a scenario: its addresses and its affinity come from its rows.

use super::scenario::{OfWorld, Scenario};
use crate::access::Caller;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::SnatEntryId;
use crate::traffic::bad::bad;
use crate::vpc::snat::{NatEntryStatus, SnatEntry};
use crate::world::World;

/// Takes the SNAT entry that a scenario names over into it; a scenario that names none stays as it is. The gateway of a world
/// is paid by use and has no limit of its own.
///
/// # Errors
/// [`ErrorCode::InvalidParameter`] for a scenario that describes what the world has; an unknown entry; one that is being made.
pub fn take_over(w: &World, caller: &Caller, mut scenario: Scenario) -> Outcome<Scenario> {
    let Some(OfWorld { snat_entry_id }) = scenario.of_world.take() else { return Ok(scenario) };
    let described = [
        ("nat.addresses", scenario.nat.addresses.is_some()),
        ("nat.affinity", scenario.nat.affinity.is_some()),
    ];
    if let Some((field, _)) = described.iter().find(|(_, is)| *is) {
        return Err(bad(field, "of_world has it; write one of the two".to_owned()).into());
    }
    const FIELD: &str = "of_world/snat_entry_id";
    let id: SnatEntryId =
        snat_entry_id.parse().map_err(|_| Refusal::new(ErrorCode::SnatEntryNotFound).field(FIELD))?;
    let entry = w.visible::<SnatEntry>(caller, id).map_err(|refusal| refusal.field(FIELD))?;
    if entry.status == NatEntryStatus::Pending {
        return Err(Refusal::new(ErrorCode::SnatEntryStatusIncorrect)
            .field(FIELD)
            .detail(format!("{id} is {}.", entry.status.text()))
            .accepted("an entry that is in force"));
    }
    // Its gateway is Available and its addresses are bound: it has no entries before, and they leave it first.
    scenario.nat.addresses = Some(entry.eips.len() as u32);
    scenario.nat.affinity = Some(entry.affinity);
    scenario.nat.eips = entry.eips.iter().map(|eip| eip.to_string()).collect();
    Ok(scenario)
}

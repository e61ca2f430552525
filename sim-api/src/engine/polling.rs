//! A word to whoever waits for time to pass in a world whose clock stands still.

use parking_lot::Mutex;
use sim_core::settings::ClockMode;
use sim_core::{SimTime, World};

/// So many reads while the same work is pending and time stands still look like somebody waiting.
const READS: u32 = 10;

/// Counts reads of a world in which something is pending.
#[derive(Debug, Default)]
pub(super) struct PollingHint {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    due: Option<SimTime>,
    reads: u32,
    told: bool,
}

impl PollingHint {
    /// Notes a read and says once in the world's life that it waits in vain. Telling apart which object was
    /// read would cost more than the one line that comes too often.
    pub fn note(&self, name: &str, world: &World) {
        if world.settings().clock.mode != ClockMode::Manual {
            return;
        }
        let Some(due) = world.next_due() else { return };
        let mut seen = self.seen.lock();
        if seen.told {
            return;
        }
        seen.reads = if seen.due == Some(due) { seen.reads + 1 } else { 1 };
        seen.due = Some(due);
        if seen.reads >= READS {
            seen.told = true;
            tracing::warn!(
                world = name,
                now = %world.now(),
                due = %due,
                "the world is being polled while something is pending, but its clock is manual and stands still; \
                 POST /v1/clock/advance lets time pass, PUT /v1/clock sets another clock"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::settings::Provisioning;
    use sim_core::vpc::vpc::CreateVpc;
    use sim_core::{AccountId, Caller, Genesis};
    use std::io::Write;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines_after(clock: ClockMode, pending: bool, reads: u32) -> usize {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || {
            let provisioning = if pending { Provisioning::Documented } else { Provisioning::Instant };
            let mut world = World::new(Genesis { clock, provisioning, ..Genesis::default() });
            let caller = Caller::new(AccountId::DEFAULT, "cn-hangzhou");
            assert!(world.apply(world.now(), &caller, CreateVpc::default().into()).outcome.is_ok());
            let hint = PollingHint::default();
            (0..reads).for_each(|_| hint.note("default", &world));
        });
        let bytes = lines.0.lock().clone();
        String::from_utf8(bytes).unwrap().matches("stands still").count()
    }

    #[test]
    fn only_polling_under_a_stopped_clock_is_told_once() {
        let table = [
            (ClockMode::Manual, true, READS - 1, 0),
            (ClockMode::Manual, true, READS, 1),
            (ClockMode::Manual, true, READS * 5, 1),
            (ClockMode::Manual, false, READS * 5, 0),
            (ClockMode::Real, true, READS * 5, 0),
        ];
        for (clock, pending, reads, lines) in table {
            assert_eq!(lines_after(clock, pending, reads), lines, "{clock:?} {pending} {reads}");
        }
    }
}

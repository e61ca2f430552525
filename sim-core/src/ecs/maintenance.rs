//! What the provider should do with an instance when its host is maintained. Nothing is ever maintained here: it is kept and
//! shown (provider documentation: ModifyInstanceMaintenanceAttributes, DescribeInstanceMaintenanceAttributes).

use crate::access::Caller;
use crate::command::Reply;
use crate::ecs::instance::Instance;
use crate::ecs::instance_life::check_batch;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::InstanceId;
use crate::world::World;
use serde::{Deserialize, Serialize};

/// What is done with an instance whose host goes down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceAction {
    /// It stays down.
    Stop,
    /// It is started again.
    #[default]
    AutoRecover,
    /// It is started on another host, without what its local disks held.
    AutoRedeploy,
}

impl MaintenanceAction {
    /// Every action with the provider's word.
    pub const ALL: &'static [(&'static str, MaintenanceAction)] = &[
        ("Stop", MaintenanceAction::Stop),
        ("AutoRecover", MaintenanceAction::AutoRecover),
        ("AutoRedeploy", MaintenanceAction::AutoRedeploy),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            MaintenanceAction::Stop => "Stop",
            MaintenanceAction::AutoRecover => "AutoRecover",
            MaintenanceAction::AutoRedeploy => "AutoRedeploy",
        }
    }
}

/// When an instance may be maintained: from one full hour of the day to another, 1 to 23 hours later, in UTC+8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaintenanceWindow {
    /// The hour at which it begins, 0 to 23.
    start: u8,
    /// The hour at which it ends, 0 to 23; the next day if it is not later.
    end: u8,
}

impl MaintenanceWindow {
    /// A window from times like `02:00:00`.
    ///
    /// # Errors
    /// [`ErrorCode::MaintenanceWindowInvalid`] for a text that is no full hour, one of the two alone, or one hour twice.
    pub fn parse(start: Option<&str>, end: Option<&str>) -> Outcome<MaintenanceWindow> {
        let refuse = |field: &str, detail: String| {
            Refusal::new(ErrorCode::MaintenanceWindowInvalid)
                .field(field)
                .detail(detail)
                .accepted("two full hours of the day, such as 02:00:00 and 06:00:00")
        };
        let read = |text: Option<&str>, field: &str| {
            let text = text.ok_or_else(|| refuse(field, "It is missing.".to_owned()))?;
            let digits = text.strip_suffix(":00:00").filter(|hour| hour.len() == 2);
            let hour = digits.filter(|hour| hour.bytes().all(|b| b.is_ascii_digit()));
            let hour = hour.and_then(|hour| hour.parse::<u8>().ok()).filter(|hour| *hour < 24);
            hour.ok_or_else(|| refuse(field, String::new()).given(text))
        };
        let (start, end) = (read(start, "window/start_time")?, read(end, "window/end_time")?);
        if start == end {
            return Err(refuse("window/end_time", "It is the hour at which the window begins.".to_owned()));
        }
        Ok(MaintenanceWindow { start, end })
    }

    /// When it begins, as the provider writes it.
    pub fn start_text(self) -> String {
        format!("{:02}:00:00", self.start)
    }

    /// When it ends, as the provider writes it.
    pub fn end_text(self) -> String {
        format!("{:02}:00:00", self.end)
    }
}

/// What an instance says about its maintenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// What is done if its host goes down.
    pub action: MaintenanceAction,
    /// Whether its owner is told before.
    pub notify: bool,
    /// When it may be maintained; at any time if absent.
    pub window: Option<MaintenanceWindow>,
}

/// Changes what instances say about their maintenance; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyMaintenance {
    /// The instances: 1 to 100, each once.
    pub instances: Vec<InstanceId>,
    /// What is done if a host goes down.
    pub action: Option<MaintenanceAction>,
    /// Whether the owner is told before.
    pub notify: Option<bool>,
    /// When they may be maintained.
    pub window: Option<MaintenanceWindow>,
}

/// Handles [`ModifyMaintenance`], for all instances or for none.
///
/// # Errors
/// The size of the batch; an unknown instance.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyMaintenance) -> Outcome<Reply> {
    check_batch(&c.instances)?;
    for id in &c.instances {
        w.visible::<Instance>(caller, *id)?;
    }
    for id in &c.instances {
        w.update::<Instance>(id, |instance| {
            let now = &mut instance.maintenance;
            now.action = c.action.unwrap_or(now.action);
            now.notify = c.notify.unwrap_or(now.notify);
            now.window = c.window.or(now.window);
        });
    }
    Ok(Reply::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows() {
        let shown = |start, end| {
            let window = MaintenanceWindow::parse(start, end);
            window.map(|w| (w.start_text(), w.end_text())).map_err(|refusal| refusal.details().field.clone())
        };
        let both = |start, end| shown(Some(start), Some(end));
        assert_eq!(both("02:00:00", "18:00:00"), Ok(("02:00:00".to_owned(), "18:00:00".to_owned())));
        assert_eq!(both("23:00:00", "01:00:00"), Ok(("23:00:00".to_owned(), "01:00:00".to_owned())));
        for bad in ["2:00:00", "24:00:00", "02:30:00", "02:00", "+2:00:00", "٣2:00:00", ""] {
            assert_eq!(both(bad, "18:00:00"), Err(Some("window/start_time".to_owned())), "{bad}");
        }
        for (start, end) in [(Some("02:00:00"), None), (Some("02:00:00"), Some("02:00:00"))] {
            assert_eq!(shown(start, end), Err(Some("window/end_time".to_owned())));
        }
        assert_eq!(shown(None, Some("02:00:00")), Err(Some("window/start_time".to_owned())));
    }
}

//! The settings that a running engine can change: of detectors, with their states and overrides, calendars and maintenance windows.
//!
//! A change is a recorded input ([`super::Input::Settings`]), so the settings have a written form, which is that of the configuration
//! file: the audit log and the manifests of snapshots hold it, and a restart and a replay read it back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    calendar::{CalendarSettings, Calendars, MaintenanceSettings, MaintenanceWindows},
    detect::{DetectSections, Detection, OverrideSettings, Overrides},
    setting::Invalid,
};

/// Bytes that the settings may take in the audit log: an entry holds those before and after a change, and a broker refuses records
/// over 1 MiB by default.
const BYTES_MAX: usize = 400 << 10;

/// The settings that a running engine can change. All of them are in the hash of the plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The settings of the detectors.
    pub detection: Detection,
    /// When symbols trade.
    pub calendars: Calendars,
    /// When findings are expected.
    pub maintenance: MaintenanceWindows,
}

/// The settings as a configuration writes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenSettings {
    /// `[detect]`
    pub detect: DetectSections,
    /// `[[override]]`
    #[serde(rename = "override")]
    pub overrides: Vec<OverrideSettings>,
    /// `[[calendar]]`
    pub calendar: Vec<CalendarSettings>,
    /// `[[maintenance]]`
    pub maintenance: Vec<MaintenanceSettings>,
}

impl WrittenSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn valid(&self) -> Result<Settings, Invalid> {
        let detection = self.detect.valid().map_err(|e| e.within("detect"))?;
        let overrides = Overrides::new(&self.overrides).map_err(|e| e.within("override"))?;
        let detection = Detection { overrides, ..detection };
        detection.check_overrides().map_err(|e| e.within("override"))?;
        let calendars = Calendars::new(&self.calendar).map_err(|e| e.within("calendar"))?;
        let maintenance = MaintenanceWindows::new(&self.maintenance).map_err(|e| e.within("maintenance"))?;
        let bytes = self.to_json().to_string().len();
        if bytes > BYTES_MAX {
            let what = format!(
                "with `detect`, `calendar` and `maintenance` it takes {bytes} bytes, expected at most {BYTES_MAX}"
            );
            return Err(Invalid::new("override", what));
        }
        Ok(Settings { detection, calendars, maintenance })
    }

    /// Returns the settings as JSON, without keys that are not set.
    fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self).expect("settings are numbers and texts in tables");
        leave_out_unset(&mut json);
        json
    }
}

impl Settings {
    /// Returns the written form: JSON with the keys of the configuration file.
    #[must_use]
    pub fn written(&self) -> Value {
        let written = WrittenSettings {
            detect: DetectSections::of(&self.detection),
            overrides: self.detection.overrides.settings().cloned().collect(),
            calendar: self.calendars.settings().cloned().collect(),
            maintenance: self.maintenance.settings().cloned().collect(),
        };
        written.to_json()
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// The reason for which it cannot be read: another build wrote it, whose keys are other ones.
    pub fn read(written: &Value) -> Result<Self, String> {
        let written = WrittenSettings::deserialize(written).map_err(|e| e.to_string())?;
        written.valid().map_err(|invalid| format!("`{}`: {}", invalid.path.join("."), invalid.message))
    }
}

/// Removes keys without a value, and tables in which nothing is left.
fn leave_out_unset(json: &mut Value) {
    if let Value::Object(table) = json {
        table.values_mut().for_each(leave_out_unset);
        table.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty()));
    } else if let Value::Array(items) = json {
        items.iter_mut().for_each(leave_out_unset);
    }
}

//! CPU time as dollars.

use serde::Serialize;

/// What an hour of a vCPU costs, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Price(pub f64);

/// What something costs that keeps a share of a vCPU busy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dollars {
    /// For an hour of one bot.
    pub per_bot_hour: f64,
    /// For a million minutes of bots.
    pub per_million_bot_minutes: f64,
}

impl Price {
    /// Of a bot that takes `cpu_s_per_s` seconds of CPU time in each second.
    pub fn of(self, cpu_s_per_s: f64) -> Dollars {
        let per_bot_hour = cpu_s_per_s * self.0;
        Dollars { per_bot_hour, per_million_bot_minutes: per_bot_hour / 60.0 * 1e6 }
    }

    /// How dollars are computed, for the reader.
    pub fn formula(self) -> String {
        format!(
            "dollars per bot-hour = CPU seconds in each second x {} dollars per vCPU-hour; per million bot-minutes = that / 60 x \
             1,000,000. A vCPU is taken to be one of the processors that this was measured on, and to be sold as fully used.",
            self.0
        )
    }
}

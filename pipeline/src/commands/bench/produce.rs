//! The producer process: stamps the source frame, sends it, again and again, and says what that cost.

use super::job::Job;
use super::peer::Control;
use super::series::Series;
use super::transport::{self, Transport};
use crate::error::CliError;

/// Does the job that comes over standard input.
pub fn main(transports: &[&'static Transport]) -> Result<(), CliError> {
    let mut control = Control::inherited()?;
    let job = control.job()?;
    (transport::find(&job.transport, transports)?.produce)(&job, &mut control)
}

/// Sends all frames of a job by `send`, once the other side is prepared, and reports.
pub fn send_all(
    job: &Job,
    control: &mut Control,
    mut send: impl FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut series = Series::new(job);
    control.wait_for_go()?;
    while let Some(frame) = series.next_frame()? {
        send(frame)?;
    }
    control.report(series.report()?)
}

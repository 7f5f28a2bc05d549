//! What a tool reports while it runs, as MCP wants it: numbers that only rise.

use rmcp::model::{ProgressNotificationParam, ProgressToken};

use crate::agent::hands::Progress;

/// How many reports may wait for a slow client; more are dropped, and nobody misses them.
pub(super) const WAITING_MAX: usize = 16;

/// A step that is too small to see, for a report that brings no new fraction.
const STEP: f64 = 1.0 / 1_048_576.0;

/// Turns reports into notifications. Whether they are parts of a whole or only counted is settled by the first one.
pub(super) struct Meter {
    token: ProgressToken,
    last: Option<f64>,
    whole: bool,
}

impl Meter {
    pub(super) fn new(token: ProgressToken) -> Meter {
        Meter {
            token,
            last: None,
            whole: false,
        }
    }

    pub(super) fn next(&mut self, report: Progress) -> ProgressNotificationParam {
        let fraction = report.fraction.filter(|fraction| fraction.is_finite());
        let next = match (self.last, fraction) {
            (None, Some(fraction)) => {
                self.whole = true;
                fraction
            }
            (None, None) => 1.0,
            (Some(last), _) if !self.whole => last + 1.0,
            (Some(last), Some(fraction)) if fraction > last => fraction,
            (Some(last), _) => last + STEP,
        };
        self.last = Some(next);
        let notification =
            ProgressNotificationParam::new(self.token.clone(), next).with_message(report.message);
        if self.whole {
            notification.with_total(1.0)
        } else {
            notification
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::NumberOrString;

    fn numbers(fractions: &[Option<f64>]) -> Vec<(f64, Option<f64>)> {
        let mut meter = Meter::new(ProgressToken(NumberOrString::Number(1)));
        let report = |fraction: &Option<f64>| Progress {
            message: "m".into(),
            fraction: *fraction,
        };
        fractions
            .iter()
            .map(|fraction| meter.next(report(fraction)))
            .map(|notification| (notification.progress, notification.total))
            .collect()
    }

    #[test]
    fn progress_always_rises() {
        assert_eq!(
            numbers(&[Some(0.5), None, Some(0.25), Some(0.75)]),
            [
                (0.5, Some(1.0)),
                (0.5 + STEP, Some(1.0)),
                (0.5 + 2.0 * STEP, Some(1.0)),
                (0.75, Some(1.0))
            ]
        );
        assert_eq!(
            numbers(&[None, Some(0.5), None]),
            [(1.0, None), (2.0, None), (3.0, None)]
        );
    }
}

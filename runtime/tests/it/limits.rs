//! Every limit ends the call, names itself, and comes in time. The sandbox and its neighbours go on.

use std::time::{Duration, Instant};

use glovebox_runtime::{CallOptions, CallReport, LimitKind, Limits, Outcome};
use serde_json::{Value, json};

use crate::kernel::{Hands, hands, probe, text};

/// What the product promises: a call ends within this time of its limit.
const GRACE: Duration = Duration::from_millis(100);

/// On a machine that does other things as well, a thread may wait for its turn.
const PATIENCE: Duration = Duration::from_millis(500);

async fn misuse(hands: &Hands, what: Value, limits: Limits) -> CallReport {
    let options = CallOptions {
        limits: Some(limits),
        ..CallOptions::default()
    };
    hands
        .sandbox
        .call(
            &probe("hostile"),
            &json!({ "do": what }).to_string(),
            options,
        )
        .await
}

/// Expects that limit and that text, and a sandbox that is empty and still works.
async fn expect_limit(
    hands: &Hands,
    what: Value,
    limits: Limits,
    which: LimitKind,
    message: &str,
) -> CallReport {
    let report = misuse(hands, what, limits).await;
    assert_eq!(
        report.outcome,
        Outcome::Limit {
            which,
            message: message.to_owned()
        }
    );
    assert_eq!(hands.sandbox.live_processes(), 0);
    let next = misuse(hands, json!("answer"), Limits::default()).await;
    assert_eq!(text(next.outcome), "fine");
    report
}

fn in_time(report: &CallReport, limit: Duration) {
    assert!(
        report.usage.wall >= limit,
        "{:?} is too early",
        report.usage.wall
    );
    assert!(
        report.usage.wall < limit + GRACE + PATIENCE,
        "{:?} is too late for {limit:?}",
        report.usage.wall
    );
}

#[tokio::test]
async fn wall_time_ends_a_guest_that_spins_sleeps_or_is_parked_in_the_host() {
    let hands = hands(|_| ());
    let limit = Duration::from_millis(200);
    let limits = Limits {
        wall_time_max: limit,
        ..Limits::default()
    };
    for what in [
        json!("spin"),
        json!("sleep"),
        json!("read_silent_pipe"),
        json!("write_full_pipe"),
    ] {
        let report = expect_limit(
            &hands,
            what,
            limits,
            LimitKind::WallTime,
            "wall time limit of 200 ms exceeded",
        )
        .await;
        in_time(&report, limit);
    }
}

#[tokio::test]
async fn cpu_time_ends_a_spinning_guest_and_not_a_sleeping_one() {
    let hands = hands(|_| ());
    let limits = Limits {
        cpu_time_max: Duration::from_millis(100),
        ..Limits::default()
    };
    let report = expect_limit(
        &hands,
        json!("spin"),
        limits,
        LimitKind::CpuTime,
        "CPU time limit of 100 ms exceeded",
    )
    .await;
    assert!(
        report.usage.cpu >= Duration::from_millis(100)
            && report.usage.cpu < Duration::from_millis(200),
        "{report:?}"
    );
    let limits = Limits {
        wall_time_max: Duration::from_millis(300),
        ..limits
    };
    let report = expect_limit(
        &hands,
        json!("sleep"),
        limits,
        LimitKind::WallTime,
        "wall time limit of 300 ms exceeded",
    )
    .await;
    assert!(report.usage.cpu < Duration::from_millis(100), "{report:?}");
}

#[tokio::test]
async fn a_tool_narrows_its_own_deadline_and_says_what_the_model_reads() {
    let hands = hands(|_| ());
    let limits = Limits {
        wall_time_max: Duration::from_secs(60),
        ..Limits::default()
    };
    let report = expect_limit(
        &hands,
        json!("deadline"),
        limits,
        LimitKind::WallTime,
        "the tool's own timeout",
    )
    .await;
    in_time(&report, Duration::from_millis(50));
}

#[tokio::test]
async fn memory_is_the_guests_and_what_the_host_keeps_for_it() {
    let hands = hands(|_| ());
    let limits = Limits {
        memory_bytes_max: 64 << 20,
        ..Limits::default()
    };
    let message = "memory limit of 64 MiB exceeded";
    let report = expect_limit(
        &hands,
        json!("allocate"),
        limits,
        LimitKind::Memory,
        message,
    )
    .await;
    assert!(
        report.usage.memory_bytes_peak > 32 << 20 && report.usage.memory_bytes_peak <= 64 << 20,
        "{report:?}"
    );
    let report = misuse(&hands, json!("fill_buffers"), limits).await;
    assert!(report.usage.memory_bytes_peak <= 64 << 20, "{report:?}");
    assert_eq!(text(report.outcome), "filled 500 buffers");
}

#[tokio::test]
async fn output_counts_what_is_captured_and_what_is_answered() {
    let hands = hands(|_| ());
    let limits = Limits {
        output_bytes_max: 2 << 20,
        ..Limits::default()
    };
    let message = "output limit of 2 MiB exceeded";
    expect_limit(
        &hands,
        json!("flood_tail"),
        limits,
        LimitKind::Output,
        message,
    )
    .await;
    expect_limit(
        &hands,
        json!("flood_answer"),
        limits,
        LimitKind::Output,
        message,
    )
    .await;
}

#[tokio::test]
async fn a_fork_bomb_is_refused_and_then_ended() {
    let hands = hands(|_| ());
    let limits = Limits {
        processes_max: 16,
        ..Limits::default()
    };
    let report = misuse(&hands, json!({"forkbomb": {"background": false}}), limits).await;
    let message = "limit of 16 processes exceeded".to_owned();
    assert_eq!(
        report.outcome,
        Outcome::Limit {
            which: LimitKind::Processes,
            message
        }
    );
    assert_eq!(hands.sandbox.live_processes(), 0);
    assert_eq!(
        text(
            misuse(&hands, json!("answer"), Limits::default())
                .await
                .outcome
        ),
        "fine"
    );
}

#[tokio::test]
async fn a_fork_bomb_in_the_background_ends_too() {
    let hands = hands(|grant| grant.limits.processes_max = 16);
    let answer = text(
        misuse(
            &hands,
            json!({"forkbomb": {"background": true}}),
            Limits::default(),
        )
        .await
        .outcome,
    );
    assert_eq!(answer, "Status::Signalled(9)");
    let answered = Instant::now();
    while hands.sandbox.live_processes() > 0 {
        assert!(
            answered.elapsed() < Duration::from_secs(10),
            "{} processes live on",
            hands.sandbox.live_processes()
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn descriptors_run_out_with_an_error_that_a_program_can_handle() {
    let hands = hands(|_| ());
    let limits = Limits {
        descriptors_max: 32,
        ..Limits::default()
    };
    let answer = text(misuse(&hands, json!("open_pipes"), limits).await.outcome);
    assert!(answer.contains("\"too-many-descriptors\""), "{answer}");
    // A process has four handles for each descriptor, a pipe takes two, and the tool itself holds a few.
    let opened: u32 = answer.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((56..=64).contains(&opened), "{answer}");
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_a_program_can_handle() {
    let hands = hands(|grant| grant.limits.disk_bytes_max = 1 << 20);
    let answer = text(
        misuse(&hands, json!("fill_disk"), Limits::default())
            .await
            .outcome,
    );
    assert!(answer.ends_with(" after 1048576"), "{answer}");
    let size = std::fs::metadata(hands.workspace.path().join("filler"))
        .unwrap()
        .len();
    assert_eq!(size, 1 << 20);
}

#[tokio::test]
async fn a_crash_is_told_apart_from_an_answer_and_from_a_limit() {
    let hands = hands(|_| ());
    let trapped = |outcome: Outcome| match outcome {
        Outcome::Trapped(message) => message,
        other => panic!("{other:?}"),
    };
    let panicked = trapped(
        misuse(&hands, json!("panic"), Limits::default())
            .await
            .outcome,
    );
    assert!(panicked.contains("as told"), "{panicked}");
    let overflown = trapped(
        misuse(&hands, json!("overflow"), Limits::default())
            .await
            .outcome,
    );
    assert_eq!(overflown, "stack overflow");
    assert_eq!(
        misuse(&hands, json!("nonsense"), Limits::default())
            .await
            .outcome,
        {
            let Outcome::InvalidInput(message) =
                misuse(&hands, json!("nonsense"), Limits::default())
                    .await
                    .outcome
            else {
                panic!("accepted")
            };
            Outcome::InvalidInput(message)
        }
    );
    assert_eq!(hands.sandbox.live_processes(), 0);
}

#[tokio::test]
async fn dropping_the_call_kills_it() {
    let hands = hands(|_| ());
    for what in [json!("spin"), json!("sleep"), json!("read_silent_pipe")] {
        let call = misuse(&hands, what, Limits::default());
        assert!(
            tokio::time::timeout(Duration::from_millis(50), call)
                .await
                .is_err()
        );
        let dropped = Instant::now();
        while hands.sandbox.live_processes() > 0 {
            assert!(dropped.elapsed() < GRACE + PATIENCE);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn spinning_guests_do_not_starve_their_neighbours() {
    let (spinning, quick) = (hands(|_| ()), hands(|_| ()));
    let limits = Limits {
        wall_time_max: Duration::from_secs(10),
        ..Limits::default()
    };
    // As many as there are threads for guests, and one more.
    let spinners = async {
        tokio::join!(
            misuse(&spinning, json!("spin"), limits),
            misuse(&spinning, json!("spin"), limits),
            misuse(&spinning, json!("spin"), limits)
        )
    };
    let neighbour = async {
        for _ in 0..50 {
            assert_eq!(
                text(
                    misuse(&quick, json!("answer"), Limits::default())
                        .await
                        .outcome
                ),
                "fine"
            );
        }
    };
    tokio::select! {
        reports = spinners => panic!("the neighbour waited until the spinning guests ended: {reports:?}"),
        () = neighbour => {}
    }
}

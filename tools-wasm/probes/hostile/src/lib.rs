//! A tool that does what it is told: each behaviour is one way to misuse a kernel, or one thing that a kernel must get
//! right.

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use glovebox_kit::bindings::glovebox::process::process::{
    self, Child, Endpoint, SpawnOptions, Tail, buffer, kill, pipe, processes, spawn, wait_for,
};
use glovebox_kit::bindings::glovebox::process::types::{Errno, Status};
use glovebox_kit::tool::{Answer, Blob, Content, context, failed, text};

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Input {
    Answer,
    Fail,
    Spin,
    SpinFor(u64),
    Allocate,
    Panic,
    Overflow,
    Sleep,
    ReadSilentPipe,
    WriteFullPipe,
    Deadline,
    FloodTail,
    FloodAnswer,
    FillBuffers,
    FillDisk,
    OpenPipes,
    Forkbomb {
        background: bool,
    },
    LeaveChild {
        background: bool,
    },
    Exit(u8),
    Pipeline {
        stages: Vec<Vec<String>>,
        sigpipe_kills: bool,
    },
    ReadBack,
    KillChild,
    Processes,
    WaitFor(u32),
    Kill(u32),
    Count,
    StoreTooMuch,
    Setting(String),
    Secret(String),
    Environment(String),
    UntilCancelled,
    CancelledAndDeaf,
    FloodProgress,
    List(String),
    Report,
}

/// Does what it is told.
#[glovebox_kit::tool(
    effects = "external",
    hosts = ["*"],
    mounts = [("*", write)],
    programs = ["*"],
    secrets = ["*"],
    settings = ["*"]
)]
fn hostile(input: Wrapped) -> Answer {
    run(input.r#do)
}

fn run(input: Input) -> Answer {
    match input {
        Input::Answer => text("fine"),
        Input::Fail => Err(failed("as told")),
        Input::Spin => loop {
            black_box(());
        },
        Input::SpinFor(milliseconds) => {
            let started = std::time::Instant::now();
            while started.elapsed() < Duration::from_millis(milliseconds) {}
            text("done")
        }
        Input::Allocate => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        Input::Panic => panic!("as told"),
        Input::Overflow => text(recurse(0).to_string()),
        Input::Sleep => {
            std::thread::sleep(Duration::from_secs(3600));
            text("awake")
        }
        Input::ReadSilentPipe => {
            let (reader, _writer) = pipe().map_err(errno)?;
            text(format!("{:?}", reader.read(1)))
        }
        Input::WriteFullPipe => {
            let (_reader, writer) = pipe().map_err(errno)?;
            text(format!("{:?}", writer.write(&vec![0; 1 << 20])))
        }
        Input::Deadline => {
            context::deadline(50, "the tool's own timeout");
            std::thread::sleep(Duration::from_secs(3600));
            text("awake")
        }
        Input::FloodTail => {
            let writer = Tail::new(1000).writer();
            loop {
                writer.write(&[b'y'; 4096]).map_err(errno)?;
            }
        }
        Input::FloodAnswer => Ok((0..64)
            .map(|_| {
                Content::Image(Blob {
                    media_type: "image/png".into(),
                    data: vec![0; 1 << 18],
                })
            })
            .collect()),
        Input::FillBuffers => {
            let mut hoard = Vec::new();
            loop {
                let endpoint = buffer(u64::MAX).map_err(errno)?;
                while endpoint.write(&[0; 1 << 16]).is_ok() {}
                hoard.push(endpoint);
                if hoard.len() == 500 {
                    return text("filled 500 buffers");
                }
            }
        }
        Input::FillDisk => fill_disk(),
        Input::OpenPipes => {
            let mut hoard = Vec::new();
            loop {
                match pipe() {
                    Ok(ends) => hoard.push(ends),
                    Err(error) => return text(format!("{error:?} after {}", hoard.len())),
                }
            }
        }
        Input::Forkbomb { background } => {
            let mut arguments = vec!["forkbomb".to_owned()];
            arguments.extend(background.then(|| "background".to_owned()));
            let child = start(&arguments, &[], background, true).map_err(errno)?;
            text(format!("{:?}", child.wait()))
        }
        Input::LeaveChild { background } => {
            let child = start(&words(&["sleep", "3600"]), &[], background, true).map_err(errno)?;
            text(child.pid().to_string())
        }
        Input::Exit(code) => glovebox_kit::exit_now(code),
        Input::Pipeline {
            stages,
            sigpipe_kills,
        } => pipeline(&stages, sigpipe_kills),
        Input::ReadBack => {
            let endpoint = buffer(100).map_err(errno)?;
            let twin = endpoint.clone();
            endpoint.write(b"hello world").map_err(errno)?;
            let first = twin.read(5).map_err(errno)?;
            let rest = endpoint.read(100).map_err(errno)?;
            text(format!(
                "{}|{}",
                String::from_utf8_lossy(&first),
                String::from_utf8_lossy(&rest)
            ))
        }
        Input::KillChild => {
            let child = start(&words(&["sleep", "3600"]), &[], false, true).map_err(errno)?;
            let alive = kill(child.pid(), 0);
            kill(child.pid(), 15).map_err(errno)?;
            let status = child.wait();
            text(format!("{alive:?} {status:?} {:?}", kill(child.pid(), 0)))
        }
        Input::Processes => {
            let seen = processes();
            text(
                seen.iter()
                    .map(|process| process.arguments.join(" "))
                    .collect::<Vec<_>>()
                    .join(","),
            )
        }
        Input::WaitFor(pid) => text(format!("{:?}", wait_for(pid))),
        Input::Kill(pid) => text(format!("{:?}", kill(pid, 9))),
        Input::Count => {
            let count = context::load_state().map_or(0, |state| state[0]) + 1;
            context::store_state(&[count]).map_err(failed)?;
            text(count.to_string())
        }
        Input::StoreTooMuch => text(format!(
            "{:?}",
            context::store_state(&vec![0; (16 << 20) + 1])
        )),
        Input::Setting(name) => text(format!("{:?}", context::setting(&name))),
        Input::Secret(name) => text(format!("{:?}", context::secret(&name))),
        Input::Environment(name) => text(format!("{:?}", std::env::var(name).ok())),
        Input::UntilCancelled => {
            while !glovebox_kit::cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            text("stopped as asked")
        }
        Input::CancelledAndDeaf => {
            while !glovebox_kit::cancelled() {}
            loop {
                black_box(());
            }
        }
        Input::FloodProgress => {
            for step in 0..100_000 {
                glovebox_kit::progress("x".repeat(2000), f64::from(step));
            }
            text("flooded")
        }
        Input::List(path) => list(&path),
        Input::Report => {
            context::progress("half way", Some(0.5));
            text("reported")
        }
    }
}

fn errno(error: Errno) -> glovebox_kit::tool::Failure {
    failed(format!("{error:?}"))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[expect(unconditional_recursion, reason = "told to")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + 1)
}

fn fill_disk() -> Answer {
    let mut file =
        std::fs::File::create("/workspace/filler").map_err(|error| failed(error.to_string()))?;
    let mut written = 0;
    loop {
        match file.write(&[7; 1 << 16]) {
            Ok(more) => written += more,
            Err(error) => return text(format!("{:?} after {written}", error.kind())),
        }
    }
}

fn list(path: &str) -> Answer {
    let entries = std::fs::read_dir(path).map_err(|error| failed(error.to_string()))?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    text(names.join(" "))
}

fn start(
    arguments: &[String],
    descriptors: &[(u32, &Endpoint)],
    background: bool,
    sigpipe_kills: bool,
) -> Result<Child, Errno> {
    spawn(&SpawnOptions {
        program: arguments[0].clone(),
        arguments: arguments.to_vec(),
        environment: Vec::new(),
        cwd: "/workspace".to_owned(),
        descriptors: descriptors.to_vec(),
        background,
        sigpipe_kills,
    })
}

/// Runs the stages as a shell would, and answers with what the last wrote and how each ended.
fn pipeline(stages: &[Vec<String>], sigpipe_kills: bool) -> Answer {
    let out = Tail::new(1 << 16);
    let mut input: Option<Endpoint> = None;
    let mut children = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let (next, output) = if index + 1 == stages.len() {
            (None, out.writer())
        } else {
            let (reader, writer) = pipe().map_err(errno)?;
            (Some(reader), writer)
        };
        let error = out.writer();
        let mut descriptors = vec![(1, &output), (2, &error)];
        descriptors.extend(input.as_ref().map(|input| (0, input)));
        children.push(start(stage, &descriptors, false, sigpipe_kills).map_err(errno)?);
        input = next;
    }
    let statuses: Vec<String> = children
        .iter()
        .map(|child| match child.wait() {
            Status::Exited(code) => code.to_string(),
            Status::Signalled(signal) => format!("signal {signal}"),
        })
        .collect();
    let (bytes, _) = out.take();
    let _ = process::id();
    text(format!(
        "{}[{}]",
        String::from_utf8_lossy(&bytes),
        statuses.join(" ")
    ))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Wrapped {
    #[schemars(with = "serde_json::Value")]
    r#do: Input,
}

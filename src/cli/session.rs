//! `glovebox session`: sessions as they were, and their files.
//!
//! Works on the data directory. All but `import` may be used while a server runs on it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use glovebox_tree::{Change, Facts, Kind};

use crate::agent::hands::Trees;
use crate::agent::{Moment, Timeline};
use crate::clock::SystemClock;
use crate::ids::RandomIds;
use crate::server::config::Config;
use crate::server::data::DataDirectory;
use crate::server::keys;
use crate::store::sqlite::{self, Sqlite};

/// Forks and rewinds sessions, and compares, exports and imports their files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An event is named by its id, as the API lists it; files are as they were just after it.

  glovebox session fork sesn_01... --event sevt_01...      prints the new session's id
  glovebox session rewind sesn_01... sevt_01...            what happened since is taken back
  glovebox session diff sesn_01... sevt_01... sevt_02...   + added, ~ changed, - removed, with sizes in bytes
  glovebox session export sesn_01... > workspace.tar
  glovebox session import sesn_01... workspace.tar         needs the server to be stopped")]
pub(super) struct Command {
    /// The server's data directory [default: ~/.local/share/glovebox]
    #[arg(long, value_name = "DIR", global = true, env = "GLOVEBOX_DATA")]
    data: Option<PathBuf>,
    /// Whose session it is, as `glovebox key list` shows it
    #[arg(long, value_name = "NAME", global = true, default_value = keys::DEFAULT_WORKSPACE)]
    workspace: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a new session that begins with what happened in this one, and prints its id
    Fork {
        #[arg(value_name = "SESSION")]
        session: String,
        /// Up to this event; without it, up to now
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
    },
    /// Goes back to an event, files and all; the session must not be running
    Rewind {
        #[arg(value_name = "SESSION")]
        session: String,
        #[arg(value_name = "EVENT")]
        event: String,
    },
    /// Shows what files were added, changed and removed between two events
    Diff {
        #[arg(value_name = "SESSION")]
        session: String,
        #[arg(value_name = "FROM")]
        from: String,
        /// Without it, as they are now
        #[arg(value_name = "TO")]
        to: Option<String>,
    },
    /// Writes what is in /workspace as a tar file
    Export {
        #[arg(value_name = "SESSION")]
        session: String,
        /// As it was just after this event; without it, as it is now
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
        /// Where to; without it, standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Unpacks a tar file in /workspace, over what is there
    Import {
        #[arg(value_name = "SESSION")]
        session: String,
        /// Where from; without it, standard input
        #[arg(value_name = "FILE")]
        input: Option<PathBuf>,
    },
}

impl Action {
    fn session(&self) -> &str {
        match self {
            Action::Fork { session, .. }
            | Action::Rewind { session, .. }
            | Action::Diff { session, .. }
            | Action::Export { session, .. }
            | Action::Import { session, .. } => session,
        }
    }
}

fn moment(event: Option<&String>) -> Moment<'_> {
    event.map_or(Moment::Last, |id| Moment::After(id))
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = Config {
            data: self.data.clone(),
            ..Config::default()
        };
        let path = config.data_directory()?;
        let data = DataDirectory::at(&path);
        anyhow::ensure!(
            data.database().exists(),
            "there is no server's data in {}",
            path.display()
        );
        let old = data.session_folders()?;
        anyhow::ensure!(
            !old.iter().any(|(id, _)| id == self.action.session()),
            "the files of this session are from an earlier version: start the server once, which moves them"
        );
        let options = sqlite::Options::default();
        let store = match &self.action {
            Action::Diff { .. } | Action::Export { .. } => {
                Sqlite::open_read_only(&data.database(), &options)?
            }
            _ => Sqlite::open(&data.database(), &options)?,
        };
        let store = Arc::new(store);
        let timeline = Timeline {
            log: store.clone(),
            documents: store,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        let workspace = self.workspace.as_str();
        let reading = || Trees::open_read_only(&data.trees(), Arc::new(SystemClock));
        match &self.action {
            Action::Fork { session, event } => {
                let forked = timeline.fork(workspace, session, moment(event.as_ref()));
                super::say(forked.await?["id"].as_str().unwrap_or_default())?;
            }
            Action::Rewind { session, event } => {
                timeline.rewind(workspace, session, event).await?;
            }
            Action::Diff { session, from, to } => {
                let before = timeline.files(workspace, session, Moment::After(from));
                let before = before.await?;
                let after = timeline.files(workspace, session, moment(to.as_ref()));
                let after = after.await?;
                let trees = reading()?;
                let mut out = BufWriter::new(io::stdout().lock());
                for change in trees.differences(before.as_deref(), after.as_deref())? {
                    writeln!(out, "{}", line(&change))?;
                }
                out.flush()?;
            }
            Action::Export {
                session,
                event,
                output,
            } => {
                let files = timeline.files(workspace, session, moment(event.as_ref()));
                let files = files.await?;
                let trees = reading()?;
                let out: Box<dyn Write> = match output {
                    Some(path) => {
                        Box::new(File::create(path).with_context(|| cannot("write", path))?)
                    }
                    None => Box::new(io::stdout().lock()),
                };
                trees
                    .export(files.as_deref(), BufWriter::new(out))?
                    .flush()?;
            }
            Action::Import { session, input } => {
                let _lock = data
                    .lock()
                    .context("importing needs the server to be stopped")?;
                let files = timeline.files(workspace, session, Moment::Last).await?;
                let trees = Trees::open(&data.trees(), Arc::new(SystemClock))?;
                let from: Box<dyn Read> = match input {
                    Some(path) => Box::new(File::open(path).with_context(|| cannot("read", path))?),
                    None => Box::new(io::stdin().lock()),
                };
                let limits = config.sandboxes().limits;
                let (root, imported) =
                    trees.import(files.as_deref(), &limits, BufReader::new(from))?;
                timeline.set_files(workspace, session, root).await?;
                eprintln!(
                    "{} entries, {} bytes are in /workspace",
                    imported.entries, imported.bytes
                );
                for path in &imported.passed_over {
                    eprintln!("passed over, being no file, directory or link: {path}");
                }
            }
        }
        Ok(())
    }
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} {}", path.display())
}

/// A change on one line: sign, path, sizes. A name cannot bring in another line.
fn line(change: &Change) -> String {
    let size = |facts: &Facts| match facts.kind {
        Kind::Directory => "directory".to_owned(),
        Kind::Symlink => "symlink".to_owned(),
        _ => facts.size.to_string(),
    };
    let path: String = change
        .path
        .chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    match (&change.before, &change.after) {
        (None, Some(after)) => format!("+ {path}\t{}", size(after)),
        (Some(before), None) => format!("- {path}\t{}", size(before)),
        (Some(before), Some(after)) => format!("~ {path}\t{} -> {}", size(before), size(after)),
        (None, None) => format!("  {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let facts = |kind, size| {
            Some(Facts {
                kind,
                mode: 0o644,
                size,
            })
        };
        let change = |path: &str, before, after| {
            line(&Change {
                path: path.into(),
                before,
                after,
            })
        };
        let file = |size| facts(Kind::File, size);
        assert_eq!(change("/a", None, file(3)), "+ /a\t3");
        assert_eq!(change("/a", file(3), file(4)), "~ /a\t3 -> 4");
        let directory = facts(Kind::Directory, 0);
        assert_eq!(change("/a\nb", directory, None), "- /a\\nb\tdirectory");
    }
}

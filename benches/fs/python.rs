//! Python importing much of its standard library: ours from a zip file in the image, the host's as it is installed.

use std::process::Command;
use std::sync::Arc;

use glovebox::tools::BuiltIn;
use glovebox_runtime::{Access, Engine, EngineOptions, Files, Mount, MountSource};

use crate::ours;

const SCRIPT: &str = "\
import time; began = time.perf_counter_ns()
import argparse, ast, base64, bisect, calendar, collections, configparser, contextlib, copy, csv, dataclasses, \
datetime, decimal, difflib, email.message, enum, fnmatch, fractions, functools, glob, gzip, hashlib, heapq, html.parser, \
inspect, io, itertools, json, logging, mimetypes, operator, pathlib, pickle, platform, pprint, queue, random, re, \
shlex, shutil, statistics, string, struct, tarfile, tempfile, textwrap, timeit, traceback, types, typing, \
urllib.parse, uuid, warnings, xml.etree.ElementTree, zipfile
print(time.perf_counter_ns() - began)
";

/// Nanoseconds in the host's Python and in ours, the shortest of five; the host's own if there is one of any version.
pub(crate) fn import() -> (Option<u128>, u128) {
    let shortest = |run: &dyn Fn() -> Option<u128>| (0..5).filter_map(|_| run()).min();
    let native = shortest(&|| {
        let output = Command::new("python3").args(["-c", SCRIPT]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    });
    let folder = tempfile::tempdir().unwrap();
    let config = glovebox::server::config::Config::default();
    let engine = Engine::new(EngineOptions {
        cache_dir: Some(config.cache_directory().unwrap()),
        ..EngineOptions::default()
    })
    .unwrap();
    let BuiltIn { programs, usr, .. } = BuiltIn::on_demand(&engine, &[]).unwrap();
    let mut mounts = Files::new(&ours::store(folder.path())).unwrap().mounts();
    mounts.push(Mount {
        at: "/usr".to_owned(),
        source: MountSource::Image(usr),
        access: Access::ReadOnly,
    });
    let sandbox = ours::sandbox(&engine, mounts, Arc::clone(&programs));
    let ours = shortest(&|| {
        ours::run(&sandbox, &["python3", "-c", SCRIPT])
            .trim()
            .parse()
            .ok()
    });
    (native, ours.unwrap())
}

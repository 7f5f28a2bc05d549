//! `glovebox tool push` and `pull` against an OCI registry on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use glovebox::package::{self, Manifest};
use serde_json::{Value, json};

/// As much of a registry as a client needs: manifests by tag and digest with their media types, and blobs.
#[derive(Default)]
struct Registry {
    manifests: Mutex<BTreeMap<String, (String, Vec<u8>)>>,
    blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    upload: Mutex<Vec<u8>>,
}

impl Registry {
    fn put_manifest(&self, reference: &str, media_type: &str, body: &[u8]) -> String {
        let digest = package::digest(body).to_string();
        let mut manifests = self.manifests.lock().unwrap();
        for name in [reference, &digest] {
            manifests.insert(name.to_owned(), (media_type.to_owned(), body.to_vec()));
        }
        digest
    }

    fn put_blob(&self, body: &[u8]) -> Value {
        let digest = package::digest(body).to_string();
        self.blobs
            .lock()
            .unwrap()
            .insert(digest.clone(), body.to_vec());
        json!({"digest": digest, "size": body.len()})
    }
}

async fn answer(
    State(registry): State<Arc<Registry>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let last = path.rsplit('/').next().unwrap().to_owned();
    if path == "/v2/" {
        return StatusCode::OK.into_response();
    }
    if path.contains("/manifests/") {
        if method == Method::PUT {
            let media_type = headers["content-type"].to_str().unwrap();
            let digest = registry.put_manifest(&last, media_type, &body);
            let headers = [
                ("location", path.to_owned()),
                ("docker-content-digest", digest),
            ];
            return (StatusCode::CREATED, headers).into_response();
        }
        return match registry.manifests.lock().unwrap().get(&last) {
            Some((media_type, body)) => {
                let digest = package::digest(body).to_string();
                let headers = [
                    ("content-type", media_type.clone()),
                    ("docker-content-digest", digest),
                ];
                (headers, body.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if path.contains("/blobs/uploads/") {
        let mut upload = registry.upload.lock().unwrap();
        upload.extend_from_slice(&body);
        let location = ("location", "/v2/upload/blobs/uploads/1".to_owned());
        return match method {
            Method::PUT => {
                let stored = registry.put_blob(&std::mem::take(&mut *upload));
                let query = uri.query().unwrap().replace("%3A", ":");
                assert!(
                    query.contains(stored["digest"].as_str().unwrap()),
                    "{query}"
                );
                (StatusCode::CREATED, [location]).into_response()
            }
            _ => {
                let range = ("range", format!("0-{}", upload.len().saturating_sub(1)));
                (StatusCode::ACCEPTED, [location, range]).into_response()
            }
        };
    }
    match registry.blobs.lock().unwrap().get(&last) {
        Some(body) => body.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The registry, and `oci://HOST`.
async fn registry() -> (Arc<Registry>, String) {
    let registry = Arc::<Registry>::default();
    let app = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&registry));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("oci://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (registry, host)
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = tokio::task::block_in_place(|| {
        Command::new(env!("CARGO_BIN_EXE_glovebox"))
            .arg("tool")
            .args(arguments)
            .current_dir(folder)
            .env("DOCKER_CONFIG", folder)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    });
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn packed() -> Vec<u8> {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 0))))"#;
    let manifest = json!({"name": "nothing", "description": "Does nothing.", "input_schema": {"type": "object"}});
    let manifest = Manifest::from_json(&manifest.to_string()).unwrap();
    package::pack(&wat::parse_str(module).unwrap(), Some(&manifest)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_goes_to_a_registry_and_comes_back_by_its_digest() {
    let (registry, host) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    let packed = packed();
    fs::write(folder.path().join("nothing.wasm"), &packed).unwrap();
    let tagged = format!("{host}/tools/nothing:1.0");
    let (status, pinned, stderr) = run(folder.path(), &["push", "nothing.wasm", &tagged]);
    assert_eq!(status, 0, "{stderr}");
    let pinned = pinned.trim();
    assert!(
        pinned.starts_with(&format!("{host}/tools/nothing@sha256:")),
        "{pinned}"
    );
    let manifest = registry.manifests.lock().unwrap()["1.0"].1.clone();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(
        manifest["layers"][0]["digest"],
        package::digest(&packed).to_string()
    );
    let again = run(
        folder.path(),
        &["push", "nothing.wasm", &format!("{host}/tools/nothing:1.1")],
    );
    assert_eq!(again.1.trim(), pinned, "the same tool has the same digest");

    for reference in [tagged.as_str(), pinned] {
        let (status, stdout, stderr) = run(folder.path(), &["pull", reference, "-o", "back.wasm"]);
        assert_eq!((status, stdout.trim()), (0, pinned), "{stderr}");
        let back = folder.path().join("back.wasm");
        assert_eq!(fs::read(&back).unwrap(), packed);
        fs::remove_file(back).unwrap();
    }

    // To a server goes only what cannot change meanwhile.
    let push = ["push", &tagged, "--url", "http://127.0.0.1:1", "--key", "k"];
    let (status, _, stderr) = run(folder.path(), &push);
    assert_eq!(status, 1);
    assert!(stderr.contains(&format!("push {pinned}")), "{stderr}");
    let push = ["push", pinned, "--url", "http://127.0.0.1:1", "--key", "k"];
    let (status, _, stderr) = run(folder.path(), &push);
    assert_eq!(status, 1);
    assert!(stderr.contains("cannot reach the server"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_pushed_is_pulled_and_what_is_false_is_refused() {
    let (registry, host) = registry().await;
    let folder = tempfile::tempdir().unwrap();
    let component = wat::parse_str("(component)").unwrap();
    let manifest = |layer: Value, layer_type: &str| {
        // A configuration of another client, with fields of its own.
        let config = registry.put_blob(
            br#"{"created":"2024-09-30T18:23:06Z","author":"x","os":"wasip2","new":[1]}"#,
        );
        let described = |mut blob: Value, media_type: &str| {
            blob["mediaType"] = json!(media_type);
            blob
        };
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": described(config, "application/vnd.wasm.config.v0+json"),
            "layers": [described(layer, layer_type)],
            "annotations": {"org.opencontainers.image.version": "0.1.0"},
        });
        (media_type, manifest.to_string())
    };
    let pull = |reference: &str| {
        run(
            folder.path(),
            &["pull", &format!("{host}/{reference}"), "-o", "out.wasm"],
        )
    };

    let (media_type, body) = manifest(registry.put_blob(&component), "application/wasm");
    let digest = registry.put_manifest("latest", media_type, body.as_bytes());
    let (status, stdout, stderr) = pull("others/thing");
    assert_eq!(
        (status, stdout.trim()),
        (0, format!("{host}/others/thing@{digest}").as_str()),
        "{stderr}"
    );
    assert!(
        stderr.contains("it is not a tool yet: it exports neither"),
        "{stderr}"
    );
    assert_eq!(fs::read(folder.path().join("out.wasm")).unwrap(), component);
    fs::remove_file(folder.path().join("out.wasm")).unwrap();

    // Other bytes under the layer's digest, and another manifest under the pinned one.
    let layer = registry.put_blob(&component);
    let name = layer["digest"].as_str().unwrap().to_owned();
    registry
        .blobs
        .lock()
        .unwrap()
        .insert(name, b"evil".to_vec());
    let (status, _, stderr) = pull("others/thing");
    assert_eq!(status, 1, "{stderr}");
    registry.put_blob(&component);
    let evil = (
        media_type.to_owned(),
        body.replace("0.1.0", "6.6.6").into_bytes(),
    );
    registry
        .manifests
        .lock()
        .unwrap()
        .insert(digest.clone(), evil);
    let (status, _, stderr) = pull(&format!("others/thing@{digest}"));
    assert_eq!(status, 1, "{stderr}");

    let (media_type, body) = manifest(
        registry.put_blob(b"x"),
        "application/vnd.oci.image.layer.v1.tar+gzip",
    );
    registry.put_manifest("image", media_type, body.as_bytes());
    let (status, _, stderr) = pull("others/thing:image");
    assert_eq!(status, 1);
    assert!(stderr.contains("none of them application/wasm"), "{stderr}");
    let (status, _, _) = pull("others/thing:none");
    assert_eq!(status, 1);
    assert!(
        !folder.path().join("out.wasm").exists(),
        "nothing of it is left behind"
    );
}

//! Tools in OCI registries, as other WebAssembly tools keep components there: one layer `application/wasm`.
//!
//! What is pulled is checked against its digests; a reference that ends in `@sha256:…` always means the same bytes.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use serde_json::{Value, json};

use super::remark;
use crate::package;

const SCHEME: &str = "oci://";
/// The layer that is the component, as the CNCF's guide to WebAssembly artefacts has it.
const LAYER: &str = "application/wasm";
/// What older publishers call the same.
const OLDER_LAYERS: [&str; 2] = [
    "application/vnd.wasm.content.layer.v1+wasm",
    "application/vnd.module.wasm.content.layer.v1+wasm",
];
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// A component of this size is no tool.
const COMPONENT_BYTES_MAX: usize = 512 << 20;

/// Whether a text means something in a registry.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with(SCHEME)
}

/// A place in a registry.
pub(super) struct Place(Reference);

/// What was pulled.
pub(super) struct Pulled {
    pub(super) wasm: Vec<u8>,
    /// The reference that always means these bytes.
    pub(super) pinned: String,
}

impl Place {
    pub(super) fn parse(text: &str) -> anyhow::Result<Place> {
        let form = || format!("{text:?} is not {SCHEME}HOST/REPOSITORY[:TAG][@sha256:…]");
        let rest = text.strip_prefix(SCHEME).with_context(form)?;
        let (host, repository) = rest.split_once('/').with_context(form)?;
        // Elsewhere `a/b` means a well-known registry; here a host has to be named.
        let names_a_host = host.contains(['.', ':']) || host == "localhost";
        ensure!(names_a_host && !repository.is_empty(), form());
        Ok(Place(rest.parse().with_context(form)?))
    }

    /// Whether it always means the same bytes.
    pub(super) fn is_pinned(&self) -> bool {
        self.0.digest().is_some()
    }

    /// The last part of the repository.
    pub(super) fn name(&self) -> &str {
        let repository = self.0.repository();
        repository.rsplit('/').next().unwrap_or(repository)
    }

    fn pinned(&self, digest: &str) -> String {
        format!(
            "{SCHEME}{}/{}@{digest}",
            self.0.registry(),
            self.0.repository()
        )
    }

    fn client(&self) -> Client {
        // Fails only where somebody installed one before.
        drop(rustls::crypto::ring::default_provider().install_default());
        Client::new(ClientConfig {
            protocol: if is_loopback(self.0.registry()) {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            // A tool is the same on every platform.
            platform_resolver: None,
            ..ClientConfig::default()
        })
    }

    /// What the user's environment says, or else what `docker login` and its like left.
    fn auth(&self) -> anyhow::Result<RegistryAuth> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(user), Some(password)) = (
            variable("GLOVEBOX_REGISTRY_USER"),
            variable("GLOVEBOX_REGISTRY_PASSWORD"),
        ) {
            return Ok(RegistryAuth::Basic(user, password));
        }
        let folder = variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| {
            let home = variable("HOME")?;
            Some(PathBuf::from(home).join(".docker"))
        });
        let Some(file) = folder.map(|folder| folder.join("config.json")) else {
            return Ok(RegistryAuth::Anonymous);
        };
        let Ok(text) = std::fs::read(&file) else {
            return Ok(RegistryAuth::Anonymous);
        };
        let config: Value = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no JSON", file.display()))?;
        Ok(login(&config, self.0.registry()).unwrap_or(RegistryAuth::Anonymous))
    }
}

/// Plain HTTP is for registries on this machine only.
fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn login(config: &Value, registry: &str) -> Option<RegistryAuth> {
    let encoded = config["auths"][registry]["auth"].as_str()?;
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(RegistryAuth::Basic(user.to_owned(), password.to_owned()))
}

/// Pushes a packed tool and says by which reference it stays the same. The same tool gives the same digest.
pub(super) async fn push(place: &Place, wasm: Vec<u8>) -> anyhow::Result<String> {
    ensure!(
        !place.is_pinned(),
        "a push goes to a tag: the digest is what comes of it"
    );
    let config = config(&wasm)?;
    let config = Config::new(config.to_string(), CONFIG.to_owned(), None);
    let layer = ImageLayer::new(Bytes::from(wasm), LAYER.to_owned(), None);
    let layers = [layer];
    let manifest = OciImageManifest::build(&layers, &config, None);
    let (client, auth) = (place.client(), place.auth()?);
    let size = layers[0].data.len().div_ceil(1024);
    remark(&format!("pushing {size} KiB to {} ...", place.0));
    let registry = || format!("the registry {} does not take it", place.0.registry());
    client
        .push(&place.0, &layers, config, &auth, Some(manifest))
        .await
        .with_context(registry)?;
    let digest = client
        .fetch_manifest_digest(&place.0, &auth)
        .await
        .with_context(registry)?;
    Ok(place.pinned(&digest))
}

/// What the artefact says of the component. Without the time of its making, so that a tool has one digest.
fn config(wasm: &[u8]) -> anyhow::Result<Value> {
    let contents = package::Contents::read(wasm)?;
    Ok(json!({
        "created": "1970-01-01T00:00:00Z",
        "author": null,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [package::digest(wasm)],
        "component": {"exports": contents.exports, "imports": contents.imports, "target": null},
    }))
}

/// Pulls a component that anybody pushed, and checks every digest on the way.
pub(super) async fn pull(place: &Place) -> anyhow::Result<Pulled> {
    let (client, auth) = (place.client(), place.auth()?);
    let (manifest, digest) = client
        .pull_image_manifest(&place.0, &auth)
        .await
        .with_context(|| format!("cannot pull {}", place.0))?;
    if let Some(pinned) = place.0.digest() {
        ensure!(
            pinned == digest,
            "the registry sent {digest} for {}",
            place.0
        );
    }
    let layer = component_layer(&manifest)
        .with_context(|| format!("{} is no WebAssembly component", place.0))?;
    let expected: package::Digest = layer
        .digest
        .parse()
        .with_context(|| format!("{} names a layer strangely", place.0))?;
    let mut stream = client
        .pull_blob_stream(&place.0, layer)
        .await
        .with_context(|| format!("cannot pull the component of {}", place.0))?
        .stream;
    let mut wasm = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.with_context(|| format!("the component of {} broke off", place.0))?;
        ensure!(
            wasm.len() + chunk.len() <= COMPONENT_BYTES_MAX,
            "{} is larger than {} MiB",
            place.0,
            COMPONENT_BYTES_MAX >> 20
        );
        wasm.extend_from_slice(&chunk);
    }
    let found = package::digest(&wasm);
    ensure!(
        found == expected,
        "the registry sent {found} in place of {expected}"
    );
    let pinned = place.pinned(&digest);
    Ok(Pulled { wasm, pinned })
}

fn component_layer(manifest: &OciImageManifest) -> anyhow::Result<&OciDescriptor> {
    let is_wasm = |layer: &&OciDescriptor| {
        layer.media_type == LAYER || OLDER_LAYERS.contains(&layer.media_type.as_str())
    };
    let layers: Vec<&OciDescriptor> = manifest.layers.iter().filter(is_wasm).collect();
    match layers[..] {
        [layer] => Ok(layer),
        [] => {
            let types: Vec<&str> = manifest
                .layers
                .iter()
                .map(|layer| layer.media_type.as_str())
                .collect();
            bail!("its layers are {}, none of them {LAYER}", types.join(", "))
        }
        _ => bail!(
            "it has {} layers of WebAssembly, and one is expected",
            layers.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_host() {
        let place = Place::parse("oci://registry.example/tools/word-count:1.0").unwrap();
        assert_eq!((place.name(), place.is_pinned()), ("word-count", false));
        let digest = package::digest(b"").to_string();
        let pinned = place.pinned(&digest);
        assert_eq!(
            pinned,
            format!("oci://registry.example/tools/word-count@{digest}")
        );
        assert!(Place::parse(&pinned).unwrap().is_pinned());
        for wrong in [
            "registry.example/a",
            "oci://a/b",
            "oci://registry.example",
            "oci://h.org/",
            "oci://h.org/A B",
        ] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (registry, loopback) in [
            ("127.0.0.1:5000", true),
            ("localhost:5000", true),
            ("[::1]:5000", true),
            ("localhost.example:80", false),
            ("127.0.0.1.example", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_loopback(registry), loopback, "{registry}");
        }
    }

    #[test]
    fn a_login_is_for_its_registry() {
        let config = json!({"auths": {"a.example": {"auth": "dXNlcjpwYXNz"}, "b.example": {}}});
        let basic = RegistryAuth::Basic("user".to_owned(), "pass".to_owned());
        assert_eq!(login(&config, "a.example"), Some(basic));
        assert_eq!(login(&config, "b.example"), None);
        assert_eq!(login(&config, "c.example"), None);
    }
}

//! Host names in configurations: what a network policy or a web tool may be limited to.

use super::input::Invalid;

const HOST_CHARACTERS_MAX: usize = 253;
const LABEL_CHARACTERS_MAX: usize = 63;

/// Whether this is a host name: labels of letters, digits, hyphens and underscores, with dots between.
pub fn is_hostname(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= HOST_CHARACTERS_MAX
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= LABEL_CHARACTERS_MAX
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// An entry of `allowed_hosts`: a bare host name, or `*.` and one for all its subdomains.
pub fn check_host_pattern(path: &str, text: &str) -> Result<(), Invalid> {
    let host = text.strip_prefix("*.").unwrap_or(text);
    if is_hostname(host) {
        return Ok(());
    }
    Err(Invalid::new(
        path,
        format!(
            "'{text}' must be a host name such as 'example.com' or '*.example.com', without scheme, port or path"
        ),
    ))
}

/// Whether a web tool's domain entry may carry a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathSuffix {
    Allowed,
    Refused,
}

/// An entry of a web tool's `allowed_domains` or `blocked_domains`: a public domain, which covers its subdomains.
pub fn check_public_domain(path: &str, text: &str, suffix: PathSuffix) -> Result<(), Invalid> {
    let refuse = |problem: &str| Err(Invalid::new(path, format!("'{text}' {problem}")));
    let host = match (suffix, text.split_once('/')) {
        (PathSuffix::Allowed, Some((host, _))) => host,
        _ => text,
    };
    if text.len() > 255 || !is_hostname(host) || host.contains('_') {
        return refuse(
            "must be a plain host name such as 'docs.example.com', without scheme, port or wildcard",
        );
    }
    let host = host.to_ascii_lowercase();
    let last = host.rsplit('.').next().unwrap_or_default();
    if host == "localhost" || ["local", "internal", "localhost"].contains(&last) {
        return refuse("is not a public domain");
    }
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse("is an IP address, only domains are allowed");
    }
    if !host.contains('.') {
        return refuse("is a top-level domain, only registrable domains are allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_patterns() {
        for good in [
            "example.com",
            "*.example.com",
            "localhost",
            "127.0.0.1",
            "xn--bcher-kva.example",
            "a_b.example",
        ] {
            assert_eq!(check_host_pattern("f", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "a.*.com",
            "https://example.com",
            "example.com:443",
            "example.com/x",
            "a..b",
            "-a.com",
            "b\u{fc}cher.de",
            " a.com",
        ] {
            assert!(check_host_pattern("f", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn public_domains() {
        for good in ["example.com", "docs.example.com", "EXAMPLE.com"] {
            assert_eq!(
                check_public_domain("f", good, PathSuffix::Refused),
                Ok(()),
                "{good}"
            );
        }
        for bad in [
            "com",
            "localhost",
            "db.internal",
            "printer.local",
            "10.0.0.1",
            "*.example.com",
            "http://example.com",
            "example.com:80",
            "example.com/docs",
        ] {
            assert!(
                check_public_domain("f", bad, PathSuffix::Refused).is_err(),
                "{bad}"
            );
        }
        assert_eq!(
            check_public_domain("f", "example.com/docs", PathSuffix::Allowed),
            Ok(())
        );
    }
}

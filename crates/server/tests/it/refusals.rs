//! Refusals before the body has come are read by who sends it: with a real curl, over TLS.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::node::{ONE, Served, Way};

/// The status that curl understood, and what it says went wrong.
async fn curl(served: &Served, version: &str, token: &str, path: &str, body: &[u8]) -> (String, String) {
    let url = served.url(path);
    let mut child = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--insecure",
            version,
            "--data-binary",
            "@-",
        ])
        .args(["--header", "content-type: application/json"])
        .args([
            "--header",
            "expect:",
            "--header",
            &format!("authorization: Bearer {token}"),
        ])
        .args([
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_version} %{http_code}",
            &url,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).await.unwrap();
    let ran = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(ran.stdout), text(ran.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_read_while_the_body_is_sent() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let token = served.token(ONE, "partner", &["taxii:read"]).await;
    let body = vec![b' '; 8 << 20];
    let objects = "/taxii2/api/collections/none/objects/";
    for _ in 0..5 {
        for (version, told) in [("--http2", "2"), ("--http1.1", "1.1")] {
            for (token, path, status) in [
                ("wrong", objects, "401"),
                (&*token, objects, "403"),
                (&*token, "/nowhere", "404"),
                (&*token, "/api/session", "413"),
            ] {
                let found = curl(&served, version, token, path, &body).await;
                assert_eq!(
                    found,
                    (format!("{told} {status}"), String::new()),
                    "{version} {path}"
                );
            }
        }
    }
}

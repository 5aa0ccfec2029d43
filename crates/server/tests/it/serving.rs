//! Listening: what is refused, what is made, what is read anew, and how it ends.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use perisai_server::auth::Networks;
use perisai_server::serve::{Bounds, Listen, Server, Tcp, Tls};
use perisai_store::Fingerprint;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::node::{ONE, Served, Way, told};

fn listen(address: &str, tls: Tls, insecure: bool) -> Listen {
    let tcp = Tcp {
        address: address.parse().unwrap(),
        tls,
        insecure,
        proxies: Networks::default(),
    };
    Listen {
        tcp: Some(tcp),
        admin_socket: None,
        bounds: Bounds::default(),
    }
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    let folder = TempDir::new().unwrap();
    let made = || Tls::SelfSigned {
        folder: folder.path().to_owned(),
        names: vec!["localhost".to_owned()],
    };
    for (address, tls, insecure, expected) in [
        ("127.0.0.1:0", Tls::Off, false, true),
        ("[::ffff:127.0.0.1]:0", Tls::Off, false, true),
        ("0.0.0.0:0", Tls::Off, false, false),
        ("0.0.0.0:0", Tls::Off, true, true),
        ("0.0.0.0:0", made(), false, true),
    ] {
        let bound = Server::bind(listen(address, tls, insecure)).await;
        assert_eq!(bound.is_ok(), expected, "{address} {insecure}");
        if let Err(error) = bound {
            let told = "plain HTTP on 0.0.0.0:0 could be read by others: give a certificate, use 127.0.0.1, \
                        or ask for it (`insecure`)";
            assert_eq!(error.to_string(), told);
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_told() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let pair = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (one, other) = (pair(), pair());
    std::fs::write(path("crt"), one.cert.pem()).unwrap();
    std::fs::write(path("key"), one.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("other"), other.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("empty"), "").unwrap();
    for (certificate, key, expected) in [
        ("crt", "key", None),
        ("crt", "other", Some("the key and the certificate cannot be used")),
        ("empty", "key", Some("empty holds no certificate in PEM")),
        ("crt", "empty", Some("empty holds no private key in PEM")),
        ("crt", "absent", Some("cannot use ")),
    ] {
        let tls = Tls::Files {
            certificate: path(certificate),
            key: path(key),
        };
        let error = Server::bind(listen("127.0.0.1:0", tls, false)).await.err();
        let error = error.map(|error| error.to_string());
        let fits = match (expected, &error) {
            (None, None) => true,
            (Some(expected), Some(error)) => error.contains(expected),
            _ => false,
        };
        assert!(fits, "{certificate} {key}: {error:?}");
    }
}

#[tokio::test]
async fn a_certificate_is_made_once_and_read_anew() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let (crt, key) = (served.data().join("tls.crt"), served.data().join("tls.key"));
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let (client, old) = (served.client(), served.client());
    let is_ok = async |client: &reqwest::Client| client.get(served.url("/who")).send().await.is_ok();
    assert!(is_ok(&client).await);
    let tls = Tls::SelfSigned {
        folder: served.data(),
        names: vec!["localhost".to_owned()],
    };
    let again = Server::bind(listen("127.0.0.1:0", tls, false)).await.unwrap();
    assert_eq!(again.fingerprint(), served.fingerprint, "it is made once");
    // One that cannot be used changes nothing.
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&crt, made.cert.pem()).unwrap();
    assert!(served.reload.now().is_err());
    assert!(is_ok(&client).await);
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    served.reload.now().unwrap();
    assert!(is_ok(&served.client()).await, "a client that knows the new one");
    assert!(!is_ok(&old).await, "a client that knows the old one alone");
    let shown = again.reload();
    shown.now().unwrap();
    assert_eq!(again.fingerprint(), Some(Fingerprint::of(made.cert.der())));
}

#[tokio::test]
async fn files_that_change_are_read_without_being_asked() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(served.data().join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(served.data().join("tls.crt"), made.cert.pem()).unwrap();
    let start = Instant::now();
    while served.client().get(served.url("/who")).send().await.is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the new certificate is not served"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn http_2_is_spoken_over_tls() {
    let served = Served::with_people(Way {
        tls: true,
        ..Way::default()
    })
    .await;
    let token = served.token(ONE, "partner", &[]).await;
    let answer = served
        .client()
        .get(served.url("/who"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(told(answer).await, (200, Some(ONE)));
}

/// What the socket answers to a request with some headers.
async fn by_socket(served: &Served, headers: &str) -> String {
    let mut stream = UnixStream::connect(served.data().join("admin.sock"))
        .await
        .unwrap();
    let request = format!("GET /api/session HTTP/1.1\r\nhost: node\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn who_has_the_data_folder_runs_the_node() {
    let mut served = Served::with_people(Way::default()).await;
    let path = served.data().join("admin.sock");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let answer = by_socket(&served, "").await;
    assert!(
        answer.contains("\"role\":\"admin\"") && answer.contains(&served.store.own().0.to_string()),
        "{answer}"
    );
    let other = served.token(ONE, "partner", &[]).await;
    let answer = by_socket(&served, &format!("authorization: Bearer {other}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let narrow = served.token(served.store.own(), "viewer", &[]).await;
    let answer = by_socket(&served, &format!("authorization: Bearer {narrow}\r\n")).await;
    assert!(answer.contains("\"role\":\"viewer\""), "{answer}");
    served.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn nobody_can_say_that_they_are_the_socket() {
    let served = Served::with_people(Way::default()).await;
    for header in [
        "peer",
        "x-peer",
        "x-admin",
        "x-real-ip",
        "forwarded",
        "x-client-cert",
    ] {
        let request = served
            .client()
            .get(served.url("/api/session"))
            .header(header, "127.0.0.1");
        let body = request.send().await.unwrap().text().await.unwrap();
        assert!(body.contains("\"role\":null"), "{header} {body}");
    }
}

#[tokio::test]
async fn requests_under_way_end_before_the_node_does() {
    let bounds = Bounds {
        stop: Duration::from_secs(3),
        ..Bounds::default()
    };
    let mut served = Served::with_people(Way {
        bounds,
        ..Way::default()
    })
    .await;
    let mut open = TcpStream::connect(served.address).await.unwrap();
    let head = "POST /api/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 2\r\n\r\n{";
    open.write_all(head.as_bytes()).await.unwrap();
    let address = served.address;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    let ends = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(TcpStream::connect(address).await.is_err(), "nobody new is let in");
        open.write_all(b"}").await.unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).await.unwrap();
        answer
    });
    served.stop().await;
    assert!(start.elapsed() < Duration::from_secs(3));
    assert!(ends.await.unwrap().starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn who_does_not_end_is_cut_off() {
    let bounds = Bounds {
        stop: Duration::from_secs(1),
        ..Bounds::default()
    };
    let mut served = Served::with_people(Way {
        bounds,
        ..Way::default()
    })
    .await;
    let mut open = TcpStream::connect(served.address).await.unwrap();
    let head = "POST /api/session HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 2\r\n\r\n{";
    open.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    served.stop().await;
    assert!(
        (1..4).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}

//! Who is believed to be the server, and who is let in.

use std::sync::Arc;

use perisai_exchange::taxii::{Client, CollectionUrl};
use perisai_exchange::{Auth, Error, Fingerprint, Settings};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, answer, impatient, json};

/// An authority with a certificate of a server and one of a client.
struct Keys {
    authority: CertifiedIssuer<'static, KeyPair>,
    server: (rcgen::Certificate, KeyPair),
    client: (rcgen::Certificate, KeyPair),
}

impl Keys {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &authority).unwrap(), key)
        };
        let (server, client) = (issue("localhost"), issue("node.example"));
        Self {
            authority,
            server,
            client,
        }
    }

    fn acceptor(&self, asks_for_client: bool) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(self.server.1.serialize_der()).unwrap();
        let config = builder
            .with_single_cert(vec![self.server.0.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn identity(&self) -> Vec<u8> {
        format!("{}{}", self.client.0.pem(), self.client.1.serialize_pem()).into_bytes()
    }

    fn pin(&self) -> Fingerprint {
        Fingerprint::of(self.server.0.der())
    }
}

async fn ask(server: &Server, settings: &Settings) -> Result<String, Error> {
    let at = CollectionUrl::new(&server.url, "c").unwrap();
    Ok(Client::new(&server.url, settings)?.collection(&at).await?.id)
}

/// Whether a client with these settings gets an answer; else the error has this text.
async fn check(server: &Server, settings: &Settings, expected: Result<(), &str>) {
    match (ask(server, settings).await, expected) {
        (Ok(id), Ok(())) => assert_eq!(id, "c"),
        (Err(error), Err(text)) => {
            assert!(matches!(error, Error::Tls { .. }), "{error:?}");
            assert!(
                error.to_string().contains(text) && !error.is_temporary(),
                "{error}"
            );
        }
        (found, _) => panic!("{found:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn servers() {
    let (keys, others) = (Keys::new(), Keys::new());
    let server = Server::start_tls(keys.acceptor(false), |_, _| json(&json!({"id": "c"}))).await;
    let with = |pins: &[Fingerprint], ca: Option<String>| Settings {
        pins: pins.to_vec(),
        ca_pem: ca.map(String::into_bytes),
        ..impatient()
    };
    check(&server, &with(&[], Some(keys.authority.pem())), Ok(())).await;
    check(&server, &with(&[], None), Err("no authority that is known here")).await;
    check(
        &server,
        &with(&[], Some(others.authority.pem())),
        Err("no trusted connection"),
    )
    .await;
    check(&server, &with(&[keys.pin()], None), Ok(())).await;
    check(&server, &with(&[others.pin(), keys.pin()], None), Ok(())).await;
    let told = format!(
        "has the fingerprint {}, which is none of the 1 pinned",
        keys.pin()
    );
    check(&server, &with(&[others.pin()], None), Err(&told)).await;
    // A pin that is missed is not made good by an authority.
    check(
        &server,
        &with(&[others.pin()], Some(keys.authority.pem())),
        Err(&told),
    )
    .await;
    let error = Client::new(&server.url, &with(&[], Some("no PEM".to_owned()))).unwrap_err();
    assert!(matches!(error, Error::Setup { .. }), "{error}");
}

#[tokio::test]
async fn clients() {
    let keys = Keys::new();
    let server = Server::start_tls(keys.acceptor(true), |_, _| json(&json!({"id": "c"}))).await;
    let with = |identity: Option<Vec<u8>>| Settings {
        pins: vec![keys.pin()],
        identity_pem: identity,
        ..impatient()
    };
    check(&server, &with(Some(keys.identity())), Ok(())).await;
    check(&server, &with(None), Err("CertificateRequired")).await;
    // It is shown to no other server, not even where that asks for it.
    let target = server.url.join("/elsewhere").unwrap();
    let first = Server::start_tls(keys.acceptor(true), move |_, _| {
        answer(302, &[("Location", target.as_str())], b"")
    })
    .await;
    check(&first, &with(Some(keys.identity())), Err("CertificateRequired")).await;
}

#[tokio::test]
async fn no_way_leads_out_of_tls() {
    let keys = Keys::new();
    let plain = Server::start(|_, _| json(&json!({"id": "c"}))).await;
    let target = plain.url.clone();
    let server = Server::start_tls(keys.acceptor(false), move |_, _| {
        answer(302, &[("Location", target.as_str())], b"")
    })
    .await;
    let settings = Settings {
        pins: vec![keys.pin()],
        auth: Auth::Bearer("secret".to_owned()),
        ..impatient()
    };
    let error = ask(&server, &settings).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("redirect refused: it leads from https to http"),
        "{error}"
    );
    assert!(plain.asked().is_empty());
}

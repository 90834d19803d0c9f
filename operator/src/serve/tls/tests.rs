use std::time::SystemTime;

use rustls::{ClientConfig, ProtocolVersion, SupportedProtocolVersion, pki_types::ServerName, version::TLS12};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsConnector;

use super::*;
use crate::identity::{Authority, Lifetimes, Role, Settings};

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn settings(fleet: &str) -> Settings {
    Settings {
        namespace: "system".to_owned(),
        fleet: fleet.to_owned(),
        names: vec!["localhost".to_owned()],
        certificates: true,
        lifetimes: Lifetimes::default(),
    }
}

fn authority() -> Authority {
    Authority::make("default", now(), Duration::from_hours(24)).unwrap().1
}

/// A certificate of `authority`, beside the authorities to trust.
fn material(authority: &Authority, role: Role, fleet: &str, ends: i64, trusts: &[&Authority]) -> Material {
    let pair = authority.issue(role, &settings(fleet), now() - 3600, now() + ends).unwrap();
    let authorities: String = trusts.iter().map(|one| one.certificate.as_str()).collect();
    let (certificate, key) = (pair.certificate.into_bytes(), pair.key.into_bytes());
    Material { authorities: authorities.into_bytes(), certificate, key }
}

fn door(material: Material) -> Door {
    let mut door = Door::new("default", watch::Sender::new(Some(material)).subscribe());
    door.refresh();
    door
}

/// A client with this certificate, if any; it trusts `authority`.
fn client(
    authority: &Authority,
    own: Option<&Material>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let Some(own) = own else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_slice_iter(&own.certificate).collect::<Result<Vec<_>, _>>().unwrap();
    builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&own.key).unwrap()).unwrap()
}

/// What the door says to a client, which is greeted once it is let in; and all that the client received.
async fn knock(door: &Door, config: ClientConfig) -> (Result<Option<ProtocolVersion>, Refused>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inside = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = door.admit(socket).await?;
        stream.write_all(b"welcome").await.unwrap();
        stream.shutdown().await.unwrap();
        Ok(stream.get_ref().1.protocol_version())
    };
    let outside = async {
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut received = Vec::new();
        if let Ok(mut stream) = TlsConnector::from(Arc::new(config)).connect(name, socket).await {
            let _ = stream.read_to_end(&mut received).await;
        }
        received
    };
    tokio::join!(inside, outside)
}

#[tokio::test]
async fn a_gateway_of_the_fleet_is_let_in_over_tls_1_3() {
    let ours = authority();
    let door = door(material(&ours, Role::Operator, "default", 60, &[&ours]));
    let own = material(&ours, Role::Gateway, "default", 60, &[]);
    let (admitted, received) = knock(&door, client(&ours, Some(&own), &[&TLS13, &TLS12])).await;
    assert_eq!(admitted.unwrap(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(received, b"welcome");
}

#[tokio::test]
async fn whoever_is_not_gets_nothing() {
    let (ours, theirs) = (authority(), authority());
    let door = door(material(&ours, Role::Operator, "default", 60, &[&ours]));
    let gateway = |authority, fleet, ends| material(authority, Role::Gateway, fleet, ends, &[]);
    let refused = [
        ("no certificate", None),
        ("another authority's", Some(gateway(&theirs, "default", 60))),
        ("another fleet's", Some(gateway(&ours, "edge", 60))),
        ("expired", Some(gateway(&ours, "default", -60))),
        ("an operator's", Some(material(&ours, Role::Operator, "default", 60, &[]))),
    ];
    for (what, own) in refused {
        let (admitted, received) = knock(&door, client(&ours, own.as_ref(), &[&TLS13])).await;
        assert!(admitted.is_err(), "{what} was let in");
        assert_eq!(received, b"", "{what}");
    }
    let own = gateway(&ours, "default", 60);
    let (admitted, _) = knock(&door, client(&ours, Some(&own), &[&TLS12])).await;
    assert!(admitted.is_err(), "TLS 1.2 was spoken");
}

#[tokio::test]
async fn before_there_is_a_certificate_nobody_is_let_in() {
    let ours = authority();
    let own = material(&ours, Role::Gateway, "default", 60, &[]);
    let door = Door::new("default", watch::Sender::new(None).subscribe());
    let (admitted, _) = knock(&door, client(&ours, Some(&own), &[&TLS13])).await;
    assert!(matches!(admitted, Err(Refused::NoCertificate)));
}

#[tokio::test]
async fn a_new_authority_is_trusted_beside_the_old_one_until_the_files_say_otherwise() {
    let (old, new) = (authority(), authority());
    let sender = watch::Sender::new(Some(material(&old, Role::Operator, "default", 60, &[&old, &new])));
    let mut door = Door::new("default", sender.subscribe());
    door.refresh();
    let (of_old, of_new) =
        (material(&old, Role::Gateway, "default", 60, &[]), material(&new, Role::Gateway, "default", 60, &[]));
    for own in [&of_old, &of_new] {
        assert!(knock(&door, client(&old, Some(own), &[&TLS13])).await.0.is_ok());
    }
    sender.send_replace(Some(material(&new, Role::Operator, "default", 60, &[&new])));
    door.refresh();
    assert!(knock(&door, client(&new, Some(&of_new), &[&TLS13])).await.0.is_ok());
    assert!(knock(&door, client(&new, Some(&of_old), &[&TLS13])).await.0.is_err());
}

#[tokio::test]
async fn files_that_are_no_certificate_leave_the_ones_before() {
    let ours = authority();
    let good = material(&ours, Role::Operator, "default", 60, &[&ours]);
    let sender = watch::Sender::new(Some(good.clone()));
    let mut door = Door::new("default", sender.subscribe());
    door.refresh();
    let other = material(&ours, Role::Operator, "default", 60, &[&ours]);
    for bad in [
        Material { key: b"nonsense".to_vec(), ..good.clone() },
        Material { certificate: other.certificate, ..good.clone() },
        Material { authorities: Vec::new(), ..good.clone() },
    ] {
        sender.send_replace(Some(bad));
        door.refresh();
        let own = material(&ours, Role::Gateway, "default", 60, &[]);
        assert!(knock(&door, client(&ours, Some(&own), &[&TLS13])).await.0.is_ok());
    }
}

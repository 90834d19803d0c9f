//! The fleet's identity as Secrets: their names, how they are read, and what a change makes of them.
//!
//! Moves key material between its makers and Secrets; decides nothing, and formats none of it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Settings,
    authority::Authority,
    material::{AUTHORITIES_FILE, CERTIFICATE_FILE, KEY_FILE, Material},
    plan::{Change, Issued, Kept},
    role::Role,
    rotation::{self, Generation, State},
    sealing::SealingKey,
};

/// What a certificate was made of, on its Secret.
const ISSUED: &str = "portolan.dev/issued";

/// The file of the sealing keys, which gateways mount.
const KEYS_FILE: &str = "keys.json";

/// The file of the authorities, which nobody mounts.
const AUTHORITY_FILE: &str = "authorities.json";

/// Bytes of a sealing key.
const KEY_BYTES: usize = 32;

/// One Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The authorities, private keys included.
    Authorities,
    /// The ring of sealing keys.
    Keys,
    /// A certificate with its private key, and the authorities to trust.
    Certificate(Role),
}

impl Part {
    /// The Secrets of these settings.
    pub fn all(settings: &Settings) -> &'static [Self] {
        const ALL: [Part; 4] =
            [Part::Keys, Part::Authorities, Part::Certificate(Role::Operator), Part::Certificate(Role::Gateway)];
        if settings.certificates { &ALL } else { &ALL[..1] }
    }

    /// The Secret's name.
    pub fn name(self, fleet: &str) -> String {
        let word = match self {
            Self::Authorities => "authority",
            Self::Keys => "keys",
            Self::Certificate(role) => role.word(),
        };
        format!("portolan-{fleet}-{word}")
    }
}

/// The file of a fleet's sealing keys. Gateways read ids, keys and states of it.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    keys: Vec<Generation<SealingKey>>,
}

#[derive(Serialize, Deserialize)]
struct AuthorityFile {
    authorities: Vec<Generation<Authority>>,
}

/// What was issued, and a hash over the files, so that files which somebody else has put there are told from ours.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    issued: Issued,
    files: String,
}

/// Why the identity cannot be kept. Shows nothing of a Secret's data.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Somebody else has written it, or it was damaged.
    #[error("Secret {0} is not as an operator writes it: repair it, or delete it to have a new one made")]
    Unreadable(String),
    /// No key or certificate can be made.
    #[error("no certificate can be made: {0}")]
    NotMade(#[from] rcgen::Error),
    /// No key can be made.
    #[error("no randomness")]
    NoRandomness,
}

/// The Secrets that there are.
pub type Secrets = BTreeMap<Part, Secret>;

/// Reads all of them.
pub fn read(secrets: &Secrets, settings: &Settings) -> Result<Kept, Unusable> {
    let unreadable = |part: Part| move || Unusable::Unreadable(part.name(&settings.fleet));
    let authorities = ring(secrets, Part::Authorities, AUTHORITY_FILE, |file: AuthorityFile| file.authorities);
    let keys = ring(secrets, Part::Keys, KEYS_FILE, |file: KeyFile| file.keys);
    let issued = |role| secrets.get(&Part::Certificate(role)).and_then(issued);
    Ok(Kept {
        authorities: authorities.ok_or_else(unreadable(Part::Authorities))?,
        keys: keys.ok_or_else(unreadable(Part::Keys))?,
        operator: issued(Role::Operator),
        gateway: issued(Role::Gateway),
    })
}

/// The ring in a Secret; empty where there is no Secret, `None` where it holds something else.
fn ring<F: DeserializeOwned, M>(
    secrets: &Secrets,
    part: Part,
    name: &str,
    ring: impl Fn(F) -> Vec<Generation<M>>,
) -> Option<Vec<Generation<M>>> {
    let Some(secret) = secrets.get(&part) else { return Some(Vec::new()) };
    let ring = ring(serde_json::from_slice(data(secret, name)?).ok()?);
    let count = |state| ring.iter().filter(|one| one.state == state).count();
    (count(State::Current) == 1 && count(State::Next) <= 1).then_some(ring)
}

/// What a certificate was made of; `None` where its files are not the ones that were made then.
fn issued(secret: &Secret) -> Option<Issued> {
    let note: Note = serde_json::from_str(secret.metadata.annotations.as_ref()?.get(ISSUED)?).ok()?;
    (note.files == material(secret)?.version()).then_some(note.issued)
}

/// The files of a certificate's Secret.
pub fn material(secret: &Secret) -> Option<Material> {
    let file = |name| data(secret, name).map(<[u8]>::to_vec);
    Some(Material { authorities: file(AUTHORITIES_FILE)?, certificate: file(CERTIFICATE_FILE)?, key: file(KEY_FILE)? })
}

fn data<'a>(secret: &'a Secret, name: &str) -> Option<&'a [u8]> {
    secret.data.as_ref()?.get(name).map(|bytes| bytes.0.as_slice())
}

/// The Secret that a change makes, to be created or replaced: it carries the version that it was made of.
pub fn changed(
    secrets: &Secrets,
    mut kept: Kept,
    change: &Change,
    settings: &Settings,
    now: i64,
) -> Result<(Part, Secret), Unusable> {
    match change {
        Change::Authorities(step) => {
            let lifetime = settings.lifetimes.authority;
            rotation::take(&mut kept.authorities, step, now, || Authority::make(&settings.fleet, now, lifetime))?;
            let file = json(&AuthorityFile { authorities: kept.authorities });
            Ok((Part::Authorities, secret(secrets, Part::Authorities, settings, [(AUTHORITY_FILE, file)])))
        }
        Change::Keys(step) => {
            rotation::take(&mut kept.keys, step, now, new_key)?;
            let file = json(&KeyFile { keys: kept.keys });
            Ok((Part::Keys, secret(secrets, Part::Keys, settings, [(KEYS_FILE, file)])))
        }
        Change::Issue(role, issued) => issue(secrets, &kept, *role, issued, settings),
    }
}

fn issue(
    secrets: &Secrets,
    kept: &Kept,
    role: Role,
    issued: &Issued,
    settings: &Settings,
) -> Result<(Part, Secret), Unusable> {
    let authority = kept.authorities.iter().find(|one| one.id == issued.authority);
    let authority = authority.ok_or_else(|| Unusable::Unreadable(Part::Authorities.name(&settings.fleet)))?;
    let pair = authority.material.issue(role, settings, issued.made, issued.expires)?;
    let authorities: String = kept.authorities.iter().map(|one| one.material.certificate.as_str()).collect();
    let material = Material {
        authorities: authorities.into_bytes(),
        certificate: pair.certificate.into_bytes(),
        key: pair.key.into_bytes(),
    };
    let note = Note { issued: issued.clone(), files: material.version() };
    let part = Part::Certificate(role);
    let files =
        [(AUTHORITIES_FILE, material.authorities), (CERTIFICATE_FILE, material.certificate), (KEY_FILE, material.key)];
    let mut secret = secret(secrets, part, settings, files);
    secret.type_ = Some("kubernetes.io/tls".to_owned());
    let note = serde_json::to_string(&note).unwrap_or_default();
    secret.metadata.annotations.get_or_insert_default().insert(ISSUED.to_owned(), note);
    Ok((part, secret))
}

/// The Secret of a part with these files and no others.
fn secret<const N: usize>(secrets: &Secrets, part: Part, settings: &Settings, files: [(&str, Vec<u8>); N]) -> Secret {
    let absent = || Secret {
        metadata: ObjectMeta {
            name: Some(part.name(&settings.fleet)),
            namespace: Some(settings.namespace.clone()),
            ..ObjectMeta::default()
        },
        ..Secret::default()
    };
    let mut secret = secrets.get(&part).cloned().unwrap_or_else(absent);
    secret.data = Some(files.into_iter().map(|(name, bytes)| (name.to_owned(), ByteString(bytes))).collect());
    secret.metadata.managed_fields = None;
    secret
}

fn new_key() -> Result<(String, SealingKey), Unusable> {
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    let (mut id, mut key) = ([0; 4], [0; KEY_BYTES]);
    random.fill(&mut id).and_then(|()| random.fill(&mut key)).map_err(|_| Unusable::NoRandomness)?;
    Ok((hex::encode(id), SealingKey { key: STANDARD.encode(key) }))
}

/// Rings always serialise: their maps have text for keys.
fn json(file: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(file).unwrap_or_default()
}

#[cfg(test)]
mod tests;

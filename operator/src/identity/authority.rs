//! Makes authorities, and the certificates that they vouch for. The only place where private keys are made.

use std::time::Duration;

use portolan_config::Version;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use serde::{Deserialize, Serialize};

use super::{FLEET_URI, Settings, role::Role};

/// How far back certificates begin, for clocks that are behind.
const SKEW: i64 = 600;

/// An authority with its private key; both in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Its distinguished name's only part.
    pub name: String,
    /// When it ends, seconds since 1970.
    pub expires: i64,
    /// Its certificate.
    pub certificate: String,
    pub(super) key: String,
}

/// A certificate and its private key; both in PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Authority {
    /// A new authority of a fleet, and its id. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// No key can be made.
    pub fn make(fleet: &str, now: i64, lifetime: Duration) -> Result<(String, Self), rcgen::Error> {
        let expires = now.saturating_add(seconds(lifetime));
        let name = format!("portolan fleet {fleet}");
        let mut parameters = named(&name)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut parameters, now, expires);
        let key = KeyPair::generate()?;
        let certificate = parameters.self_signed(&key)?;
        let id = Version::of(certificate.der()).to_string();
        Ok((id, Self { name, expires, certificate: certificate.pem(), key: key.serialize_pem() }))
    }

    /// A certificate for one end of the stream, good from `now` until `expires`.
    ///
    /// # Errors
    /// No key can be made, or a name cannot stand in a certificate.
    pub fn issue(&self, role: Role, settings: &Settings, now: i64, expires: i64) -> Result<Pair, rcgen::Error> {
        let mut parameters = match role {
            Role::Operator => {
                let mut parameters = CertificateParams::new(settings.names.clone())?;
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                parameters
            }
            Role::Gateway => {
                let mut parameters = CertificateParams::new(Vec::new())?;
                let uri = format!("{FLEET_URI}{}", settings.fleet);
                parameters.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                parameters
            }
        };
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, format!("portolan {}", role.word()));
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        valid(&mut parameters, now, expires);
        let issuer = Issuer::new(named(&self.name)?, KeyPair::from_pem(&self.key)?);
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// What an authority's name, and so the issuer of what it vouches for, is made of.
fn named(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    Ok(parameters)
}

fn valid(parameters: &mut CertificateParams, now: i64, expires: i64) {
    let at = |time: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(time.max(0).unsigned_abs());
    parameters.not_before = at(now - SKEW);
    parameters.not_after = at(expires);
}

/// A duration in whole seconds.
pub fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

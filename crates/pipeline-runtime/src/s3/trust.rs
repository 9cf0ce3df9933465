//! Which certificates are trusted: the system's, `SSL_CERT_FILE` in their place, and as users know it from the AWS CLI
//! also those of `AWS_CA_BUNDLE`, or of `ca_bundle` in the profile.

use std::path::{Path, PathBuf};

use aws_config::profile;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_types::os_shim_internal::{Env, Fs};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::Error;

/// What TLS connections to S3 trust.
///
/// # Errors
///
/// [`Error::CaBundle`] if the file that is named holds no certificates.
pub(super) async fn context() -> Result<TlsContext, Error> {
    let mut trusted = TrustStore::default();
    if let Some((setting, path)) = bundle(&Env::real(), &Fs::real()).await {
        let refuse = |source| Error::CaBundle {
            path: path.clone(),
            setting,
            source,
        };
        trusted = trusted.with_pem_certificate(certificates(&path).map_err(refuse)?);
    }
    // only for an FFI library is there something to fail at
    TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .map_err(|source| Error::CaBundle {
            path: PathBuf::new(),
            setting: "AWS_CA_BUNDLE",
            source: source.into(),
        })
}

/// The file, and what names it.
async fn bundle(env: &Env, files: &Fs) -> Option<(&'static str, PathBuf)> {
    if let Some(path) = env.get("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty()) {
        return Some(("AWS_CA_BUNDLE", path.into()));
    }
    // whoever looks for credentials there complains if it cannot be read
    let profiles = profile::load(files, env, &EnvConfigFiles::default(), None).await;
    let profiles = profiles.ok()?;
    let path = profiles.get("ca_bundle").filter(|path| !path.is_empty())?;
    Some(("`ca_bundle` in the profile", path.into()))
}

/// The file's bytes, if all certificates in it are some: the TLS library ends the program at others.
fn certificates(path: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let pem = std::fs::read(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("there is no `BEGIN CERTIFICATE` in it".into());
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const CONFIG: &str = "[default]\nca_bundle = /default.pem\n[profile quotes]\nca_bundle=/quotes.pem\n";

    async fn bundle_of(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let mut variables = variables.to_vec();
        variables.push(("AWS_CONFIG_FILE", "/config"));
        let files = HashMap::from([("/config".to_owned(), CONFIG.as_bytes().to_vec())]);
        let bundle = bundle(&Env::from_slice(&variables), &Fs::from_map(files)).await;
        bundle.map(|(_, path)| path)
    }

    #[tokio::test]
    async fn the_bundle_is_named_as_for_the_aws_cli() {
        for (variables, path) in [
            (&[][..], "/default.pem"),
            (&[("AWS_PROFILE", "quotes")], "/quotes.pem"),
            (
                &[("AWS_CA_BUNDLE", "/b.pem"), ("AWS_PROFILE", "quotes")],
                "/b.pem",
            ),
        ] {
            assert_eq!(bundle_of(variables).await, Some(path.into()), "{variables:?}");
        }
        assert_eq!(bundle_of(&[("AWS_PROFILE", "none")]).await, None);
    }

    #[test]
    fn a_file_without_certificates_is_refused_before_the_tls_library_ends_the_program() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "no PEM", broken] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            assert!(certificates(file.path()).is_err(), "{text:?} was taken");
        }
        assert!(certificates(Path::new("/nowhere/at/all")).is_err());
    }
}

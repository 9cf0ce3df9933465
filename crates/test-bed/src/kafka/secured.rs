use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Bed, Error, Launch, Process, Result, tools};

const KEYTOOL_TIMEOUT: Duration = Duration::from_mins(1);
const STORE_PASSWORD: &str = "of-the-key-store";

/// What a broker needs to listen for TLS and SASL beside its plain listener, whose clients may do all.
const SETTINGS: &[(&str, &str)] = &[
    ("sasl.enabled.mechanisms", "SCRAM-SHA-512,OAUTHBEARER"),
    (
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config",
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    ),
    (
        "listener.name.sasl_ssl.oauthbearer.sasl.jaas.config",
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";",
    ),
    ("ssl.keystore.type", "PKCS12"),
    ("ssl.keystore.password", STORE_PASSWORD),
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
];

/// A listener with TLS and SASL (SCRAM-SHA-512, OAUTHBEARER), and a certificate made for it.
#[derive(Debug)]
pub(super) struct Secured {
    address: String,
    /// Where the key is, and what trusts it.
    key_store: PathBuf,
    certificate: PathBuf,
    /// The one user who may do all.
    super_user: String,
}

impl Secured {
    pub(super) fn new(folder: &Path, address: String, super_user: &str) -> Self {
        Self {
            address,
            key_store: folder.join("key-store.p12"),
            certificate: folder.join("certificate.pem"),
            super_user: super_user.to_owned(),
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The certificate in PEM, which is its own CA.
    pub(super) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Makes the key and adds the listener to the broker's settings.
    pub(super) async fn prepare(&self, bed: &Bed, properties: &Path) -> Result<()> {
        let host = self.address.split(':').next().unwrap_or_default();
        let make = self
            .keytool("make", "-genkeypair")
            .args(["-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30"])
            .args([
                "-dname",
                &format!("CN={host}"),
                "-ext",
                &format!("san=ip:{host}"),
                "-ext",
                "bc:c",
            ]);
        let export = self
            .keytool("export", "-exportcert")
            .arg("-rfc")
            .arg("-file")
            .arg(&self.certificate);
        for launch in [make, export] {
            Process::start(bed, &launch)?.success(KEYTOOL_TIMEOUT).await?;
        }
        let file = |source| Error::File {
            path: properties.to_owned(),
            source,
        };
        let text = std::fs::read_to_string(properties).map_err(file)?;
        std::fs::write(properties, self.added_to(&text)).map_err(file)
    }

    fn keytool(&self, name: &str, command: &str) -> Launch {
        Launch::new(format!("keytool-{name}"), tools::keytool())
            .args([command, "-alias", "broker", "-storetype", "PKCS12"])
            .args(["-storepass", STORE_PASSWORD, "-keystore"])
            .arg(&self.key_store)
    }

    fn added_to(&self, properties: &str) -> String {
        let mut text = String::new();
        for line in properties.lines() {
            text.push_str(line);
            match line.split('=').next() {
                Some("listeners" | "advertised.listeners") => {
                    text.push_str(",SASL_SSL://");
                    text.push_str(&self.address);
                }
                Some("listener.security.protocol.map") => text.push_str(",SASL_SSL:SASL_SSL"),
                _ => {}
            }
            text.push('\n');
        }
        let user = format!("User:ANONYMOUS;User:{}", self.super_user);
        let key_store = self.key_store.display().to_string();
        let of_this = [
            ("super.users", user.as_str()),
            ("ssl.keystore.location", key_store.as_str()),
        ];
        for (key, value) in SETTINGS.iter().copied().chain(of_this) {
            text.extend([key, "=", value, "\n"]);
        }
        text
    }
}

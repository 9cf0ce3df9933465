use std::ffi::OsString;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// Name of the key's file among systemd's credentials.
const CREDENTIAL: &str = "twelve-data-api-key";

/// Shortest key that is a secret: the vendor's have 32 characters, `demo` is known to all.
const LEAST_SECRET: usize = 8;

/// The variable that holds the key.
const VARIABLE: &str = "TWELVEDATA_API_KEY";

/// The key to Twelve Data. It shows itself nowhere: not in `Debug`, and [`ApiKey::take_out`] takes it out of
/// what others wrote.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    key: SecretString,
    /// Marked sensitive, which hides it too.
    authorization: HeaderValue,
}

impl ApiKey {
    /// Looks for the key among systemd's credentials, then in `file`, then in `TWELVEDATA_API_KEY`.
    /// `variable` reads the environment.
    pub(crate) fn find(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let credential = variable("CREDENTIALS_DIRECTORY")
            .map(|directory| PathBuf::from(directory).join(CREDENTIAL))
            .filter(|path| path.exists());
        if let Some(path) = credential.as_deref().or(file) {
            let text = std::fs::read_to_string(path).map_err(|source| Error::ApiKeyFile {
                path: path.to_owned(),
                source,
            })?;
            return Self::parse(&text, &path.display().to_string());
        }
        match variable(VARIABLE) {
            None => Err(Error::ApiKeyMissing),
            Some(value) if value.is_empty() => Err(Error::ApiKeyMissing),
            Some(value) => Self::parse(&value.to_string_lossy(), VARIABLE),
        }
    }

    fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let key = text.trim();
        let refuse = |reason| Error::ApiKeyInvalid {
            origin: origin.to_owned(),
            reason,
        };
        if key.is_empty() {
            return Err(refuse("it is empty"));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refuse("it holds white space or other than ASCII characters"));
        }
        let mut authorization = HeaderValue::from_str(&format!("apikey {key}"))
            .map_err(|_| refuse("it cannot stand in an HTTP header"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            key: key.into(),
            authorization,
        })
    }

    /// Value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// Tells one key at one vendor from others, and nothing of the key.
    pub(crate) fn check(&self, base_url: &str) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(base_url.as_bytes()), self.authorization.as_bytes())
    }

    /// The body without the key, before anything is cut from it. A key too short to be one is no secret, and might
    /// be part of a price.
    pub(crate) fn take_out(&self, body: Vec<u8>) -> Vec<u8> {
        let key = self.key.expose_secret().as_bytes();
        if key.len() < LEAST_SECRET || memchr::memmem::find(&body, key).is_none() {
            return body;
        }
        let mut clean = Vec::with_capacity(body.len());
        let mut from = 0;
        for at in memchr::memmem::find_iter(&body, key) {
            clean.extend_from_slice(&body[from..at]);
            clean.extend_from_slice(b"[API key]");
            from = at + key.len();
        }
        clean.extend_from_slice(&body[from..]);
        clean
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect();
        move |name| {
            pairs
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        }
    }

    #[test]
    fn the_credential_wins_over_the_file_and_the_file_over_the_variable() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(CREDENTIAL), "credential\n").unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, " file ").unwrap();
        let credentials = directory.path().to_str().unwrap();

        let find = |file: Option<&Path>, pairs: &[(&str, &str)]| {
            ApiKey::find(file, environment(pairs)).map(|found| found.key.expose_secret().to_owned())
        };
        let all = [("CREDENTIALS_DIRECTORY", credentials), (VARIABLE, "variable")];
        assert_eq!(find(Some(file.path()), &all).unwrap(), "credential");
        assert_eq!(find(Some(file.path()), &all[1..]).unwrap(), "file");
        assert_eq!(find(None, &all[1..]).unwrap(), "variable");
        assert_eq!(
            find(None, &[("CREDENTIALS_DIRECTORY", "/nowhere"), all[1]]).unwrap(),
            "variable"
        );
        assert!(matches!(find(None, &[]), Err(Error::ApiKeyMissing)));
        assert!(matches!(find(None, &[(VARIABLE, "")]), Err(Error::ApiKeyMissing)));
    }

    #[test]
    fn a_wrong_key_is_refused_without_being_shown() {
        for key in ["   ", "two words", "line\nbreak", "schlüssel"] {
            let error = ApiKey::find(None, environment(&[(VARIABLE, key)])).unwrap_err();
            assert!(matches!(error, Error::ApiKeyInvalid { .. }), "{key:?}");
            assert!(!error.to_string().contains(key.trim()) || key.trim().is_empty());
        }
        let error = ApiKey::find(Some(Path::new("/nowhere/key")), environment(&[])).unwrap_err();
        assert!(error.to_string().contains("/nowhere/key"));
    }

    #[test]
    fn the_key_shows_itself_nowhere() {
        let key = ApiKey::parse("s3cr3tKEY", "test").unwrap();
        assert!(!format!("{key:?} {:?}", key.authorization()).contains("s3cr3t"));
        let clean = |text: &str| String::from_utf8(key.take_out(text.as_bytes().to_vec())).unwrap();
        assert_eq!(
            clean("bad key s3cr3tKEY, s3cr3tKEY!"),
            "bad key [API key], [API key]!"
        );
        assert_eq!(clean("none"), "none");
        let short = ApiKey::parse("1", "test").unwrap();
        assert_eq!(short.take_out(b"11.1".to_vec()), b"11.1");
    }
}

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Error;

/// A host name or an IP address, without scheme and port. IPv6 stands without brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it reaches only the machine that uses it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.0.to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        name == "localhost"
            || name.starts_with("localhost.")
            || name.ends_with(".localhost")
            || self.ip().is_some_and(|ip| ip.is_loopback())
    }

    /// Whether it stands for each address of a machine, as in `0.0.0.0`: right to listen on, no address to
    /// connect to.
    #[must_use]
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }

    fn ip(&self) -> Option<IpAddr> {
        self.0.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        let is_name = !name.is_empty()
            && name.len() <= 253
            && !name.starts_with(['.', '-'])
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if is_name || name.parse::<IpAddr>().is_ok() {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::Host {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') {
            write!(f, "[{}]", self.0)
        } else {
            f.write_str(&self.0)
        }
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an address, without the brackets of IPv6.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::HostPort {
            text: text.to_owned(),
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(wrong());
        }
        Ok(Self {
            host: host.parse().map_err(|_| wrong())?,
            port: port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn each_spelling_of_this_machine_is_known() {
        for text in [
            "localhost",
            "LOCALHOST.",
            "localhost.localdomain",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ] {
            assert!(host(text).is_loopback(), "{text}");
        }
        for text in ["0.0.0.0", "::", "[::]"] {
            assert!(host(text).is_unspecified(), "{text}");
        }
        for text in ["ip-10-0-1-23.ec2.internal", "10.0.0.1", "localhoster", "fd00::1"] {
            assert!(
                !host(text).is_loopback() && !host(text).is_unspecified(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            " ",
            "a b",
            "a:9092",
            "http://a",
            "PLAINTEXT://a",
            "-a",
            "a/b",
            "a,b",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_address_is_printed_as_it_is_read() {
        for text in ["a:1", "10.0.0.1:9092", "[fd00::1]:9092"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        for text in ["a", "a:", "a:0", "a:70000", ":1", "fd00::1:9092", "a:1:2"] {
            assert!(text.parse::<HostPort>().is_err(), "{text:?} was taken");
        }
    }
}

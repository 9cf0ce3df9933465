use pipeline_runtime::kafka::Property;
use rdkafka::ClientConfig;

use crate::{Error, HostPort};

/// Where the brokers are and with which librdkafka properties to speak to them.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Addresses to ask first, at least one.
    pub bootstrap: Vec<HostPort>,
    /// The user's librdkafka properties (TLS, SASL).
    pub properties: Vec<Property>,
}

impl Connection {
    /// The addresses as librdkafka and people write them.
    #[must_use]
    pub fn brokers(&self) -> String {
        let addresses: Vec<String> = self.bootstrap.iter().map(ToString::to_string).collect();
        addresses.join(",")
    }

    pub(crate) fn client_config(&self) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers())
            .set("client.id", "broker-setup")
            .set("allow.auto.create.topics", "false");
        for property in &self.properties {
            config.set(property.key(), property.value()?);
        }
        Ok(config)
    }
}

//! The roads on which the other side answers.

use std::thread;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use opentelemetry_aws_xray::{
    XrayBuilder,
    aws::Direct,
    config::{Payload, Transport},
};

/// A transport and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    Direct,
    OtlpTcp,
    OtlpDirect,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Tcp, Self::Direct, Self::OtlpTcp, Self::OtlpDirect];

    /// Those that carry segment documents.
    pub(crate) const SEGMENTS: [Self; 2] = [Self::Tcp, Self::Direct];

    /// Does the same on several roads at once.
    pub(crate) fn each<const N: usize>(ways: [Self; N], test: impl Fn(Self) + Sync) {
        let test = &test;
        thread::scope(|scope| ways.into_iter().for_each(|way| drop(scope.spawn(move || test(way)))));
    }

    /// A pipeline that goes this way to a host and port.
    pub(crate) fn to(self, xray: XrayBuilder, host: &str, port: u16) -> XrayBuilder {
        let (transport, payload) = match self {
            Self::Tcp => (Transport::Tcp, Payload::Segments),
            Self::Direct => (Transport::Direct, Payload::Segments),
            Self::OtlpTcp => (Transport::Tcp, Payload::Otlp),
            Self::OtlpDirect => (Transport::Direct, Payload::Otlp),
        };
        xray.with_daemon_address(format!("{host}:{port}")).with_transport(transport).with_exporter(
            |exporter| {
                let direct =
                    Direct::new().with_sdk_config(aws()).with_endpoint(format!("http://{host}:{port}"));
                exporter.with_payload(payload).with_direct(direct)
            },
        )
    }
}

fn aws() -> SdkConfig {
    let credentials = Credentials::new("AKID", "secret", None, None, "e2e");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

//! `name` and `namespace` (specification of the mapping, "Name" and "Namespace").

use std::borrow::Cow;

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    sanitize,
    segment::{Kind, Namespace},
};

use super::{
    super::attributes::{Attributes, Slot},
    texts::Texts,
};

/// The name of a document: the first source that has one, sanitised, so that X-Ray never refuses it.
pub(super) fn name<'a>(
    span: &'a SpanData,
    attributes: &Attributes<'a, '_>,
    is_local_root: bool,
    service_name: Option<&'a str>,
    texts: &mut Texts,
) -> Cow<'a, str> {
    match chosen(span, attributes, is_local_root, service_name, texts) {
        Cow::Borrowed(name) => sanitize::name(name),
        Cow::Owned(name) => match sanitize::name(&name) {
            Cow::Borrowed(same) if same.len() == name.len() => Cow::Owned(name),
            sanitised => Cow::Owned(sanitised.into_owned()),
        },
    }
}

fn chosen<'a>(
    span: &'a SpanData,
    attributes: &Attributes<'a, '_>,
    is_local_root: bool,
    service_name: Option<&'a str>,
    texts: &mut Texts,
) -> Cow<'a, str> {
    let is_server_side = matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer);
    let calls_out = matches!(span.span_kind, SpanKind::Client | SpanKind::Producer | SpanKind::Consumer);
    let when = |applies: bool, slot: Slot| if applies { attributes.text(slot) } else { None };
    when(span.span_kind == SpanKind::Server || is_local_root, Slot::AwsLocalService)
        .or_else(|| when(calls_out, Slot::AwsRemoteService).map(|name| without_sdk_prefix(name, attributes)))
        .or_else(|| service_name.filter(|_| is_server_side))
        .or_else(|| when(!is_server_side, Slot::PeerService))
        .or_else(|| when(!is_server_side, Slot::ServicePeerName))
        .or_else(|| attributes.text(Slot::AwsService))
        .or_else(|| when(is_aws_api(attributes), Slot::RpcService))
        .map(Cow::Borrowed)
        .or_else(|| database(attributes, texts))
        .or_else(|| service_name.filter(|_| is_local_root).map(Cow::Borrowed))
        .or_else(|| attributes.text(Slot::RpcService).map(Cow::Borrowed))
        .or_else(|| {
            attributes.text(Slot::RpcMethod)?.rsplit_once('/').map(|(service, _)| Cow::Borrowed(service))
        })
        .or_else(|| {
            const PEERS: [Slot; 5] = [
                Slot::MessagingDestinationName,
                Slot::MessagingSystem,
                Slot::HttpHost,
                Slot::NetPeerName,
                Slot::ServerAddress,
            ];
            attributes.first_text(&PEERS).map(|(_, name)| Cow::Borrowed(name))
        })
        .unwrap_or(Cow::Borrowed(&span.name))
}

/// `database@host`, or as much of it as is known.
fn database<'a>(attributes: &Attributes<'a, '_>, texts: &mut Texts) -> Option<Cow<'a, str>> {
    let host = || {
        let from_connection = attributes.text(Slot::DbConnectionString).and_then(connection_host);
        from_connection.or_else(|| attributes.text(Slot::ServerAddress))
    };
    if let Some((_, database)) = attributes.first_text(&[Slot::DbNamespace, Slot::DbName]) {
        let Some(host) = host() else { return Some(Cow::Borrowed(database)) };
        let mut name = texts.spare();
        name.extend([database, "@", host]);
        return Some(Cow::Owned(name));
    }
    let (_, system) = attributes.first_text(&[Slot::DbSystemName, Slot::DbSystem])?;
    Some(Cow::Borrowed(attributes.text(Slot::ServerAddress).unwrap_or(system)))
}

/// The host in `[jdbc:]scheme://[user@]host[:port]/…`.
fn connection_host(connection: &str) -> Option<&str> {
    let (_, rest) = connection.strip_prefix("jdbc:").unwrap_or(connection).split_once("://")?;
    let authority = rest.split(['/', '?', ';']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ipv6, _)) => ipv6,
        None => host.split(':').next().unwrap_or(host),
    };
    (!host.is_empty()).then_some(host)
}

fn without_sdk_prefix<'a>(name: &'a str, attributes: &Attributes<'_, '_>) -> &'a str {
    if !is_aws_api(attributes) {
        return name;
    }
    name.strip_prefix("AWS.SDK.").or_else(|| name.strip_prefix("AWS::")).unwrap_or(name)
}

/// Whether the span is a call of an AWS API.
pub(super) fn is_aws_api(attributes: &Attributes<'_, '_>) -> bool {
    attributes
        .first_text(&[Slot::RpcSystemName, Slot::RpcSystem])
        .is_some_and(|(_, system)| system == "aws-api")
}

/// What a subsegment speaks of; segments have no namespace.
pub(super) fn namespace(
    document: Kind,
    kind: &SpanKind,
    attributes: &Attributes<'_, '_>,
) -> Option<Namespace<'static>> {
    if document == Kind::Segment {
        return None;
    }
    if is_aws_api(attributes) || attributes.has(Slot::AwsService) {
        return Some(Namespace::Aws);
    }
    matches!(kind, SpanKind::Client | SpanKind::Producer).then_some(Namespace::Remote)
}

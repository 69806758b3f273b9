//! `name` and `namespace` (docs/mapping.md).

use std::borrow::Cow;

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;
use xray_wire::{
    sanitize,
    segment::{Kind, Namespace},
};

use super::{
    super::attributes::{Attributes, Slot, Slots},
    local_root::Role,
    texts::Texts,
};
use crate::redact;

/// The name of a document: the first source that has one, sanitised, so that X-Ray never refuses it.
#[inline]
pub(super) fn name<'a>(
    span: &'a SpanData,
    role: Role,
    document: Kind,
    attributes: &Attributes<'a, '_>,
    is_local_root: bool,
    service_name: Option<&'a str>,
    texts: &mut Texts,
) -> Cow<'a, str> {
    let is_service = matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer);
    let is_server_side = document == Kind::Segment && (role == Role::Service || is_service);
    let is_local_root = is_local_root && role != Role::Dependency;
    if let Some(name) = given_by_aws(span, role, attributes, is_local_root) {
        return sanitize::name(name);
    }
    // The service's own name is sanitised already.
    if let Some(name) = service_name
        && is_server_side
    {
        return Cow::Borrowed(name);
    }
    if role == Role::Service {
        return sanitised(own_name(span));
    }
    if let Some(name) = callee(is_server_side, attributes) {
        return sanitize::name(name);
    }
    if let Some(name) = database(attributes, texts) {
        return sanitised(name);
    }
    if let Some(name) = service_name
        && document == Kind::Segment
    {
        return Cow::Borrowed(name);
    }
    sanitised(peer(attributes).unwrap_or_else(|| own_name(span)))
}

/// The span's name, which may quote a request: with `tracing`, a program makes it when it runs.
#[inline]
pub(super) fn own_name(span: &SpanData) -> Cow<'_, str> {
    redact::text(&span.name)
}

/// What AWS's own processors call the service, or what it called.
#[inline]
fn given_by_aws<'a>(
    span: &SpanData,
    role: Role,
    attributes: &Attributes<'a, '_>,
    is_local_root: bool,
) -> Option<&'a str> {
    const SLOTS: Slots = Slots::of(&[Slot::AwsLocalService, Slot::AwsRemoteService]);
    if !attributes.has_any(SLOTS) {
        return None;
    }
    let local = attributes.text(Slot::AwsLocalService);
    local.filter(|_| span.span_kind == SpanKind::Server || is_local_root).or_else(|| {
        let calls_out = matches!(span.span_kind, SpanKind::Client | SpanKind::Producer | SpanKind::Consumer);
        let remote =
            attributes.text(Slot::AwsRemoteService).filter(|_| calls_out && role != Role::Service)?;
        Some(without_sdk_prefix(remote, attributes))
    })
}

/// A service that is named as such.
#[inline]
fn callee<'a>(is_server_side: bool, attributes: &Attributes<'a, '_>) -> Option<&'a str> {
    let peer = attributes.first_text(&[Slot::PeerService, Slot::ServicePeerName]).filter(|_| !is_server_side);
    peer.map(|(_, name)| name)
        .or_else(|| attributes.text(Slot::AwsService))
        .or_else(|| attributes.text(Slot::RpcService).filter(|_| is_aws_api(attributes)))
}

/// Whatever else tells one callee from another.
fn peer<'a>(attributes: &Attributes<'a, '_>) -> Option<Cow<'a, str>> {
    const MESSAGING: [Slot; 2] = [Slot::MessagingDestinationName, Slot::MessagingSystem];
    const HOSTS: [Slot; 3] = [Slot::HttpHost, Slot::NetPeerName, Slot::ServerAddress];
    attributes
        .text(Slot::RpcService)
        .or_else(|| {
            let (service, _) = attributes.text(Slot::RpcMethod)?.trim_start_matches('/').rsplit_once('/')?;
            Some(service).filter(|service| !service.is_empty())
        })
        .map(Cow::Borrowed)
        .or_else(|| attributes.first_text(&MESSAGING).map(|(_, name)| destination(name)))
        .or_else(|| attributes.first_text(&HOSTS).map(|(_, name)| Cow::Borrowed(redact::host(name))))
}

/// Where messages go. That may be a URL; in any other name an `@` is a letter like others.
fn destination(name: &str) -> Cow<'_, str> {
    if name.contains("://") { redact::url(name) } else { Cow::Borrowed(name) }
}

/// The name as X-Ray takes it.
pub(super) fn sanitised(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => sanitize::name(name),
        Cow::Owned(name) => match sanitize::name(&name) {
            Cow::Borrowed(same) if same.len() == name.len() => Cow::Owned(name),
            changed => Cow::Owned(changed.into_owned()),
        },
    }
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
    let rest = redact::behind_user(connection)?;
    let host = rest.split(['/', '?', ';']).next().unwrap_or(rest);
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
#[inline]
pub(super) fn is_aws_api(attributes: &Attributes<'_, '_>) -> bool {
    attributes
        .first_text(&[Slot::RpcSystemName, Slot::RpcSystem])
        .is_some_and(|(_, system)| system == "aws-api")
}

/// What a subsegment speaks of; segments have no namespace.
#[inline]
pub(super) fn namespace(
    document: Kind,
    role: Role,
    kind: &SpanKind,
    attributes: &Attributes<'_, '_>,
) -> Option<Namespace<'static>> {
    if document == Kind::Segment {
        return None;
    }
    if is_aws_api(attributes) || attributes.has(Slot::AwsService) {
        return Some(Namespace::Aws);
    }
    let calls_out = role == Role::Dependency || matches!(kind, SpanKind::Client | SpanKind::Producer);
    calls_out.then_some(Namespace::Remote)
}

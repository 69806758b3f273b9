//! What a node says of itself, field by field.

use alloc::{borrow::Cow, vec::Vec};
use core::ops::Range;

use super::{
    AwsFields, DefaultMetadata, EncodedFrames, HttpFields, HttpPlaces, ResourceBlocks, SqlFields, aws,
    blocks, id_and_times,
    json::{self, Object},
    metadata, text,
};
use crate::{
    SegmentId, Timestamp,
    segment::{
        Annotation, Aws, Cause, Exception, Exceptions, Link, MetadataEntry, Namespace, Segment, Service,
    },
};

/// A body in the making, for who has no [`Segment`]: its methods append a field or a block each, or nothing if there is
/// none. Call each once at most, in the order in which they stand here, which is that of [`body`](super::body).
///
/// With a resource, its blocks are copied into the segment: see [`body`](super::body).
///
/// ```
/// use xray_wire::encode::{Body, HttpFields};
/// # use xray_wire::{SegmentId, Timestamp};
/// # let id = SegmentId::parse(b"53995c3f42cd8ad8").unwrap();
///
/// let mut json = Vec::new();
/// let mut body = Body::new(None, &mut json);
/// body.name("api");
/// body.id_and_times(id, Timestamp::EPOCH, None);
/// body.flags(true, false, false);
/// body.http(&HttpFields { status: Some(503), ..HttpFields::default() });
/// assert!(json.ends_with(br#","fault":true,"http":{"response":{"status":503}}"#));
/// ```
#[derive(Debug)]
pub struct Body<'o> {
    object: Object<'o>,
    resource: Option<&'o ResourceBlocks>,
}

impl<'o> Body<'o> {
    /// Begins a body behind what the buffer holds.
    #[inline]
    pub fn new(resource: Option<&'o ResourceBlocks>, out: &'o mut Vec<u8>) -> Self {
        Self { object: Object::open(out), resource }
    }

    /// Where the next field will stand in the buffer.
    #[inline]
    #[must_use]
    pub fn position(&self) -> usize {
        self.object.position()
    }

    /// Fields of an earlier body in the same buffer, from one position to another. Nothing is appended if it does not reach that far.
    #[inline]
    pub fn copied(&mut self, fields: Range<usize>) {
        self.object.copied(fields);
    }

    /// A text behind [`copied`](Self::copied) fields that end with its quote, or within it, and the quote that ends it.
    #[inline]
    pub fn rest_of_text(&mut self, text: &str) {
        text::rest_of_string(text, self.object.fields());
    }

    /// An integer behind copied fields that end with its key.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        json::integer(number, self.object.fields());
    }

    /// The name.
    #[inline]
    pub fn name(&mut self, name: &str) {
        text::rest_of_string(name, self.object.field(b"\"name\":\""));
    }

    /// The id and the times. Without an end it is in progress.
    #[inline]
    pub fn id_and_times(&mut self, id: SegmentId, start_time: Timestamp, end_time: Option<Timestamp>) {
        id_and_times::write(id, start_time, end_time, self.object.fields());
    }

    /// The namespace.
    #[inline]
    pub fn namespace(&mut self, namespace: Option<&Namespace<'_>>) {
        self.object.text(br#","namespace":""#, namespace.map(Namespace::as_str));
    }

    /// The flags that are set.
    #[inline]
    pub fn flags(&mut self, fault: bool, error: bool, throttle: bool) {
        self.object.flag(br#","fault":true"#, fault);
        self.object.flag(br#","error":true"#, error);
        self.object.flag(br#","throttle":true"#, throttle);
    }

    fn inferred(&mut self, inferred: bool) {
        self.object.flag(br#","inferred":true"#, inferred);
    }

    /// Who sent the request.
    #[inline]
    pub fn user(&mut self, user: Option<&str>) {
        self.object.text(br#","user":""#, user);
    }

    /// The HTTP request. The answer is where its values stand.
    #[inline]
    pub fn http(&mut self, http: &HttpFields<'_>) -> HttpPlaces {
        blocks::http(http, self.object.field(br#","http":"#))
    }

    /// What was called, and where the resource says that it ran. The answer is where the call's id stands, with the quote behind it: an empty range
    /// if it has none.
    #[inline]
    pub fn aws(&mut self, call: Option<&AwsFields<'_>>) -> Range<usize> {
        match (call, self.resource) {
            (Some(call), _) => return self.whole_aws(call, None),
            (None, Some(blocks)) => self.object.encoded(&blocks.aws_alone),
            (None, None) => {}
        }
        0..0
    }

    /// The same of a segment, which may know the place too.
    fn aws_of_segment(&mut self, aws: Option<&Aws<'_>>) {
        match aws {
            Some(own) => self.whole_aws(&own.into(), Some(own)),
            None => self.aws(None),
        };
    }

    fn whole_aws(&mut self, call: &AwsFields<'_>, own: Option<&Aws<'_>>) -> Range<usize> {
        aws::write(call, own, self.resource, self.object.field(br#","aws":"#))
    }

    /// The SQL query.
    #[inline]
    pub fn sql(&mut self, sql: &SqlFields<'_>) {
        blocks::sql(sql, self.object.field(br#","sql":"#));
    }

    /// The ARN of what ran the application, and what the resource says of that and of the build.
    #[inline]
    pub fn origin(&mut self, resource_arn: Option<&str>) {
        self.object.text(br#","resource_arn":""#, resource_arn);
        if let Some(blocks) = self.resource {
            if resource_arn.is_none() {
                self.object.encoded(&blocks.resource_arn);
            }
            self.object.encoded(&blocks.origin_and_service);
        }
    }

    /// The same of a segment without a resource, which knows its origin and its build itself.
    fn own_origin(&mut self, origin: Option<&str>, service: Option<&Service<'_>>) {
        self.object.text(br#","origin":""#, origin);
        if let Some(service) = service {
            blocks::service(service, self.object.field(br#","service":"#));
        }
    }

    /// Why it failed: see [`Exceptions`](crate::segment::Exceptions). The exceptions come with their frames, and their own
    /// `stack` is not looked at.
    pub fn cause<'e>(
        &mut self,
        working_directory: Option<&str>,
        paths: &[Cow<'_, str>],
        exceptions: impl Iterator<Item = (&'e Exception<'e>, &'e EncodedFrames)>,
    ) {
        let exceptions = exceptions.map(|(exception, frames)| (exception, Some(frames)));
        blocks::cause(working_directory, paths, exceptions, self.object.field(br#","cause":"#));
    }

    /// The same of a segment.
    fn cause_of_segment(&mut self, cause: &Cause<'_>) {
        let out = self.object.field(br#","cause":"#);
        match cause {
            Cause::Reference(id) => json::segment_id(*id, out),
            Cause::Exceptions(Exceptions { working_directory, paths, exceptions }) => {
                let exceptions = exceptions.iter().map(|exception| (exception, None));
                blocks::cause(working_directory.as_deref(), paths, exceptions, out);
            }
        }
    }

    /// Indexed values.
    #[inline]
    pub fn annotations(&mut self, annotations: &[Annotation<'_>]) {
        if !annotations.is_empty() {
            blocks::annotations(annotations, self.object.field(br#","annotations":"#));
        }
    }

    /// Everything else that is known.
    #[inline]
    pub fn metadata(&mut self, entries: &[MetadataEntry<'_>]) {
        metadata::field(entries, self.resource, self.object.fields());
    }

    /// The same, if all of it stands in the namespace `default`.
    #[inline]
    pub fn default_metadata(&mut self) -> DefaultMetadata<'_> {
        DefaultMetadata::open(self.object.fields(), self.resource)
    }

    /// Other traces that belong with this one.
    #[inline]
    pub fn links(&mut self, links: &[Link<'_>]) {
        if !links.is_empty() {
            json::list(links, self.object.field(br#","links":"#), blocks::link);
        }
    }

    /// Earlier siblings that had to end first.
    #[inline]
    pub fn precursor_ids(&mut self, ids: &[SegmentId]) {
        if !ids.is_empty() {
            json::list(ids, self.object.field(br#","precursor_ids":"#), |id, out| json::segment_id(*id, out));
        }
    }
}

/// See [`body`](super::body).
pub(super) fn of_segment(segment: &Segment<'_>, resource: Option<&ResourceBlocks>, out: &mut Vec<u8>) {
    let mut body = Body::new(resource, out);
    body.name(&segment.name);
    body.id_and_times(segment.id, segment.start_time, segment.end_time);
    body.namespace(segment.namespace.as_ref());
    body.flags(segment.fault, segment.error, segment.throttle);
    body.inferred(segment.inferred);
    body.user(segment.user.as_deref());
    if let Some(http) = &segment.http {
        body.http(&http.into());
    }
    body.aws_of_segment(segment.aws.as_ref());
    if let Some(sql) = &segment.sql {
        body.sql(&sql.into());
    }
    body.origin(segment.resource_arn.as_deref());
    if resource.is_none() {
        body.own_origin(segment.origin.as_deref(), segment.service.as_ref());
    }
    if let Some(cause) = &segment.cause {
        body.cause_of_segment(cause);
    }
    body.annotations(&segment.annotations);
    body.metadata(&segment.metadata);
    body.links(&segment.links);
    body.precursor_ids(&segment.precursor_ids);
}

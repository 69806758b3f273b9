//! Options of the translation.

use super::{
    super::{index::Index, trace_id_policy::TraceIdPolicy},
    MetadataOptions,
    metadata::DEFAULT,
};
use crate::redaction::Redaction;

/// What a translation needs to know besides the span.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Attributes that become annotations.
    pub(crate) index: Index,
    /// Whether a local root that is a call becomes two documents.
    pub(crate) split_local_roots: bool,
    /// Whether the end user's id becomes `user`.
    pub(crate) user: bool,
    /// Whether gRPC statuses count as failures of their kind.
    pub(crate) grpc_status: bool,
    /// Log groups and ARN for resources that name none.
    pub(crate) log_groups: Vec<String>,
    pub(crate) resource_arn: Option<String>,
    pub(crate) trace_ids: TraceIdPolicy,
    /// Whether `annotation.` and `metadata.` before an attribute's name say what it becomes.
    pub(crate) prefixes: bool,
    /// What metadata is called.
    pub(crate) metadata: MetadataOptions,
    /// How many events of a span become subsegments.
    pub(crate) event_subsegments: usize,
    /// What stays in the process.
    pub(crate) redaction: Redaction,
}

impl Options {
    /// Whether metadata may leave, by the namespace that it has before it is renamed.
    pub(super) fn lets_through_metadata(&self, namespace: &str, key: &str) -> bool {
        let namespace = if namespace == DEFAULT { self.metadata.namespace() } else { namespace };
        self.redaction.lets_through_metadata(namespace, key)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            index: Index::default(),
            split_local_roots: true,
            user: true,
            grpc_status: true,
            log_groups: Vec::new(),
            resource_arn: None,
            trace_ids: TraceIdPolicy::default(),
            prefixes: false,
            metadata: MetadataOptions::default(),
            event_subsegments: 0,
            redaction: Redaction::default(),
        }
    }
}

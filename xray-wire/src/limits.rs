//! Every number that X-Ray and its daemon impose, with its unit, its source and its reason.

/// Characters of a segment's `name` (developer guide, "Segment documents").
pub const MAX_NAME_CHARS: usize = 200;

/// Characters of any text field for which nothing else is documented: `url`, `user_agent`, `user`, …
/// (developer guide, "Segment documents": "string values, 250 characters").
pub const MAX_TEXT_CHARS: usize = 250;

/// Annotations of one document. X-Ray indexes fifty in a whole *trace*, which one process can't count; this
/// is the most that can be of use.
pub const MAX_ANNOTATIONS: usize = 50;

/// Characters of an annotation's key (X-Ray quotas).
pub const MAX_ANNOTATION_KEY_CHARS: usize = 500;

/// Characters of an annotation's text (X-Ray quotas).
pub const MAX_ANNOTATION_VALUE_CHARS: usize = 1_000;

/// Links of one document (X-Ray quotas: twenty linked traces for a segment).
pub const MAX_LINKS: usize = 20;

/// Bytes of one document (X-Ray quotas: 64 KB).
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Bytes of the largest UDP payload over IPv4: 65,535 less the 20-byte IP and the 8-byte UDP header.
pub const MAX_DATAGRAM_BYTES: usize = 65_507;

/// Bytes of the largest UDP payload that macOS sends unless `net.inet.udp.maxdgram` is raised.
pub const MAX_DATAGRAM_BYTES_MACOS: usize = 9_216;

/// Documents of one PutTraceSegments call; more are refused as a whole ("Exceeding maximum segment count").
pub const MAX_DOCUMENTS_PER_CALL: usize = 50;

/// Bytes of an `X-Amzn-Trace-Id` value that are worth reading. HTTP servers commonly allow 8 KB for a header
/// line, and a load balancer rewrites the header when all of them together pass 7 KB.
pub const MAX_TRACE_HEADER_BYTES: usize = 8 * 1024;

/// Bytes of fields other than Root, Parent and Sampled that are passed on in `X-Amzn-Trace-Id`, separators
/// included. The Node SDK has the same cap; without one a caller could grow the header of every hop behind.
pub const MAX_TRACE_HEADER_EXTRA_BYTES: usize = 256;

/// Subsegments inside subsegments inside one document. X-Ray documents no bound, but parsers have one:
/// `serde_json` stops at 128 brackets, of which a level takes two, and metadata needs some as well.
pub const MAX_NESTING_DEPTH: usize = 32;

/// Arrays and objects inside each other that the decoder follows; deeper ones are counted as skipped. It is the
/// depth at which parsers commonly stop (`serde_json`: 128), twice what subsegments nested to
/// [`MAX_NESTING_DEPTH`] take, and bounds the work: the decoder reads a document once for each level.
pub const MAX_DECODE_DEPTH: usize = 128;

/// Bytes that the decoder takes: four times those of a document that X-Ray takes, since files and tools hold
/// larger ones. The bound is ours, against hostile ones; with [`MAX_DECODE_DEPTH`] it bounds the work.
pub const MAX_DECODE_BYTES: usize = 4 * MAX_DOCUMENT_BYTES;

/// Reports of one GetSamplingTargets call (X-Ray API reference, `SamplingStatisticsDocuments`).
pub const MAX_STATISTICS_PER_CALL: usize = 25;

/// Characters of the service's name in a report of anomalies (X-Ray API reference, `SamplingBoostStatisticsDocument`).
pub const MAX_BOOST_SERVICE_CHARS: usize = 64;

/// Pages of one answer to GetSamplingRules that are followed. An account has 25 rules, which fit one page; the bound is
/// ours, against a server that always has one more.
pub const MAX_RULE_PAGES: usize = 100;

/// Sampling rules that are followed. An account has 25 unless it asks for more (X-Ray quotas); the bound is ours, since each is
/// looked at by decisions.
pub const MAX_RULES: usize = 1_000;

/// Bytes of all sampling rules and of the tokens that lead from page to page. A thousand rules with every field as long as X-Ray
/// takes it have fewer; the bound is ours, against a server whose texts have no end.
pub const MAX_RULES_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of an answer to GetSamplingRules or GetSamplingTargets that are read. Twenty-six rules take 30 KB; the
/// bound is ours, against a server that never ends.
pub const MAX_SAMPLING_BODY_BYTES: usize = 1024 * 1024;

/// Bytes of one pattern that are taken from an answer or a file: four for each of the 500 characters that a rule's
/// `ResourceARN` has at most (X-Ray API reference, `SamplingRule`).
pub const MAX_PATTERN_BYTES: usize = 2_000;

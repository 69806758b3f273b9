//! The attributes of a message, as propagators read them.

use opentelemetry::propagation::Extractor;

use crate::propagator::TRACE_HEADER;

/// The system attribute in which SQS carries the trace header (SQS developer guide, Message system attributes).
///
/// ```
/// use opentelemetry::Context;
/// use opentelemetry_aws_xray::{messaging::AWS_TRACE_HEADER, propagator::header_value};
///
/// // For `message_system_attributes` of SendMessage. To receive it, name it in `message_system_attribute_names`.
/// let attribute = header_value(&Context::current()).map(|value| (AWS_TRACE_HEADER, value));
/// # assert_eq!((AWS_TRACE_HEADER, attribute), ("AWSTraceHeader", None));
/// ```
pub const AWS_TRACE_HEADER: &str = "AWSTraceHeader";

/// The attributes of one message, system attributes and others, from any map of names and texts.
///
/// A propagator that asks for `x-amzn-trace-id` gets [`AWSTraceHeader`](AWS_TRACE_HEADER) if there is one. Names have no case.
/// At most 64 attributes are kept, three times what SQS allows.
///
/// ```
/// # use std::collections::HashMap;
/// use opentelemetry_aws_xray::messaging::MessageCarrier;
/// # let system = HashMap::from([("AWSTraceHeader".to_owned(), "Root=1-5759e988-bd862e3fe1be46a994272793".to_owned())]);
/// # let others: HashMap<String, String> = HashMap::new();
///
/// let mut carrier: MessageCarrier = system.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
/// carrier.extend(others.iter().map(|(name, value)| (name.as_str(), value.as_str())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageCarrier<'m> {
    attributes: Vec<(&'m str, &'m str)>,
}

/// SQS allows ten attributes of a message, and has some ten of its own.
const MAX_ATTRIBUTES: usize = 64;

impl<'m> MessageCarrier<'m> {
    fn named(&self, name: &str) -> Option<&'m str> {
        let (_, value) = self.attributes.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

impl<'m> Extend<(&'m str, &'m str)> for MessageCarrier<'m> {
    fn extend<I: IntoIterator<Item = (&'m str, &'m str)>>(&mut self, attributes: I) {
        let room = MAX_ATTRIBUTES - self.attributes.len();
        self.attributes.extend(attributes.into_iter().take(room));
    }
}

impl<'m> FromIterator<(&'m str, &'m str)> for MessageCarrier<'m> {
    fn from_iter<I: IntoIterator<Item = (&'m str, &'m str)>>(attributes: I) -> Self {
        let mut carrier = Self::default();
        carrier.extend(attributes);
        carrier
    }
}

impl Extractor for MessageCarrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let is_trace_header = key.eq_ignore_ascii_case(TRACE_HEADER);
        let system = is_trace_header.then(|| self.named(AWS_TRACE_HEADER)).flatten();
        system.or_else(|| self.named(key))
    }

    fn keys(&self) -> Vec<&str> {
        self.attributes.iter().map(|(name, _)| *name).collect()
    }
}

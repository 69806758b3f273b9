//! What makes a function run.

/// What makes a function run: the values of `faas.trigger` (OpenTelemetry's semantic conventions for functions).
///
/// ```
/// use opentelemetry_aws_xray::lambda::{FaasTrigger, XrayLambdaLayer};
/// # let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
///
/// // A function that works on a queue:
/// let layer = XrayLambdaLayer::new(&provider).with_trigger(FaasTrigger::PubSub);
/// assert_eq!(FaasTrigger::PubSub.as_str(), "pubsub");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaasTrigger {
    /// `datasource`: a change in a database or of a file, as by DynamoDB streams and S3.
    Datasource,
    /// `http`: a request by way of API Gateway, a load balancer or a function URL.
    Http,
    /// `pubsub`: messages, as of SQS, SNS and Kinesis.
    PubSub,
    /// `timer`: a schedule.
    Timer,
    /// `other`: none of these.
    Other,
}

impl FaasTrigger {
    /// The attribute's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Datasource => "datasource",
            Self::Http => "http",
            Self::PubSub => "pubsub",
            Self::Timer => "timer",
            Self::Other => "other",
        }
    }
}

//! The account: clients for it, and what HotROD needs there.

use std::{convert::Infallible, error::Error, fmt, str::FromStr, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::{
    client::Waiters,
    operation::create_table::CreateTableError,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use aws_sdk_s3::{
    operation::create_bucket::CreateBucketError,
    types::{BucketLocationConstraint, CreateBucketConfiguration},
};
use aws_sdk_sqs::{config::Credentials, error::DisplayErrorContext};
use opentelemetry_aws_xray::aws_sdk::XrayInterceptor;

/// The table of orders.
pub(super) const TABLE: &str = "hotrod-orders";

/// A table on demand takes some seconds.
const MAX_WAIT_FOR_TABLE: Duration = Duration::from_secs(60);

/// The queue of rides.
const QUEUE: &str = "hotrod-rides";

/// The region whose buckets have no place.
const FIRST_REGION: &str = "us-east-1";

/// Where HotROD stores what it stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The account of the environment, as every AWS tool finds it. The table, the queue and the bucket stay there.
    Environment,
    /// An emulator such as moto at this URL, which looks at no credentials.
    Emulator(String),
}

impl FromStr for Account {
    type Err = Infallible;

    /// A URL is an emulator's; nothing is the environment.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text.is_empty() { Self::Environment } else { Self::Emulator(text.to_owned()) })
    }
}

/// An account that has all that HotROD needs.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    config: SdkConfig,
    pub(super) queue_url: String,
    pub(super) bucket: String,
}

impl Cloud {
    /// Makes what is not there yet. Nobody traces that.
    pub(crate) async fn open(account: Account) -> Result<Self, CloudError> {
        let config = config(account).await;
        let queue_url = create_queue(&aws_sdk_sqs::Client::new(&config)).await?;
        create_table(&aws_sdk_dynamodb::Client::new(&config)).await?;
        let cloud = Self { bucket: bucket(&queue_url), config, queue_url };
        cloud.create_bucket().await?;
        Ok(cloud)
    }

    pub(super) fn dynamodb(&self, interceptor: XrayInterceptor) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(interceptor);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(super) fn sqs(&self, interceptor: XrayInterceptor) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.config).interceptor(interceptor);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(super) fn s3(&self, interceptor: XrayInterceptor) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(self.s3_config().interceptor(interceptor).build())
    }

    fn s3_config(&self) -> aws_sdk_s3::config::Builder {
        // An emulator's address has no room for the bucket's name in front.
        aws_sdk_s3::config::Builder::from(&self.config).force_path_style(self.config.endpoint_url().is_some())
    }

    async fn create_bucket(&self) -> Result<(), CloudError> {
        let client = aws_sdk_s3::Client::from_conf(self.s3_config().build());
        let region = self.config.region().map(AsRef::as_ref).filter(|region| *region != FIRST_REGION);
        let place = region.map(|region| {
            let place = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(place).build()
        });
        let request = client.create_bucket().bucket(&self.bucket).set_create_bucket_configuration(place);
        match request.send().await {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(CreateBucketError::is_bucket_already_owned_by_you) =>
            {
                Err(CloudError::new("the bucket", &error))
            }
            _ => Ok(()),
        }
    }
}

async fn config(account: Account) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    match account {
        Account::Environment => loader.load().await,
        Account::Emulator(url) => {
            let anybody = Credentials::new("emulator", "emulator", None, None, "HotROD");
            loader
                .endpoint_url(url)
                .region(Region::new(FIRST_REGION))
                .credentials_provider(anybody)
                .load()
                .await
        }
    }
}

async fn create_queue(client: &aws_sdk_sqs::Client) -> Result<String, CloudError> {
    let created = client.create_queue().queue_name(QUEUE).send().await;
    let queue = created.map_err(|error| CloudError::new("the queue", &error))?;
    Ok(queue.queue_url.unwrap_or_default())
}

async fn create_table(client: &aws_sdk_dynamodb::Client) -> Result<(), CloudError> {
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build();
    let id =
        AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build();
    let (Ok(key), Ok(id)) = (key, id) else { return Ok(()) };
    let table = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    match table.key_schema(key).attribute_definitions(id).send().await {
        Err(error)
            if !error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            return Err(CloudError::new("the table", &error));
        }
        _ => {}
    }
    // It takes no items before.
    let active = client.wait_until_table_exists().table_name(TABLE).wait(MAX_WAIT_FOR_TABLE).await;
    active.map(drop).map_err(|error| CloudError::new("the table", &error))
}

/// Buckets are unique in the world, accounts too; and a queue's URL knows the account.
fn bucket(queue_url: &str) -> String {
    let account = queue_url.rsplit('/').nth(1).unwrap_or_default();
    format!("hotrod-receipts-{account}")
}

/// AWS, or the emulator, does not let us have what we need.
#[derive(Debug)]
pub struct CloudError {
    what: &'static str,
    why: String,
}

impl CloudError {
    fn new(what: &'static str, why: &(impl Error + 'static)) -> Self {
        Self { what, why: DisplayErrorContext(why).to_string() }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't make {}: {}", self.what, self.why)
    }
}

impl Error for CloudError {}

//! Settings → a client of the AWS SDK, with region and credentials found.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, sts::AssumeRoleProvider};
use aws_sdk_xray::{
    Client,
    config::{
        Builder, FrameworkMetadata, IdentityCache, SharedCredentialsProvider, StalledStreamProtectionConfig,
        retry::RetryConfig,
    },
};

use super::{Direct, direct::Role};
use crate::post::{CallError, CallErrorKind};

/// Who we are, as the session of a role and in `User-Agent`.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Makes a client. Credentials are not looked for yet; the region is, if need be with a call to the instance's metadata.
pub(super) async fn connect(direct: &Direct) -> Result<Client, CallError> {
    let shared = match &direct.sdk_config {
        Some(shared) => shared.clone(),
        None => load(direct).await,
    };
    let mut config = Builder::from(&shared)
        .behavior_version(BehaviorVersion::latest())
        // The sink has its own, which knows what a document is.
        .retry_config(RetryConfig::disabled())
        // A busy machine may not get to read for seconds; the timeout of a call is bound enough.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // One that is not shared, so that a new client means new credentials.
        .identity_cache(IdentityCache::lazy().load_timeout(load_timeout(direct.calls.timeout)).build());
    if let Some(region) = &direct.region {
        config.set_region(Some(Region::new(region.clone())));
    }
    if let Some(endpoint) = &direct.endpoint {
        config.set_endpoint_url(Some(endpoint.clone()));
    }
    if direct.fips.is_some() {
        config.set_use_fips(direct.fips);
    }
    if direct.dual_stack.is_some() {
        config.set_use_dual_stack(direct.dual_stack);
    }
    if direct.api_key.is_some() {
        config = config.allow_no_auth();
        config.set_credentials_provider(None);
    } else if let Some(role) = &direct.role {
        config.set_credentials_provider(Some(assume(role, &shared).await));
    }
    if let Ok(name) = FrameworkMetadata::new(NAME, Some(env!("CARGO_PKG_VERSION"))) {
        config.push_framework_metadata(name);
    }
    let config = config.build();
    if config.region().is_none() {
        return Err(CallError::new(
            CallErrorKind::Credentials,
            "no AWS region is known: set AWS_REGION, or `region` in the profile, or call `Direct::with_region`",
        ));
    }
    Ok(Client::from_conf(config))
}

/// How long credentials may take to load. Their providers have retries of their own, for some twenty seconds; the SDK would cut them
/// off after six, since it takes the client's settings, which have none. A sixth of a call's time is left to tell of it.
fn load_timeout(call: Duration) -> Duration {
    call / 6 * 5
}

async fn load(direct: &Direct) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &direct.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(fips) = direct.fips {
        loader = loader.use_fips(fips);
    }
    if let Some(dual_stack) = direct.dual_stack {
        loader = loader.use_dual_stack(dual_stack);
    }
    if direct.api_key.is_some() {
        loader = loader.no_credentials();
    }
    loader.load().await
}

async fn assume(role: &Role, shared: &SdkConfig) -> SharedCredentialsProvider {
    let mut builder = AssumeRoleProvider::builder(&role.arn).configure(shared).session_name(NAME);
    if let Some(external_id) = &role.external_id {
        builder = builder.external_id(external_id);
    }
    SharedCredentialsProvider::new(builder.build().await)
}

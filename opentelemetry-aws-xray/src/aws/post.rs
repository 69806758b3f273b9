//! Signed requests from any thread.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_xray::Client;

use super::{
    Direct,
    connect::connect,
    driver::{Driver, Unfinished},
    exchange::{Request, exchange},
    failure::Failed,
};
use crate::post::{CallError, CallErrorKind, Post, PostRequest, PostResponse};

/// A way to X-Ray's API itself. Connected at the first request.
#[derive(Debug)]
pub(crate) struct AwsPost {
    connection: Arc<Connection>,
    driver: Mutex<Option<Arc<Driver>>>,
}

impl AwsPost {
    pub(crate) fn new(direct: Direct) -> Self {
        Self {
            connection: Arc::new(Connection { direct, client: Default::default() }),
            driver: Mutex::default(),
        }
    }

    fn driver(&self) -> io::Result<Arc<Driver>> {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        match &*driver {
            Some(driver) => Ok(Arc::clone(driver)),
            None => Ok(Arc::clone(driver.insert(Driver::shared()?))),
        }
    }
}

impl Post for AwsPost {
    fn post(&self, request: &PostRequest<'_>, timeout: Duration) -> Result<PostResponse, CallError> {
        let driver = self.driver().map_err(|error| {
            CallError::new(CallErrorKind::Broken, format!("no thread for the AWS SDK: {error}"))
        })?;
        let request = Request::new(request, self.connection.direct.api_key.as_deref());
        let connection = Arc::clone(&self.connection);
        driver.run(timeout, async move { connection.exchange(request).await }).unwrap_or_else(|unfinished| {
            Err(match unfinished {
                Unfinished::TimedOut => {
                    CallError::new(CallErrorKind::Timeout, format!("X-Ray did not answer within {timeout:?}"))
                }
                Unfinished::Panicked => CallError::new(CallErrorKind::Broken, "the AWS SDK panicked"),
            })
        })
    }
}

/// Settings, and the client that was made of them.
#[derive(Debug)]
struct Connection {
    direct: Direct,
    /// Locked while connecting: others wait for the same client.
    client: tokio::sync::Mutex<Option<Client>>,
}

impl Connection {
    async fn exchange(&self, request: Request) -> Result<PostResponse, CallError> {
        let client = self.client().await?;
        let result = exchange(&client, request).await;
        if let Err(Failed { reconnect: true, .. }) = &result {
            *self.client.lock().await = None;
        }
        result.map_err(|failed| failed.error)
    }

    async fn client(&self) -> Result<Client, CallError> {
        let mut client = self.client.lock().await;
        match &*client {
            Some(client) => Ok(client.clone()),
            None => Ok(client.insert(connect(&self.direct).await?).clone()),
        }
    }
}

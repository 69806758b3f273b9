//! The listener of one service.

use std::{io, net::SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

use crate::shutdown::Task;

/// A listener on a free port that only this machine reaches.
pub(crate) async fn bind_free_port() -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0)).await
}

/// Serves until the task is stopped; requests under way are answered.
pub(crate) fn serve(listener: TcpListener, router: Router) -> Task<()> {
    Task::spawn(|stopped| async move {
        // With the other end of each connection, which `XrayLayer::axum` records.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // Infallible in axum 0.8: a connection that fails ends alone.
        let _ = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
    })
}

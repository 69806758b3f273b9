//! Connections that can be reset from within a request.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Hands out [`Stream`]s.
#[derive(Debug)]
pub(crate) struct Connections(TcpListener);

/// A TCP stream that ends when its [`Connection`] says so.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    connection: Connection,
}

/// The connection of a request, as handlers see it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    peer: SocketAddr,
    is_reset: Arc<AtomicBool>,
}

impl Connection {
    fn new(peer: SocketAddr) -> Self {
        Self { peer, is_reset: Arc::default() }
    }

    /// Who is at its other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Resets the connection (TCP RST) as soon as anything would be read from it or written to it.
    pub(crate) fn reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
    }
}

impl From<TcpListener> for Connections {
    fn from(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for Connections {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        let (tcp, peer) = Listener::accept(&mut self.0).await;
        (Stream { tcp, connection: Connection::new(peer) }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Connections>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().connection.clone()
    }
}

impl Stream {
    /// The TCP stream, unless it has been reset.
    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if !self.connection.is_reset.load(Ordering::Relaxed) {
            return Ok(Pin::new(&mut self.tcp));
        }
        // Closing a socket that does not linger sends a reset. Where that can't be set it is closed in order.
        let _ = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.tcp()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.tcp()?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_shutdown(cx)
    }
}

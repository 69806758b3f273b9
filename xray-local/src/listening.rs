//! What listens: both sockets, the threads behind the one and the server behind the other.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

use crate::{
    bind::{StartError, bind},
    http::{self, App, Connection, Connections},
    udp::UdpReceiver,
};

/// How long [`Listening::stop`] waits for requests under way.
const MAX_GRACE: Duration = Duration::from_secs(2);

/// Bound sockets, ready to be served.
pub(crate) struct Bound {
    tcp: TcpListener,
    udp: std::net::UdpSocket,
    pub(crate) address: SocketAddr,
}

/// A server at work. It stops when this is dropped; [`Listening::stop`] also waits for what has come.
#[derive(Debug)]
pub(crate) struct Listening {
    udp: Option<UdpReceiver>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Bound {
    /// Binds both sockets to the address; port 0 takes one that is free for both.
    pub(crate) fn bind(address: SocketAddr, receive_buffer: Option<usize>) -> Result<Self, StartError> {
        let (tcp, udp) = bind(address, receive_buffer)?;
        let address = tcp.local_addr().map_err(StartError::Io)?;
        let tcp = TcpListener::from_std(tcp).map_err(StartError::Io)?;
        Ok(Self { tcp, udp, address })
    }

    /// Starts to receive.
    pub(crate) fn serve(self, app: Arc<App>) -> io::Result<Listening> {
        let udp = UdpReceiver::start(self.udp, app.store.clone())?;
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(self.tcp, app, stopped));
        Ok(Listening { udp: Some(udp), stop, server })
    }
}

async fn serve(listener: TcpListener, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        // An error says that the sender was dropped, and `Listening` with it.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let service = http::router(app).into_make_service_with_connect_info::<Connection>();
    // Infallible in axum 0.8: a connection that fails ends alone.
    let _ = axum::serve(Connections::from(listener), service).with_graceful_shutdown(stop).await;
}

impl Listening {
    /// Closes the sockets; reads what has come.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(udp) = self.udp.take() {
            // An error says that a thread panicked, which it has told itself.
            let _ = tokio::task::spawn_blocking(move || udp.join()).await;
        }
        // Requests under way end; a connection that some client keeps open does not hold us up.
        let _ = timeout(MAX_GRACE, &mut self.server).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.server.abort();
    }
}

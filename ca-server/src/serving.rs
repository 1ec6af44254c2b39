//! `serve`: what [`server`](crate::server) has started, behind its listeners, until the word to stop. Knows signals.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::api;
use crate::config::Config;
use crate::crl_publisher::CrlPublisher;
use crate::crl_shelf::CrlShelf;
use crate::custody::Passphrase;
use crate::disk::Disk;
use crate::listeners::{
    Access, AdminListener, AdminSocket, ApiListener, Limits, PublicFiles, PublicListener, Tls, follow_trust,
    public_router, raise_open_files, stopping,
};
use crate::metrics::page::{Page, router as metrics_router};
use crate::own_leaf::OwnLeaf;
use crate::server::{Running, ServeError, cannot, start};
use crate::service::Clock;

/// Serves until SIGTERM or SIGINT, or until something that the server cannot do without has ended.
///
/// # Errors
/// [`ServeError`]. A signal is no error.
pub async fn serve(
    disk: Arc<dyn Disk>,
    config: &Config,
    passphrase: &Passphrase,
    clock: Clock,
) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot("signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot("signals"))?;
    let files = raise_open_files();
    let Running { service, disk, mut tasks } = start(disk, config, passphrase, Arc::clone(&clock))?;
    let tls_clock = Arc::clone(&clock);
    let tls = Arc::new(Tls::new(config.trust_domain.clone(), tls_clock));
    let (stopper, stop) = stopping();
    let live = Arc::clone(service.committer.live());

    // Sockets first, so that a taken address is told before anything is issued.
    let api = ApiListener::bind(config.api_listen, Limits::API.within(files)).await.map_err(cannot("api.listen"))?;
    let public = PublicListener::bind(config.public_listen, Limits::PUBLIC.within(files))
        .await
        .map_err(cannot("public.listen"))?;
    let metrics = match config.metrics_listen {
        Some(address) => Some(PublicListener::bind(address, Limits::ADMIN).await.map_err(cannot("metrics.listen"))?),
        None => None,
    };
    let socket = AdminSocket::bind(&config.admin_socket, Access::Own).map_err(cannot("admin.socket"))?;
    tracing::info!(
        api = ?api.address().ok(),
        public = ?public.address().ok(),
        admin = %config.admin_socket.display(),
        "listening"
    );

    let own_leaf = OwnLeaf::new(&service, Arc::clone(&tls), config.dns_names.clone());
    let keeping = own_leaf.start().await.map_err(cannot("the server's own certificate"))?;
    let crls = Arc::new(CrlShelf::new());
    let publisher = CrlPublisher::new(Arc::clone(&service), Arc::clone(&disk), Arc::clone(&crls));
    tasks.spawn(async move {
        publisher.run().await;
        ServeError::Ended("the CRL publisher")
    });

    let mut listeners = JoinSet::new();
    listeners.spawn(follow_trust(Arc::clone(&live), Arc::clone(&tls), stop.clone()));
    listeners.spawn(api.serve(api::router(Arc::clone(&service)), tls, stop.clone()));
    let files = Arc::new(PublicFiles::new(live, crls, Arc::clone(&service.fixed.trust)));
    listeners.spawn(public.serve(public_router(files), stop.clone()));
    let page = Arc::new(Page::new(Arc::clone(&service), clock()));
    if let Some(metrics) = metrics {
        listeners.spawn(metrics.serve(metrics_router(Arc::clone(&page)), stop.clone()));
    }
    let admin = AdminListener::new(socket, Access::Own, Limits::ADMIN);
    let routes = api::socket_router(Arc::clone(&service)).merge(metrics_router(page));
    listeners.spawn(admin.serve(routes, stop));

    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ended = tasks.join_next() => Some(match ended {
            Some(Ok(error)) => error,
            Some(Err(panic)) => cannot("a task has panicked")(panic),
            None => ServeError::Ended("everything"),
        }),
    };
    tracing::info!("stopping: no more connections are taken, what is in work is finished");
    stopper.stop();
    while listeners.join_next().await.is_some() {}
    keeping.abort();
    tasks.shutdown().await;
    match ended {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

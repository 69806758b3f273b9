//! All sources at once, and no longer than the start may wait.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::mpsc::{self, Sender},
    thread,
    time::Duration,
};

use opentelemetry::KeyValue;

use super::{
    attribute, beanstalk, container_id, ecs,
    environment::{self, is_pod_of_eks, metadata_uri, pod_attributes},
    imds::{self, Imds},
    metadata::MetadataClient,
    platform,
};
use crate::{
    clock::{Clock, SystemClock},
    config::Environment,
};

/// The longest that all detection together may keep the application from starting. Metadata services answer within a few milliseconds;
/// where none answers, as in containers behind more hops than an instance allows, a start is delayed by this much.
const MAX_DETECTION: Duration = Duration::from_millis(500);

/// What runs where: the files of the system, and the services that tell about it.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// Where the file system begins.
    root: PathBuf,
    ecs: Option<String>,
    /// The instance's metadata service, if it is to be asked.
    pub(super) imds: Option<String>,
    /// How long to look.
    limit: Duration,
}

/// Who found it. Of what two found, the later one here counts: that is what decides between platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Instance,
    Cluster,
    Environment,
    Files,
    Task,
    Container,
    Pod,
    Beanstalk,
}

type Found = (Source, Vec<KeyValue>);

/// Looks everywhere.
pub(super) fn detect(environment: &Environment) -> Vec<KeyValue> {
    // Lambda has no metadata services, and its start is what people wait for.
    if let Some(function) = environment::lambda(environment) {
        return function;
    }
    Surroundings::of(PathBuf::from("/"), environment, MAX_DETECTION).detect(environment)
}

impl Surroundings {
    pub(super) fn of(root: PathBuf, environment: &Environment, limit: Duration) -> Self {
        let is_fargate = environment.var("AWS_EXECUTION_ENV").as_deref() == Some("AWS_ECS_FARGATE");
        let is_named = imds::named_endpoint(environment).is_some();
        let may_be_instance = is_named
            || !is_fargate
                && imds::may_be_instance(read(&root.join("sys/class/dmi/id/sys_vendor")).as_deref());
        Self {
            ecs: metadata_uri(environment).map(|uri| uri.trim_end_matches('/').to_owned()),
            imds: imds::endpoint(environment).filter(|_| may_be_instance),
            root,
            limit,
        }
    }

    /// What is found within the limit.
    pub(super) fn detect(&self, environment: &Environment) -> Vec<KeyValue> {
        let namespace = read(&self.root.join("var/run/secrets/kubernetes.io/serviceaccount/namespace"));
        let deadline = SystemClock.now().saturating_add(self.limit);
        let answers = self.ask(namespace.is_some(), deadline);

        let mut found = vec![(Source::Environment, environment::attributes(environment))];
        found.extend(self.files(namespace.as_deref()));
        let left = || deadline.saturating_sub(SystemClock.now());
        while let Ok(answer) = answers.recv_timeout(left()) {
            found.push(answer);
        }
        if let Some(namespace) = namespace
            && (is_pod_of_eks(environment) || found.iter().any(|(source, _)| *source == Source::Instance))
        {
            let mut pod = platform("aws_eks").to_vec();
            pod.extend(attribute("k8s.namespace.name", Some(namespace)));
            pod.extend(pod_attributes(environment));
            found.push((Source::Pod, pod));
        }
        merged(found)
    }

    /// Asks the services, each on a thread of its own, which ends by the deadline. The answers end when all have answered.
    fn ask(&self, is_pod: bool, deadline: Duration) -> mpsc::Receiver<Found> {
        let (found, answers) = mpsc::channel();
        let client = MetadataClient::until(deadline);
        if let Some(uri) = &self.ecs {
            let (container, task) = (uri.clone(), format!("{uri}/task"));
            let asks = client.clone();
            spawn(&found, move |found| {
                tell(
                    found,
                    Source::Container,
                    asks.get(&container, None).and_then(|body| ecs::container(&body)),
                );
            });
            let asks = client.clone();
            spawn(&found, move |found| {
                tell(found, Source::Task, asks.get(&task, None).and_then(|body| ecs::task(&body)));
            });
        }
        if let Some(endpoint) = self.imds.clone() {
            spawn(&found, move |found| {
                let Some(imds) = Imds::connect(&client, endpoint) else { return };
                tell(found, Source::Instance, imds.instance());
                if is_pod {
                    tell(found, Source::Cluster, imds.cluster_name().map(|name| vec![name]));
                }
            });
        }
        answers
    }

    fn files(&self, namespace: Option<&str>) -> Vec<Found> {
        let mut found = Vec::new();
        if self.ecs.is_some() || namespace.is_some() {
            let id = attribute("container.id", self.container_id());
            found.push((Source::Files, id.into_iter().collect()));
        }
        let file = read(&self.root.join(beanstalk::FILE));
        let beanstalk = file.and_then(|file| beanstalk::attributes(file.as_bytes()));
        found.extend(beanstalk.map(|attributes| (Source::Beanstalk, attributes)));
        found
    }

    fn container_id(&self) -> Option<String> {
        let id = |path, find: fn(&str) -> Option<&str>| {
            let file = read(&self.root.join(path))?;
            find(&file).map(str::to_owned)
        };
        id("proc/self/cgroup", container_id::in_cgroup)
            .or_else(|| id("proc/self/mountinfo", container_id::in_mountinfo))
    }
}

fn spawn(found: &Sender<Found>, ask: impl FnOnce(&Sender<Found>) + Send + 'static) {
    let found = found.clone();
    let run = move || {
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        ask(&found);
    };
    // Without a thread there is nothing to find.
    let _ = thread::Builder::new().name("xray-resource".to_owned()).spawn(run);
}

fn tell(found: &Sender<Found>, source: Source, attributes: Option<Vec<KeyValue>>) {
    if let Some(attributes) = attributes {
        // Too late, nobody listens any more.
        let _ = found.send((source, attributes));
    }
}

/// In the order in which later ones count.
fn merged(mut found: Vec<Found>) -> Vec<KeyValue> {
    found.sort_by_key(|(source, _)| *source);
    found.into_iter().flat_map(|(_, attributes)| attributes).collect()
}

/// A file's text, if it is one and not too long.
fn read(path: &Path) -> Option<String> {
    /// Mount tables of busy hosts have some ten thousand bytes.
    const MAX_BYTES: u64 = 256 * 1024;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

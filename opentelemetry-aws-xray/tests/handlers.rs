//! What handlers see and say while a request runs: segments in progress, annotations and metadata.

#[path = "handlers/annotate.rs"]
mod annotate;
#[path = "handlers/in_progress.rs"]
mod in_progress;

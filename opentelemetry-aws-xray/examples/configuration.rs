//! Prints the table of environment variables that stands in `docs/configuration.md`.

fn main() {
    print!("{}", opentelemetry_aws_xray::config::variables_markdown());
}

//! Prints the table of environment variables in Markdown; `scripts/docs` puts it into `docs/configuration.md`.

use opentelemetry_aws_xray::config::variables_markdown;

fn main() {
    print!("{}", variables_markdown());
}

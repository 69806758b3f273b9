"""The sampler of the X-Ray SDK for Python under a load."""

from urllib.parse import urlsplit

from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.daemon_config import DaemonConfig
from aws_xray_sdk.core.sampling.sampler import DefaultSampler
from load import run


def sdk(endpoint):
    sampler = DefaultSampler()
    sampler.load_settings(DaemonConfig(urlsplit(endpoint).netloc), Context())
    return lambda request: sampler.should_trace(
        {key: request[key] for key in ("method", "path", "host")} | {"service": "shop"}
    )


run(sdk)

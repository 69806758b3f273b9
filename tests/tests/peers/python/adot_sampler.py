"""The remote sampler of the AWS Distro for OpenTelemetry Python under a load."""

from amazon.opentelemetry.distro.sampler.aws_xray_remote_sampler import AwsXRayRemoteSampler
from load import run
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind

ids = RandomIdGenerator()


def adot(endpoint):
    sampler = AwsXRayRemoteSampler(Resource.create({"service.name": "shop"}), endpoint)

    def is_sampled(request):
        attributes = {
            "http.request.method": request["method"],
            "url.path": request["path"],
            "server.address": request["host"],
        }
        result = sampler.should_sample(
            None, ids.generate_trace_id(), request["method"], SpanKind.SERVER, attributes
        )
        return result.decision.is_sampled()

    return is_sampled


run(adot)

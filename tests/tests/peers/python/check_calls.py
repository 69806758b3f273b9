"""Holds calls of the sampling API and their answers, from a list in its input, against botocore's model of X-Ray, and
prints what is wrong with them.
"""

import json
import sys

import botocore.session
from botocore.validate import ParamValidator

service = botocore.session.get_session().get_service_model("xray")
operations = {
    model.http["requestUri"]: model for model in map(service.operation_model, service.operation_names)
}


def without_nulls(value):
    """As botocore reads answers."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def too_large(value, shape, name):
    """What botocore leaves to the service: the upper bounds of lengths and numbers."""
    size = value if isinstance(value, (int, float)) else len(value)
    most = shape.metadata.get("max")
    if most is not None and size > most:
        yield f"{name}: {size} where at most {most} are allowed"
    if shape.type_name == "structure":
        for key, each in value.items():
            yield from too_large(each, shape.members[key], f"{name}.{key}")
    elif shape.type_name == "list":
        for each in value:
            yield from too_large(each, shape.member, name)
    elif shape.type_name == "map":
        for key, each in value.items():
            yield from too_large(key, shape.key, f"{name} key")
            yield from too_large(each, shape.value, f"{name}.{key}")


def complaints(value, shape):
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield report.generate_report()


found = []
for exchange in json.load(sys.stdin):
    operation = operations[exchange["path"]]
    request, shape = exchange["request"], operation.input_shape
    # The rule `Default` has a priority that no rule may have, so only what is asked for has upper bounds.
    found += [*complaints(request, shape)] or [*too_large(request, shape, shape.name)]
    found += complaints(without_nulls(exchange["answer"]), operation.output_shape)
json.dump(found, sys.stdout)

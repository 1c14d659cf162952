"""Configurations between plain mappings and `wayside.v1.NodeConfig`; the one place that knows both.

Usage: `serialized_config({"report_period": "30s"})`.
"""

from google.protobuf import json_format

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2
from wayside_manager.core.configs import ConfigMapping


def serialized_config(config: ConfigMapping) -> bytes:
    """A serialized NodeConfig; equal configurations give equal bytes.

    Raises: InvalidArgumentError: a field is unknown or of another type.
    """
    try:
        message = json_format.ParseDict(dict(config), node_pb2.NodeConfig())
    except json_format.ParseError as error:
        raise InvalidArgumentError(f"config: {error}", reason="CONFIG_INVALID") from error
    # NodeConfig has no maps, so field order alone makes the bytes; deterministic stays right should one come.
    return message.SerializeToString(deterministic=True)

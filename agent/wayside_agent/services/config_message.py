"""The bytes of a configuration to what the agent decides by (`wayside.node_config`).

    config = decoded_config(fetched)             # what the manager sends: refused whole if anything is wrong
    config, left_out = lenient_config(stored)    # what was kept: an older agent may find a newer one's

Nothing is judged here but the form; what only the unit can tell is `core.desired.problems`.
"""

from wayside.node_config import NodeConfig, decoded, lenient


def decoded_config(content: bytes) -> NodeConfig:
    """The configuration in canonical JSON; absent values take the defaults.

    Raises: InvalidArgumentError: too large, no JSON, an unknown name, or a value out of range; it names the fields.
    """
    return decoded(content)


def lenient_config(content: bytes) -> tuple[NodeConfig, tuple[str, ...]]:
    """Every value of a configuration that this agent knows and may use, and a sentence on each that it may not.

    A list or a single value is taken whole or not at all. What was left out takes the default.
    """
    return lenient(content)

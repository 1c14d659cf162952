"""Roles on the command line: `ROLE@TENANT`, with `:site=K12` and `:label=road=G98` for some nodes only.

Usage: `read_binding("operator@haikou:site=K12")`; `binding_text(message)` goes back.
"""

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError
from wayside.v1 import access_service_pb2, node_pb2
from wayside_manager.cli.output import worded
from wayside_manager.cli.running import resource_id, resource_name
from wayside_manager.core.access import Role

BindingOption = Annotated[
    list[str] | None,
    typer.Option(
        help="ROLE@TENANT, such as operator@haikou; :site=K12 and :label=KEY=VALUE behind it: only for nodes there. "
        f"Roles: {', '.join(Role)}. Repeat for more."
    ),
]
_NEXT_LIMIT = re.compile(r":(?=(?:site|label)=)")


def read_binding(text: str) -> access_service_pb2.Binding:
    """The role and where it holds.

    Raises: InvalidArgumentError: another form, or no such role.
    """
    whole, *limits = _NEXT_LIMIT.split(text)
    word, sign, tenant = whole.partition("@")
    if word not in set(Role) or not sign or not tenant or ":" in tenant:
        raise InvalidArgumentError(
            f"--binding: {text!r} is not ROLE@TENANT with :site=… or :label=KEY=VALUE; roles are {', '.join(Role)}"
        )
    found = access_service_pb2.Binding(
        role=access_service_pb2.Role.Value(f"ROLE_{Role(word).name}"), tenant=resource_name(tenant, "tenants")
    )
    for limit in limits:
        kind, _, value = limit.partition("=")
        if kind == "site":
            found.sites.append(value)
        else:
            found.labels.append(_label(value, text))
    return found


def binding_text(message: access_service_pb2.Binding) -> str:
    """The same as a text."""
    limits = [f":site={site}" for site in message.sites]
    limits += [f":label={label.key}={label.value}" for label in message.labels]
    role = worded(access_service_pb2.Role, message.role, "ROLE_")
    return f"{role}@{resource_id(message.tenant)}{''.join(limits)}"


def binding_texts(messages: Iterable[access_service_pb2.Binding]) -> str:
    """Several in one cell of a table."""
    return ", ".join(map(binding_text, messages))


def _label(value: str, text: str) -> node_pb2.Label:
    key, sign, wanted = value.partition("=")
    if not sign or not key:
        raise InvalidArgumentError(f"--binding: {text!r}: a label is :label=KEY=VALUE")
    return node_pb2.Label(key=key, value=wanted)

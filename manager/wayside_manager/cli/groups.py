"""`wayside groups`: apply, list, show, delete."""

import typer

from wayside.v1 import site_pb2
from wayside_manager.cli.output import local_time
from wayside_manager.cli.place_commands import Noun, add_commands
from wayside_manager.cli.running import resource_id
from wayside_manager.cli.selector_words import described

COLUMNS = ("GROUP", "TENANT", "NODES", "WHO", "NAME")

app = typer.Typer(no_args_is_help=True, help="Groups: nodes that belong together, by a list or by a selector.")


def _row(group: site_pb2.Group) -> tuple[object, ...]:
    who = described(group.selector) if group.HasField("selector") else "a list"
    return resource_id(group.name), resource_id(group.tenant), group.node_count, who, group.display_name


def _fields(group: site_pb2.Group) -> dict[str, object]:
    return {
        "group": resource_id(group.name),
        "tenant": resource_id(group.tenant),
        "display name": group.display_name,
        "selector": described(group.selector) if group.HasField("selector") else "",
        "listed": ", ".join(map(resource_id, group.nodes)),
        "nodes": group.node_count,
        "changed": local_time(group.update_time),
        "etag": group.etag,
    }


add_commands(app, Noun("groups", "group", site_pb2.Group, COLUMNS, _row, _fields))

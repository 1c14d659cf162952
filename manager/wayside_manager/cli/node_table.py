"""How nodes are printed: a row of a list, or everything of one."""

from wayside.v1 import node_pb2
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_fields,
    print_json,
    print_json_line,
    print_line,
    short,
)
from wayside_manager.cli.running import chosen_output, resource_id

NODE_COLUMNS = ("NODE", "KIND", "PRESENCE", "SITE", "RELEASE", "CONFIG", "IN ORDER", "LAST REPORT")


def node_row(node: node_pb2.Node) -> tuple[object, ...]:
    """What a list says of a node."""
    return (
        resource_id(node.name),
        short(node_pb2.NodeKind.Name(node.kind), "NODE_KIND_"),
        short(node_pb2.Presence.Name(node.presence), "PRESENCE_"),
        node.site,
        resource_id(node.health.release) or "factory",
        f"{node.health.config_revision}/{node.desired_config_revision}",
        "no" if node.reconciling else "yes",
        local_time(node.last_report_time),
    )


def print_node(node: node_pb2.Node, output: Output | None) -> None:
    """One node, everything."""
    if chosen_output(output) is Output.JSON:
        print_json(node)
        return
    print_fields(
        {
            "node": resource_id(node.name),
            "kind": short(node_pb2.NodeKind.Name(node.kind), "NODE_KIND_"),
            "esn": node.esn,
            "display name": node.display_name,
            "site": node.site,
            "labels": ", ".join(f"{label.key}={label.value}" for label in node.labels),
            "state": short(node_pb2.Node.State.Name(node.state), "STATE_"),
            "presence": short(node_pb2.Presence.Name(node.presence), "PRESENCE_"),
            "last report": local_time(node.last_report_time),
            "agent": node.health.agent_version,
            "release": f"{resource_id(node.health.release) or 'factory'}, wanted {resource_id(node.desired_release)}"
            if node.desired_release
            else resource_id(node.health.release) or "factory",
            "config revision": f"{node.health.config_revision}, wanted {node.desired_config_revision}",
            "in order": "no" if node.reconciling else "yes",
            "config says": node.config.message,
            "update says": node.update.message,
            "lost reports": node.lost_report_count,
            "enrolled": local_time(node.create_time),
            "etag": node.etag,
        }
    )


def print_change(node: node_pb2.Node, output: Output | None) -> None:
    """One node of a watch, on a line."""
    if chosen_output(output) is Output.JSON:
        print_json_line(node)
    else:
        print_line("  ".join(str(cell) for cell in node_row(node)))

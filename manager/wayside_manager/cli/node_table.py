"""How nodes are printed: a row of a list, or everything of one."""

from wayside.v1 import node_pb2
from wayside_manager.cli.config.values import variables_text
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_fields,
    print_json,
    print_json_line,
    print_line,
    worded,
)
from wayside_manager.cli.running import chosen_output, resource_id

NODE_COLUMNS = ("NODE", "TENANT", "KIND", "STATE", "PRESENCE", "SITE", "RELEASE", "CONFIG", "IN ORDER", "LAST REPORT")


def node_row(node: node_pb2.Node) -> tuple[object, ...]:
    """What a list says of a node."""
    return (
        resource_id(node.name),
        resource_id(node.tenant),
        worded(node_pb2.NodeKind, node.kind, "NODE_KIND_"),
        worded(node_pb2.Node.State, node.state, "STATE_"),
        worded(node_pb2.Presence, node.presence, "PRESENCE_"),
        resource_id(node.site),
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
            "tenant": resource_id(node.tenant),
            "kind": worded(node_pb2.NodeKind, node.kind, "NODE_KIND_"),
            "esn": node.esn,
            "display name": node.display_name,
            "site": resource_id(node.site),
            "variables": variables_text(node.variables),
            "labels": ", ".join(f"{label.key}={label.value}" for label in node.labels),
            "state": worded(node_pb2.Node.State, node.state, "STATE_"),
            "presence": worded(node_pb2.Presence, node.presence, "PRESENCE_"),
            "last report": local_time(node.last_report_time),
            "agent": node.health.agent_version,
            "release": f"{resource_id(node.health.release) or 'factory'}, wanted {resource_id(node.desired_release)}"
            if node.desired_release
            else resource_id(node.health.release) or "factory",
            "config revision": f"{node.health.config_revision}, wanted {node.desired_config_revision}",
            "in order": "no" if node.reconciling else "yes",
            "config says": node.config.message,
            "update says": node.update.message or "; ".join(node.update.blockers),
            **{f"component {each.name}": each.version or each.message or "none" for each in node.update.components},
            **_health(node.health),
            "lost reports": node.lost_report_count,
            "enrolled": local_time(node.create_time),
            "certificate until": local_time(node.certificate_expire_time),
            "etag": node.etag,
        }
    )


def _health(health: node_pb2.HealthReport) -> dict[str, object]:
    """What the unit last said of its sensors and of what it owes, a line each."""
    lines: dict[str, object] = {}
    for bus in health.can_buses:
        drops = f", {bus.kernel_drop_count} dropped" if bus.kernel_drop_count else ""
        is_open = "" if bus.is_open else ", not open"
        lines[f"can {bus.name}"] = f"{bus.frame_rate_hertz:.0f} frames/s, {bus.frame_count} so far{drops}{is_open}"
    if health.HasField("gnss"):
        quality = worded(node_pb2.FixQuality, health.gnss.quality, "FIX_QUALITY_") or "unknown"
        mode = worded(node_pb2.FixMode, health.gnss.mode, "FIX_MODE_") or "unknown"
        hdop = f", hdop {health.gnss.hdop:.1f}" if health.gnss.HasField("hdop") else ""
        lines["gnss"] = f"fix {mode}, {quality}{hdop}"
    if health.HasField("radio"):
        kinds = (
            f"{count.count} {worded(node_pb2.V2xMessageKind, count.kind, 'V2X_MESSAGE_KIND_')}"
            for count in health.radio.received
        )
        missed = f", {health.radio.lost_bsm_count} bsm missed" if health.radio.lost_bsm_count else ""
        around = f", {health.radio.neighbour_count} stations around" if health.radio.neighbour_count else ""
        unverified = f", {health.radio.unverified_count} unverified" if health.radio.unverified_count else ""
        closed = "" if health.radio.is_open else ", not open"
        lines["radio"] = "heard " + (", ".join(kinds) or "nothing") + missed + unverified + around + closed
    owed = (f"{spool.record_count} {spool.name}" for spool in health.spools)
    lines["owes"] = ", ".join(owed)
    return lines


def print_change(node: node_pb2.Node, output: Output | None) -> None:
    """One node of a watch, on a line."""
    if chosen_output(output) is Output.JSON:
        print_json_line(node)
    else:
        print_line("  ".join(str(cell) for cell in node_row(node)))

"""`wayside sites`: apply, list, show, delete, import, export, select."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2, site_pb2, site_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.config.values import variables_text
from wayside_manager.cli.corridor_text import stake_m
from wayside_manager.cli.output import Output, local_time, print_json, print_line, worded
from wayside_manager.cli.place_commands import Noun, add_commands
from wayside_manager.cli.place_file import FILE_MAX_BYTES
from wayside_manager.cli.running import (
    PAGE_SIZE,
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.cli.selector_options import naming_nodes
from wayside_manager.cli.text_file import read_bytes
from wayside_manager.cli.whole_file import growing

IMPORT_TIMEOUT_S = 120.0
COLUMNS = ("SITE", "TENANT", "KIND", "NODES", "LATITUDE", "LONGITUDE", "TIME ZONE", "NAME")

app = typer.Typer(no_args_is_help=True, help="Sites: places with nodes, and maps of them.")


@app.command("import")
@reported
def import_file(
    file: Annotated[Path, typer.Argument(help="GeoJSON on WGS 84; convert maps in GCJ-02 or BD-09 before.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Creates or replaces sites, corridors and geofences from a map, all or none."""
    owner = resource_name(tenant, "tenants") if tenant else ""
    request = site_service_pb2.ImportGeoJsonRequest(
        geojson=read_bytes(file, max_bytes=FILE_MAX_BYTES), tenant=owner, validate_only=dry_run
    )
    answer = run(lambda manager: manager.call(manager.site.ImportGeoJson, request, timeout_s=IMPORT_TIMEOUT_S), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        would = "would be " if dry_run else ""
        print_line(
            f"{answer.created_count} {would}made, {answer.changed_count} {would}changed, "
            f"{answer.unchanged_count} {'would stay ' if dry_run else ''}the same"
        )


@app.command("export")
@reported
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to write; default: standard output.")] = None,
    context: ContextOption = None,
) -> None:
    """Writes every site, corridor and geofence you may see as GeoJSON that import takes."""
    request = site_service_pb2.ExportGeoJsonRequest()
    answer = run(lambda manager: manager.call(manager.site.ExportGeoJson, request), context)
    text = answer.geojson.decode()
    if file is None:
        sys.stdout.write(f"{text}\n")
        return
    with growing(file) as stream:
        stream.write(f"{text}\n")


@app.command("select")
@reported
@naming_nodes
def select(
    *,
    selector: node_pb2.NodeSelector | None,
    begin: Annotated[str, typer.Option("--from", help="First stake on the corridor: K12+300, or metres.")] = "",
    end: Annotated[str, typer.Option("--to", help="Last stake on the corridor.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists the nodes that options mean now, as a layer or rollout with the same selector would."""
    if selector is None:
        raise InvalidArgumentError("name nodes, for example with --corridor, --site or --all")
    _narrow(selector, begin, end)
    names, total_count = run(lambda manager: _selected(manager, selector), context)
    if chosen_output(output) is Output.JSON:
        print_json({"nodes": names, "total_count": total_count})
    else:
        print_line("\n".join([*map(resource_id, names), f"{total_count} nodes"]))


def _narrow(selector: node_pb2.NodeSelector, begin: str, end: str) -> None:
    if not begin and not end:
        return
    if len(selector.corridors) != 1:
        raise InvalidArgumentError("--from and --to: name one --corridor they are stakes of")
    if begin:
        selector.corridors[0].begin_stake_meters = stake_m(begin, field="--from")
    if end:
        selector.corridors[0].end_stake_meters = stake_m(end, field="--to")


async def _selected(manager: ManagerClient, selector: node_pb2.NodeSelector) -> tuple[list[str], int]:
    request = site_service_pb2.SelectNodesRequest(selector=selector, page_size=PAGE_SIZE)
    names: list[str] = []
    while True:
        answer = await manager.call(manager.site.SelectNodes, request)
        names += answer.nodes
        request.page_token = answer.next_page_token
        if not request.page_token:
            return names, answer.total_count


def _row(site: site_pb2.Site) -> tuple[object, ...]:
    has_position = site.HasField("position")
    return (
        resource_id(site.name),
        resource_id(site.tenant),
        worded(site_pb2.SiteKind, site.kind, "SITE_KIND_"),
        site.node_count,
        f"{site.position.latitude_degrees:.6f}" if has_position else "",
        f"{site.position.longitude_degrees:.6f}" if has_position else "",
        site.time_zone,
        site.display_name,
    )


def _fields(site: site_pb2.Site) -> dict[str, object]:
    at = site.position
    return {
        "site": resource_id(site.name),
        "tenant": resource_id(site.tenant),
        "display name": site.display_name,
        "kind": worded(site_pb2.SiteKind, site.kind, "SITE_KIND_"),
        "position": f"{at.latitude_degrees:.6f}, {at.longitude_degrees:.6f}" if site.HasField("position") else "",
        "time zone": site.time_zone,
        "variables": variables_text(site.variables),
        "back-haul": site.backhaul,
        "power feed": site.power_feed,
        "exposure class": site.exposure_class,
        "nodes": site.node_count,
        "changed": local_time(site.update_time),
        "etag": site.etag,
    }


add_commands(app, Noun("sites", "site", site_pb2.Site, COLUMNS, _row, _fields))

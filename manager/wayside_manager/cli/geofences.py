"""`wayside geofences`: apply, list, show, delete, judge."""

from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import site_pb2, site_service_pb2
from wayside_manager.cli.output import Output, local_time, print_json, print_line, print_table, worded
from wayside_manager.cli.place_commands import Noun, add_commands
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.cli.track_file import read_track

JUDGE_TIMEOUT_S = 120.0
COLUMNS = ("GEOFENCE", "TENANT", "KIND", "LICENCE", "UNTIL", "NAME")
CROSSING_COLUMNS = ("TIME", "GEOFENCE", "WHAT", "VIOLATION", "LATITUDE", "LONGITUDE")

app = typer.Typer(no_args_is_help=True, help="Geofences: areas on the map with rules.")


@app.command("judge")
@reported
def judge(
    track: Annotated[Path, typer.Argument(help="Track: NMEA with RMC, CSV with time,latitude,longitude, or GeoJSON.")],
    geofence: Annotated[list[str], typer.Option(help="By which geofence; repeat for more.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Tells where a track crossed borders, what of it broke a rule, and how far was driven where it was permitted."""
    request = site_service_pb2.JudgeTrackRequest(
        points=read_track(track), geofences=[resource_name(name, "geofences") for name in geofence]
    )
    answer = run(lambda manager: manager.call(manager.site.JudgeTrack, request, timeout_s=JUDGE_TIMEOUT_S), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
        return
    print_table(CROSSING_COLUMNS, map(_crossing_row, answer.crossings))
    violation_count = sum(crossing.is_violation for crossing in answer.crossings)
    print_line(
        f"{len(answer.crossings)} crossings, {violation_count} violations; permitted {answer.permitted_meters:.0f} m, "
        f"otherwise {answer.other_meters:.0f} m"
    )


def _crossing_row(crossing: site_service_pb2.FenceCrossing) -> tuple[object, ...]:
    return (
        local_time(crossing.time),
        resource_id(crossing.geofence),
        worded(site_service_pb2.FenceCrossing.Kind, crossing.kind, "KIND_"),
        "yes" if crossing.is_violation else "no",
        f"{crossing.position.latitude_degrees:.6f}",
        f"{crossing.position.longitude_degrees:.6f}",
    )


def _row(geofence: site_pb2.Geofence) -> tuple[object, ...]:
    return (
        resource_id(geofence.name),
        resource_id(geofence.tenant),
        worded(site_pb2.Geofence.Kind, geofence.kind, "KIND_"),
        geofence.licence,
        local_time(geofence.expire_time),
        geofence.display_name,
    )


def _fields(geofence: site_pb2.Geofence) -> dict[str, object]:
    hours = (f"{','.join(map(str, one.weekdays)) or 'every day'} {one.begin}-{one.end}" for one in geofence.hours)
    return {
        "geofence": resource_id(geofence.name),
        "tenant": resource_id(geofence.tenant),
        "display name": geofence.display_name,
        "kind": worded(site_pb2.Geofence.Kind, geofence.kind, "KIND_"),
        "licence": geofence.licence,
        "from": local_time(geofence.begin_time),
        "until": local_time(geofence.expire_time),
        "hours": "; ".join(hours),
        "time zone": geofence.time_zone,
        "hysteresis": f"{geofence.hysteresis_meters:g} m",
        "geometry": f"{geofence.geometry_json[:120]}{'...' if len(geofence.geometry_json) > 120 else ''}",  # noqa: PLR2004
        "changed": local_time(geofence.update_time),
        "etag": geofence.etag,
    }


add_commands(app, Noun("geofences", "geofence", site_pb2.Geofence, COLUMNS, _row, _fields))

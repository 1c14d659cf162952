"""`wayside corridors`: apply, list, show, delete."""

import typer

from wayside.v1 import site_pb2
from wayside_manager.cli.output import local_time
from wayside_manager.cli.place_commands import Noun, add_commands
from wayside_manager.cli.running import resource_id

COLUMNS = ("CORRIDOR", "TENANT", "SITES", "RING", "AT ONCE", "NAME")
_METRES_PER_KILOMETRE = 1000

app = typer.Typer(
    no_args_is_help=True, help="Corridors: sites in the order of a road; neighbours never change at once."
)


def _row(corridor: site_pb2.Corridor) -> tuple[object, ...]:
    return (
        resource_id(corridor.name),
        resource_id(corridor.tenant),
        len(corridor.sites),
        "yes" if corridor.is_ring else "no",
        f"{corridor.max_in_flight_percent:g} %",
        corridor.display_name,
    )


def _fields(corridor: site_pb2.Corridor) -> dict[str, object]:
    return {
        "corridor": resource_id(corridor.name),
        "tenant": resource_id(corridor.tenant),
        "display name": corridor.display_name,
        "ring": "yes" if corridor.is_ring else "no",
        "at once at most": f"{corridor.max_in_flight_percent:g} %",
        "sites": "\n".join(f"{_stake(site.stake_meters)}  {resource_id(site.site)}" for site in corridor.sites),
        "changed": local_time(corridor.update_time),
        "etag": corridor.etag,
    }


def _stake(stake_m: float) -> str:
    """`K12+300` of 12300 m."""
    kilometres, metres = divmod(stake_m, _METRES_PER_KILOMETRE)
    return f"K{kilometres:.0f}+{metres:03.0f}"


add_commands(app, Noun("corridors", "corridor", site_pb2.Corridor, COLUMNS, _row, _fields))

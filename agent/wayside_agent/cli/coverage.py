"""The coverage map of a running unit for people: GeoJSON (RFC 7946), which any map program shows."""

from collections.abc import Mapping
from typing import Any


def geojson(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """A feature for each cell of `wayside-agent status`, its counts as properties."""
    cells = snapshot.get("v2x", {}).get("cells", [])
    return {"type": "FeatureCollection", "features": [_feature(cell) for cell in cells]}


def brief(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The same snapshot for a screen: how many cells there are, not each of them."""
    heard = snapshot.get("v2x")
    return (
        {**snapshot, "v2x": {**heard, "cells": len(heard["cells"])}} if heard and "cells" in heard else dict(snapshot)
    )


def _feature(cell: Mapping[str, Any]) -> dict[str, Any]:
    south, west, north, east = cell["corners_deg"]
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {name: value for name, value in cell.items() if name != "corners_deg"},
    }

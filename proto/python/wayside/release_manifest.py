"""What a release says of itself: `release.json`, the first entry of its archive.

    manifest = parsed(content)      # bounded, checked; both sides read it with this

The builder writes it, people sign the archive that begins with it, the manager shows it, a unit obeys it.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError
from wayside.names import checked_version

FORMAT = 2
NAME = "release.json"
MAX_BYTES = 65_536

Label = Annotated[str, Meta(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")]
Sentence = Annotated[str, Meta(max_length=2_000)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
_REQUIREMENT = re.compile(r"^[a-z][a-z0-9-]{0,62}(>=[0-9]{1,16})?\Z")


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a release."""

    name: Label
    version: Annotated[str, Meta(max_length=80)]
    driver: Annotated[str, Meta(pattern="^(slot|rauc|swupdate|firmware|file)$")]
    file: Annotated[str, Meta(pattern=r"^(|payload/[A-Za-z0-9._-]{1,100})$")] = ""
    """In the archive. Empty: the tree below `site/`."""
    size_bytes: Count = 0
    requires: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()
    """Components of this release, by name or by what they provide, that are activated before it."""
    provides: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()
    """Beside its own name."""


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person must know of an update (UN R156 7.2.2.2)."""

    purpose: Sentence
    changes: Sentence
    duration_s: Annotated[float, Meta(ge=0, le=7 * 86_400)]
    unavailable: Sentence
    safety: Sentence


class _Format(msgspec.Struct, frozen=True):
    """The one field that software of any age can read."""

    format: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release says of itself."""

    format: int
    version: str
    counter: Annotated[int, Meta(ge=1, le=2**53)]
    """Rises along a line of releases; a unit takes no smaller one."""
    tree_sha256: Sha256
    """See `wayside.release_tree`; of every file but this one."""
    components: Annotated[tuple[Component, ...], Meta(min_length=1, max_length=50)]
    hardware_ids: Annotated[tuple[Label, ...], Meta(max_length=200)] = ()
    """Empty: any."""
    python: Annotated[str, Meta(pattern=r"^(|[0-9]\.[0-9]{1,3})$")] = ""
    """`3.11`: its compiled modules are for this Python. Empty: any."""
    platform: Annotated[str, Meta(max_length=80)] = ""
    """`linux-x86_64`. Empty: any."""
    requires: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    """`name` or `name>=counter`: what the release that runs must provide."""
    provides: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()
    notices: dict[Annotated[str, Meta(pattern="^(zh|en)$")], Notice] = {}
    downgrade_from_counter: Count = 0
    """It may replace releases up to this counter although they are newer."""
    return_to_counter: Count = 0
    """A unit that runs it may go back to releases from this counter on. 0: to none."""


def parsed(content: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises: InvalidArgumentError: naming the field.
    """
    if len(content) > MAX_BYTES:
        raise _refused(f"it has more than {MAX_BYTES} bytes")
    try:
        stated = msgspec.json.decode(content, type=_Format).format
        if stated != FORMAT:
            raise _refused(f"it has format {stated}, this software reads format {FORMAT}")
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(str(error)[:300]) from error
    checked_version(manifest.version, field=f"{NAME}: field version")
    for requirement in manifest.requires:
        if not _REQUIREMENT.match(requirement):
            raise _refused(f"field requires: {requirement[:80]!r} is neither a name nor name>=counter")
    in_order(manifest.components)
    return manifest


def in_order(components: tuple[Component, ...]) -> tuple[Component, ...]:
    """The same components, each behind everything it requires, else as they stand.

    Raises: InvalidArgumentError: two have one name, one requires what none provides, or some wait for each other.
    """
    names = [each.name for each in components]
    for name in names:
        if names.count(name) > 1:
            raise _refused(f"field components: two are called {name!r}")
    offers = {each.name: {each.name, *each.provides} for each in components}
    needs = {
        each.name: {name for name in names for needed in each.requires if needed in offers[name]} for each in components
    }
    for each in components:
        for needed in set(each.requires) - set().union(*offers.values()):
            raise _refused(f"field components: {each.name} requires {needed}, which no component provides")
    found: list[Component] = []
    while len(found) < len(components):
        done = {each.name for each in found}
        ready = next((each for each in components if each.name not in done and needs[each.name] <= done), None)
        if ready is None:
            raise _refused(f"field components: {', '.join(sorted(set(names) - done))} wait for each other")
        found.append(ready)
    return tuple(found)


def _refused(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"the archive is not a release: {NAME}: {why}; build it again with tools of this version",
        reason="NOT_A_RELEASE",
    )

"""What a call is about: finds the thing its request names, and asks whether the caller's rights cover it.

Usage: `await Targets(store).check(rule, request, rights, record)`.
"""

from typing import Any

from wayside.errors import InvalidArgumentError
from wayside.names import checked_label, checked_version, tenant_id
from wayside_manager.core.audit import CallRecord, Change
from wayside_manager.core.policy import Rule, Target
from wayside_manager.core.rights import Rights
from wayside_manager.ports.access import PlaceStore, Resource


class Targets:
    """Judges the target of a call of an operator."""

    def __init__(self, places: PlaceStore) -> None:
        self._places = places

    async def check(self, rule: Rule, request: Any, rights: Rights, record: CallRecord) -> None:  # noqa: ANN401  # any
        """Returns if the rights cover the target; the record then holds its tenant, empty: none, or several.

        It also holds what the call is about when it is refused.
        Raises: PermissionDeniedError, NotFoundError: not for this caller; InvalidArgumentError: the name is malformed.
        """
        if rule.permission is None:
            return
        rights.check_somewhere()
        if rule.target is Target.ROOT:
            rights.check_everywhere()
        elif rule.target is Target.NEW:
            record.tenant_id = tenant_of_new(request, rule.field, rights)
        elif rule.target not in {Target.LISTED, Target.STREAMED, Target.SELF}:
            await self._check_thing(rule, request, rights, record)

    async def _check_thing(self, rule: Rule, request: Any, rights: Rights, record: CallRecord) -> None:  # noqa: ANN401  # any
        thing_id = id_in(field_of(request, rule.field), rule.target, field=rule.field)
        places = await self._places.find_places(Resource(rule.target), thing_id)
        record.changes = [Change(f"{rule.target}/{thing_id}")]
        if rule.tenant_field and not (places and rights.sees(rule.target, places)):
            # a new one; of a hidden one with its name the store only says that the name is taken
            record.tenant_id = tenant_of_new(request, rule.tenant_field, rights)
            return
        tenant_ids = {place.tenant_id for place in places}
        record.tenant_id = tenant_ids.pop() if len(tenant_ids) == 1 else ""
        rights.check(rule.target, thing_id, places)


def tenant_of_new(request: Any, field: str, rights: Rights) -> str:  # noqa: ANN401  # any request
    """The tenant a request names for a new thing; see `Rights.tenant_of_new`."""
    name = field_of(request, field)
    return rights.tenant_of_new(tenant_id(name, field=field) if name else "", field=field)


def field_of(request: Any, path: str) -> str:  # noqa: ANN401  # any request
    """The text at a path such as `node.name`."""
    for name in path.split("."):
        request = getattr(request, name)
    return str(request)


def id_in(name: str, target: Target, *, field: str) -> str:
    """The id in a name such as `nodes/rsu-1`.

    Raises: InvalidArgumentError: another collection, or no id.
    """
    collection, slash, thing_id = name.partition("/")
    if collection != target or not slash:
        raise InvalidArgumentError(f"{field}: {name[:80]!r} does not begin with '{target}/'", reason="NAME_INVALID")
    return (checked_version if target is Target.RELEASE else checked_label)(thing_id, field=field)

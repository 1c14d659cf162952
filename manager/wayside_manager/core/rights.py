"""Whether one caller may do one thing to one target: the judgement of the gate, without asking anybody.

Usage: `Rights.of("GetNode", Permission.NODES_READ, bindings, tenants).check(Target.NODE, "rsu-1", places)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside_manager.core.access import (
    GRANTS,
    NOWHERE,
    ROOT_TENANT,
    Binding,
    Permission,
    Place,
    Reach,
    Tenants,
    reach,
)
from wayside_manager.core.missing import hidden, not_there
from wayside_manager.core.policy import Target

_SEEN_WITH: Mapping[Target, Permission] = {
    Target.NODE: Permission.NODES_READ,
    Target.LAYER: Permission.CONFIG_READ,
    Target.RELEASE: Permission.RELEASES_READ,
    Target.ROLLOUT: Permission.ROLLOUTS_READ,
    Target.BROADCAST: Permission.NODES_READ,
    Target.TOKEN: Permission.NODES_ADMIT,
    Target.REQUEST: Permission.NODES_ADMIT,
    Target.APPROVAL: Permission.APPROVALS_READ,
    Target.OPERATOR: Permission.OPERATORS_READ,
    Target.CREDENTIAL: Permission.OPERATORS_READ,
    Target.TENANT: Permission.TENANTS_READ,
    Target.SITE: Permission.SITES_READ,
    Target.CORRIDOR: Permission.SITES_READ,
    Target.GROUP: Permission.SITES_READ,
    Target.GEOFENCE: Permission.SITES_READ,
    Target.RADIO_LICENCE: Permission.SITES_READ,
    Target.ALARM: Permission.ALARMS_READ,
    Target.JOB: Permission.JOBS_READ,
    Target.SINK: Permission.ALARMS_RULE,
}
"""With which permission a thing can be seen at all. Who cannot see it is told that it is not there."""

_SEEN_FROM_BELOW = frozenset({Target.SITE, Target.CORRIDOR, Target.GROUP, Target.GEOFENCE})
"""Nodes of the tenants below stand there and are in them, so their operators may look at them."""

_AT_A_NODE = frozenset({Target.NODE, Target.JOB, Target.ALARM})
"""Who may see some nodes only sees what is theirs; an alarm of an area has no site, so it takes the whole tenant."""

_NO_TENANTS = Tenants({})


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may do with the permission one call needs."""

    verb: str = ""
    """The call, for sentences: `UpdateNode`."""
    permission: Permission | None = None
    bindings: tuple[Binding, ...] = ()
    tenants: Tenants = _NO_TENANTS
    reach: Reach = NOWHERE

    @classmethod
    def of(cls, verb: str, permission: Permission | None, bindings: Iterable[Binding], tenants: Tenants) -> "Rights":
        """The rights that bindings give; `None` as the permission gives no reach."""
        held = tuple(bindings)
        covered = NOWHERE if permission is None else reach(held, permission, tenants)
        return cls(verb, permission, held, tenants, covered)

    def check_somewhere(self) -> None:
        """Returns if the permission is held anywhere.

        Raises: PermissionDeniedError: whatever the target is, so nobody learns of targets.
        """
        if self.reach.is_nowhere:
            raise self._refusal("")

    def check_everywhere(self) -> None:
        """Returns if the permission is held for the whole deployment.

        Raises: PermissionDeniedError.
        """
        if not self.reach.covers_tenant(ROOT_TENANT):
            raise self._refusal(f" in tenants/{ROOT_TENANT}")

    def check(self, target: Target, thing_id: str, places: Sequence[Place]) -> None:
        """Returns if the permission covers a thing; `places` is where it is, empty if it is not there.

        Raises: NotFoundError: it is not there, or cannot be seen; PermissionDeniedError: it can be seen, no more.
        """
        if not places:
            raise not_there(target, thing_id)
        if _covers(self.reach, target, places):
            return
        if self.permission is _SEEN_WITH.get(target) and self.sees(target, places):
            return  # to look at it is all that is asked
        if self.sees(target, places):
            raise self._refusal(f" for {target}/{thing_id}")
        raise hidden(target, thing_id)

    def sees(self, target: Target, places: Sequence[Place]) -> bool:
        """Whether the caller may know of a thing that is in these places."""
        area = reach(self.bindings, _SEEN_WITH[target], self.tenants)
        if target in _SEEN_FROM_BELOW:
            return all(area.uses_releases_of(place.tenant_id) for place in places)
        return _covers(area, target, places)

    def tenant_of_new(self, tenant_id: str, *, field: str) -> str:
        """The tenant of a new thing; empty stands for the only one the caller is at home in.

        Raises: NotFoundError: no such tenant for this caller; PermissionDeniedError: no role for all of it;
        InvalidArgumentError: none is named and there are several.
        """
        if tenant_id:
            places = (Place(tenant_id),) if tenant_id in self.tenants.parents else ()
            self.check(Target.TENANT, tenant_id, places)
            return tenant_id
        homes = sorted(self.reach.home_tenant_ids)
        if not homes:
            raise self._refusal(" for the whole of a tenant")
        if len(homes) > 1:
            raise InvalidArgumentError(
                f"{field}: name one of the tenants you have the role in: {', '.join(homes)}", reason="TENANT_AMBIGUOUS"
            )
        return homes[0]

    def _refusal(self, where: str) -> PermissionDeniedError:
        roles = [role for role, granted in GRANTS.items() if self.permission in granted]
        return PermissionDeniedError(
            f"{self.verb} needs the role {' or '.join(roles)}{where}; ask an admin for it", reason="ROLE_MISSING"
        )


def gains(bindings: Iterable[Binding], tenants: Tenants, *, before: Place, after: Place) -> bool:
    """Whether somebody with these bindings may do anything with a node at one place that they may not at another."""
    held = tuple(bindings)
    areas = (reach(held, permission, tenants) for permission in Permission)
    return any(area.covers(after) and not area.covers(before) for area in areas)


def _covers(area: Reach, target: Target, places: Sequence[Place]) -> bool:
    if target in _AT_A_NODE:
        return all(area.covers(place) for place in places)
    if target is Target.RELEASE:
        return all(area.uses_releases_of(place.tenant_id) for place in places)
    return all(area.covers_tenant(place.tenant_id) for place in places)


NO_RIGHTS = Rights()

"""Who may do what, and where: roles, tenants, and the reach that comes out of them.

A *binding* gives a role in a tenant and in those below it, for all its nodes or for those of a site or group only. The
*reach* of a permission is what all bindings that give it cover together. Deny by default: no binding, no reach.
Usage: `reach(bindings, Permission.NODES_READ, tenants).covers(Place("haikou", site="k12"))`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside_manager.core.nodes import Label

ROOT_TENANT = "root"


class Role(StrEnum):
    """What one may do; names as in `wayside.v1.Role`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    RELEASE_MANAGER = "release-manager"
    APPROVER = "approver"
    ADMIN = "admin"
    AUDITOR = "auditor"
    INTEGRATOR = "integrator"


class Permission(StrEnum):
    """What a call needs."""

    NODES_READ = "nodes.read"
    NODES_WRITE = "nodes.write"
    NODES_ADMIT = "nodes.admit"
    """Letting units in: tokens, registrations, requests."""
    NODES_EXPEL = "nodes.expel"
    """Retiring and revoking."""
    SITES_READ = "sites.read"
    SITES_WRITE = "sites.write"
    """Sites, corridors, groups, geofences and radio licences."""
    CONFIG_READ = "config.read"
    CONFIG_WRITE = "config.write"
    RELEASES_READ = "releases.read"
    RELEASES_WRITE = "releases.write"
    ROLLOUTS_READ = "rollouts.read"
    ROLLOUTS_START = "rollouts.start"
    ROLLOUTS_STEER = "rollouts.steer"
    """Pausing, resuming, aborting."""
    ALARMS_READ = "alarms.read"
    """Alarms, events and what becomes of them."""
    ALARMS_ACT = "alarms.act"
    """Acknowledging and shelving."""
    ALARMS_RULE = "alarms.rule"
    """What becomes an alarm, and where events go."""
    JOBS_READ = "jobs.read"
    JOBS_RUN = "jobs.run"
    JOBS_SHELL = "jobs.shell"
    """Shells, and putting files onto units."""
    BROADCASTS_PUBLISH = "broadcasts.publish"
    """What roadside units say on the air, and taking it back."""
    FLEET_STOP = "fleet.stop"
    """The kill switch."""
    APPROVALS_READ = "approvals.read"
    APPROVALS_DECIDE = "approvals.decide"
    OPERATORS_READ = "operators.read"
    OPERATORS_WRITE = "operators.write"
    TENANTS_READ = "tenants.read"
    TENANTS_WRITE = "tenants.write"
    AUDIT_READ = "audit.read"
    POLICY_READ = "policy.read"
    POLICY_WRITE = "policy.write"
    KEYS_READ = "keys.read"
    KEYS_WRITE = "keys.write"


_VIEW = frozenset(
    {
        Permission.NODES_READ,
        Permission.SITES_READ,
        Permission.CONFIG_READ,
        Permission.RELEASES_READ,
        Permission.ROLLOUTS_READ,
        Permission.ALARMS_READ,
        Permission.JOBS_READ,
        Permission.APPROVALS_READ,
        Permission.TENANTS_READ,
    }
)
GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.INTEGRATOR: frozenset(
        {Permission.NODES_READ, Permission.SITES_READ, Permission.ALARMS_READ, Permission.TENANTS_READ}
    ),
    Role.VIEWER: _VIEW,
    Role.OPERATOR: _VIEW
    | {
        Permission.NODES_WRITE,
        Permission.NODES_ADMIT,
        Permission.SITES_WRITE,
        Permission.CONFIG_WRITE,
        Permission.ROLLOUTS_STEER,
        Permission.ALARMS_ACT,
        Permission.JOBS_RUN,
        Permission.BROADCASTS_PUBLISH,
        Permission.FLEET_STOP,
    },
    Role.RELEASE_MANAGER: _VIEW
    | {
        Permission.RELEASES_WRITE,
        Permission.ROLLOUTS_START,
        Permission.ROLLOUTS_STEER,
        Permission.JOBS_RUN,
        Permission.FLEET_STOP,
    },
    Role.APPROVER: _VIEW | {Permission.APPROVALS_DECIDE},
    Role.AUDITOR: _VIEW
    | {Permission.AUDIT_READ, Permission.OPERATORS_READ, Permission.POLICY_READ, Permission.KEYS_READ},
    Role.ADMIN: frozenset(Permission),
}


class TenantKind(StrEnum):
    """What a tenant is."""

    PROVINCE = "province"
    CITY = "city"
    ROAD_OPERATOR = "road-operator"


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """Who owns nodes."""

    tenant_id: str
    kind: TenantKind
    parent_id: str
    """Empty only for the root."""
    create_time: datetime
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tree of tenants."""

    parents: Mapping[str, str]
    """Tenant to the one above; the root has the empty one."""

    def below(self, tenant_id: str) -> frozenset[str]:
        """The tenant and all below it; nothing for one that is not there."""
        return frozenset(each for each in self.parents if tenant_id in self._line(each))

    def above(self, tenant_id: str) -> frozenset[str]:
        """All above the tenant, without itself."""
        return frozenset(self._line(tenant_id)) - {tenant_id}

    def _line(self, tenant_id: str) -> tuple[str, ...]:
        line: list[str] = []
        while tenant_id and tenant_id in self.parents and tenant_id not in line:
            line.append(tenant_id)
            tenant_id = self.parents[tenant_id]
        return tuple(line)


@dataclass(frozen=True, slots=True)
class Binding:
    """A role, and where it holds."""

    role: Role
    tenant_id: str
    sites: tuple[str, ...] = ()
    """Only for nodes at one of these. Empty: at any."""
    labels: tuple[Label, ...] = ()
    """Only for nodes that carry all of these. Empty: any."""


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """A person or a program."""

    operator_id: str
    create_time: datetime
    update_time: datetime
    display_name: str = ""
    bindings: tuple[Binding, ...] = ()
    is_disabled: bool = False
    oidc_subject: str = ""
    has_password: bool = False
    etag: str = ""


@dataclass(frozen=True, slots=True)
class OperatorChange:
    """What an admin changes; `None` leaves a value alone."""

    display_name: str | None = None
    bindings: tuple[Binding, ...] | None = None
    is_disabled: bool | None = None
    oidc_subject: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is, for those who may only see some places."""

    tenant_id: str
    site: str = ""
    labels: frozenset[Label] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What one binding covers."""

    tenant_ids: frozenset[str]
    """The binding's tenant and all below it."""
    sites: frozenset[str] = frozenset()
    labels: frozenset[Label] = frozenset()

    @property
    def is_whole(self) -> bool:
        """It covers everything of its tenants, not only some nodes."""
        return not self.sites and not self.labels

    def covers(self, place: Place) -> bool:
        """Whether a thing at a place is covered."""
        return (
            place.tenant_id in self.tenant_ids
            and (not self.sites or place.site in self.sites)
            and place.labels.issuperset(self.labels)
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller's permission covers."""

    scopes: tuple[Scope, ...] = ()
    is_everywhere: bool = False
    """The manager itself."""
    home_tenant_ids: frozenset[str] = frozenset()
    """Tenants named by whole bindings, without those below: where a new thing belongs when there is only one."""
    inherited_tenant_ids: frozenset[str] = frozenset()
    """Tenants above those that are covered in any way: their releases may be used."""

    @property
    def is_nowhere(self) -> bool:
        """It covers nothing."""
        return not self.scopes and not self.is_everywhere

    @property
    def whole_tenant_ids(self) -> frozenset[str]:
        """Tenants of which everything is covered; what is not a node is seen only there."""
        return frozenset().union(*(scope.tenant_ids for scope in self.scopes if scope.is_whole))

    def covers(self, place: Place) -> bool:
        """Whether a node at a place is covered."""
        return self.is_everywhere or any(scope.covers(place) for scope in self.scopes)

    def covers_tenant(self, tenant_id: str) -> bool:
        """Whether everything of a tenant is covered."""
        return self.is_everywhere or tenant_id in self.whole_tenant_ids

    def uses_releases_of(self, tenant_id: str) -> bool:
        """Whether releases of a tenant may be seen and rolled out."""
        return self.covers_tenant(tenant_id) or tenant_id in self.inherited_tenant_ids


EVERYWHERE = Reach(is_everywhere=True)
NOWHERE = Reach()


def reach(bindings: Iterable[Binding], permission: Permission, tenants: Tenants) -> Reach:
    """What the bindings that give a permission cover together."""
    giving = [binding for binding in bindings if permission in GRANTS[binding.role]]
    scopes = [
        Scope(tenants.below(binding.tenant_id), frozenset(binding.sites), frozenset(binding.labels))
        for binding in giving
    ]
    known = [(binding, scope) for binding, scope in zip(giving, scopes, strict=True) if scope.tenant_ids]
    return Reach(
        scopes=tuple(scope for _, scope in known),
        home_tenant_ids=frozenset(binding.tenant_id for binding, scope in known if scope.is_whole),
        inherited_tenant_ids=frozenset().union(*(tenants.above(binding.tenant_id) for binding, _ in known)),
    )


def narrowed(bindings: Iterable[Binding], limits: Iterable[Binding], tenants: Tenants) -> tuple[Binding, ...]:
    """What a credential with limits may do: those of its limits that its holder's bindings still give."""
    held = tuple(bindings)
    wanted = tuple(limits)
    if not wanted:
        return held
    return tuple(limit for limit in wanted if any(_gives(binding, limit, tenants) for binding in held))


def gives_all(bindings: Iterable[Binding], wanted: Iterable[Binding], tenants: Tenants) -> bool:
    """Whether somebody with `bindings` may hand out `wanted`: each must lie whole within one of their own."""
    held = tuple(bindings)
    return all(any(_gives(binding, each, tenants) for binding in held) for each in wanted)


def _gives(held: Binding, wanted: Binding, tenants: Tenants) -> bool:
    return (
        GRANTS[held.role] >= GRANTS[wanted.role]
        and wanted.tenant_id in tenants.below(held.tenant_id)
        and (not held.sites or (bool(wanted.sites) and set(held.sites) >= set(wanted.sites)))
        and set(held.labels) <= set(wanted.labels)
    )

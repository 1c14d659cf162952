"""Roles, tenants, and the reach that comes out of them; and what one caller may do to one thing."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside_manager.core.access import (
    EVERYWHERE,
    GRANTS,
    Binding,
    Permission,
    Place,
    Role,
    Tenants,
    gives_all,
    narrowed,
    reach,
)
from wayside_manager.core.missing import HiddenError
from wayside_manager.core.nodes import Label
from wayside_manager.core.policy import Target
from wayside_manager.core.rights import Rights

# root ─ hainan ─ haikou
#      │        └ sanya
#      └ shanghai
TENANTS = Tenants({"root": "", "hainan": "root", "haikou": "hainan", "sanya": "hainan", "shanghai": "root"})
EVERY_TENANT = sorted(TENANTS.parents)
G98 = Label("road", "g98")


def nodes_of(*bindings: Binding) -> set[str]:
    """Tenants whose every node the bindings show."""
    area = reach(bindings, Permission.NODES_READ, TENANTS)
    return {tenant for tenant in EVERY_TENANT if area.covers(Place(tenant))}


def rights(verb: str, permission: Permission, *bindings: Binding) -> Rights:
    return Rights.of(verb, permission, bindings, TENANTS)


def test_without_a_binding_nothing_is_in_reach() -> None:
    assert nodes_of() == set()
    assert reach((), Permission.NODES_READ, TENANTS).is_nowhere


def test_a_role_in_a_tenant_holds_in_those_below_it() -> None:
    assert nodes_of(Binding(Role.VIEWER, "hainan")) == {"hainan", "haikou", "sanya"}
    assert nodes_of(Binding(Role.VIEWER, "root")) == set(EVERY_TENANT)


def test_a_role_in_a_tenant_that_is_gone_holds_nowhere() -> None:
    assert nodes_of(Binding(Role.ADMIN, "beijing")) == set()
    assert reach((Binding(Role.ADMIN, "beijing"),), Permission.NODES_READ, TENANTS).is_nowhere


def test_a_loop_of_tenants_ends() -> None:
    assert Tenants({"a": "b", "b": "a"}).below("a") == {"a", "b"}


def test_a_role_for_a_site_and_a_group_covers_only_nodes_of_both() -> None:
    area = reach((Binding(Role.VIEWER, "haikou", sites=("k12",), labels=(G98,)),), Permission.NODES_READ, TENANTS)
    there = Place("haikou", "k12", frozenset({G98, Label("lane", "1")}))
    assert area.covers(there)
    assert not area.covers(Place("haikou", "k13", there.labels))
    assert not area.covers(Place("haikou", "k12", frozenset({Label("road", "g1")})))
    assert not area.covers(Place("sanya", "k12", there.labels))
    assert not area.covers_tenant("haikou")


def test_releases_of_the_tenants_above_may_be_used_and_those_beside_may_not() -> None:
    area = reach((Binding(Role.RELEASE_MANAGER, "haikou"),), Permission.RELEASES_READ, TENANTS)
    assert {tenant for tenant in EVERY_TENANT if area.uses_releases_of(tenant)} == {"root", "hainan", "haikou"}
    assert not area.covers_tenant("hainan")


def test_everywhere_covers_whatever_there_is() -> None:
    assert EVERYWHERE.covers(Place("any"))
    assert EVERYWHERE.covers_tenant("any")
    assert not EVERYWHERE.is_nowhere


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_nodes_and_only_an_admin_writes_operators(role: Role) -> None:
    assert Permission.NODES_READ in GRANTS[role]
    assert (Permission.OPERATORS_WRITE in GRANTS[role]) == (role is Role.ADMIN)


def test_a_credential_with_limits_does_what_both_it_and_its_holder_may() -> None:
    held = (Binding(Role.OPERATOR, "hainan"),)
    assert narrowed(held, (), TENANTS) == held
    viewer = Binding(Role.VIEWER, "haikou", sites=("k12",))
    assert narrowed(held, (viewer, Binding(Role.VIEWER, "shanghai"), Binding(Role.ADMIN, "haikou")), TENANTS) == (
        viewer,
    )


def test_a_credential_whose_holder_lost_its_roles_does_nothing() -> None:
    assert narrowed((), (Binding(Role.VIEWER, "haikou"),), TENANTS) == ()


def test_nobody_hands_out_more_than_they_have() -> None:
    own = (Binding(Role.ADMIN, "hainan"), Binding(Role.OPERATOR, "shanghai", sites=("k1", "k2")))
    assert gives_all(own, (Binding(Role.ADMIN, "sanya"), Binding(Role.OPERATOR, "shanghai", sites=("k1",))), TENANTS)
    for more in (
        Binding(Role.VIEWER, "root"),
        Binding(Role.ADMIN, "shanghai", sites=("k1",)),
        Binding(Role.OPERATOR, "shanghai"),
        Binding(Role.OPERATOR, "shanghai", sites=("k1", "k3")),
    ):
        assert not gives_all(own, (more,), TENANTS)
    assert not gives_all((Binding(Role.ADMIN, "hainan", labels=(G98,)),), (Binding(Role.VIEWER, "hainan"),), TENANTS)


bindings = st.builds(
    Binding,
    role=st.sampled_from(Role),
    tenant_id=st.sampled_from(EVERY_TENANT),
    sites=st.sampled_from([(), ("k1",), ("k1", "k2")]),
    labels=st.sampled_from([(), (G98,)]),
)


@given(st.lists(bindings, max_size=3), st.lists(bindings, max_size=3))
def test_what_is_handed_out_never_reaches_further_than_the_giver(own: list[Binding], given_out: list[Binding]) -> None:
    if not gives_all(own, given_out, TENANTS):
        return
    places = [
        Place(tenant, site, labels)
        for tenant, site, labels in itertools.product(EVERY_TENANT, ("", "k1", "k2"), (frozenset(), frozenset({G98})))
    ]
    for permission in Permission:
        inner, outer = reach(given_out, permission, TENANTS), reach(own, permission, TENANTS)
        assert all(outer.covers(place) for place in places if inner.covers(place))
        assert inner.whole_tenant_ids <= outer.whole_tenant_ids


def test_without_the_role_a_call_is_refused_alike_for_what_is_there_and_what_is_not() -> None:
    caller = rights("UpdateNode", Permission.NODES_WRITE, Binding(Role.VIEWER, "haikou"))
    with pytest.raises(PermissionDeniedError, match="UpdateNode needs the role operator or admin; ask an admin") as one:
        caller.check_somewhere()
    assert one.value.reason == "ROLE_MISSING"


def test_a_thing_that_is_hidden_and_one_that_is_missing_get_the_same_answer() -> None:
    caller = rights("GetNode", Permission.NODES_READ, Binding(Role.VIEWER, "haikou"))
    with pytest.raises(NotFoundError) as hidden:
        caller.check(Target.NODE, "rsu-1", (Place("shanghai"),))
    with pytest.raises(NotFoundError) as missing:
        caller.check(Target.NODE, "rsu-1", ())
    assert (hidden.value.message, hidden.value.reason) == (missing.value.message, missing.value.reason)
    assert isinstance(hidden.value, HiddenError)
    assert not isinstance(missing.value, HiddenError)


def test_a_thing_that_is_seen_but_may_not_be_changed_names_the_role() -> None:
    caller = rights(
        "UpdateNode", Permission.NODES_WRITE, Binding(Role.VIEWER, "haikou"), Binding(Role.OPERATOR, "sanya")
    )
    with pytest.raises(PermissionDeniedError, match=r"operator or admin for nodes/rsu-1"):
        caller.check(Target.NODE, "rsu-1", (Place("haikou"),))
    caller.check(Target.NODE, "rsu-2", (Place("sanya"),))


def test_an_operator_with_bindings_in_two_tenants_is_only_touched_by_who_has_both() -> None:
    places = (Place("haikou"), Place("shanghai"))
    with pytest.raises(NotFoundError):
        rights("GetOperator", Permission.OPERATORS_READ, Binding(Role.ADMIN, "haikou")).check(
            Target.OPERATOR, "a", places
        )
    rights("GetOperator", Permission.OPERATORS_READ, Binding(Role.ADMIN, "root")).check(Target.OPERATOR, "a", places)


def test_only_the_whole_root_covers_the_whole_deployment() -> None:
    rights("CreateAuthority", Permission.KEYS_WRITE, Binding(Role.ADMIN, "root")).check_everywhere()
    for binding in (Binding(Role.ADMIN, "hainan"), Binding(Role.ADMIN, "root", sites=("k1",))):
        with pytest.raises(PermissionDeniedError, match="in tenants/root"):
            rights("CreateAuthority", Permission.KEYS_WRITE, binding).check_everywhere()


def test_a_new_thing_belongs_to_the_tenant_that_is_named_or_the_only_one() -> None:
    caller = rights("CreateRollout", Permission.ROLLOUTS_START, Binding(Role.RELEASE_MANAGER, "hainan"))
    assert caller.tenant_of_new("", field="tenant") == "hainan"
    assert caller.tenant_of_new("haikou", field="tenant") == "haikou"
    for tenant_id in ("shanghai", "nowhere"):
        with pytest.raises(NotFoundError, match=f"tenant {tenant_id} does not exist"):
            caller.tenant_of_new(tenant_id, field="tenant")


def test_a_new_thing_without_a_tenant_is_refused_when_there_are_two_or_none() -> None:
    both = (Binding(Role.ADMIN, "haikou"), Binding(Role.ADMIN, "sanya"))
    with pytest.raises(
        InvalidArgumentError, match="tenant: name one of the tenants you have the role in: haikou, sanya"
    ):
        rights("CreateRollout", Permission.ROLLOUTS_START, *both).tenant_of_new("", field="tenant")
    some = Binding(Role.ADMIN, "haikou", sites=("k1",))
    with pytest.raises(PermissionDeniedError, match="for the whole of a tenant"):
        rights("CreateRollout", Permission.ROLLOUTS_START, some).tenant_of_new("", field="tenant")

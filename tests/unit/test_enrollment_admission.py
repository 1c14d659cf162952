"""Who gets in, as a table: what is known, what the unit says, and the answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wayside.errors import WaysideError
from wayside_manager.core.admission import WAITING_MAX_COUNT, EnrollmentFacts, Entry, admitted
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest, RequestState, TokenRecord, WaitingUnit
from wayside_manager.core.known_units import KeyUse, KnownUnit, LastKey
from wayside_manager.core.nodes import NodeKind, NodeState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TOKEN = TokenRecord("t", NOW, LATER, 1, tenant_id="city")
NODE = KnownUnit("rsu-1", "E1", NodeKind.RSU, NodeState.ENROLLED, "city")
OTHER = replace(NODE, node_id="rsu-9")
WAITING = WaitingUnit("k", "rsu-1", "E1", NodeKind.RSU, "192.0.2.1", NOW, LATER)
OPEN = EnrollmentFacts(accepts_unknown_units=True)


def issue(node_id: str) -> CredentialRecord:
    raise AssertionError(node_id)


ASKED = EnrollmentRequest("", "rsu-1", "E1", NodeKind.RSU, "k", issue)
SHOWN = replace(ASKED, token_sha256="t")


@pytest.mark.parametrize(
    ("facts", "request_", "entry"),
    [
        (EnrollmentFacts(token=TOKEN), SHOWN, Entry("rsu-1", "city", is_new=True, uses_token=True)),
        (
            EnrollmentFacts(token=replace(TOKEN, node_id="rsu-1"), wanted=NODE),
            SHOWN,
            Entry("rsu-1", "city", is_new=False, uses_token=True),
        ),
        (EnrollmentFacts(registered=OTHER), ASKED, Entry("rsu-9", "city", is_new=False)),
        (EnrollmentFacts(registered=NODE), SHOWN, Entry("rsu-1", "city", is_new=False)),
        (
            EnrollmentFacts(
                waiting=replace(
                    WAITING, state=RequestState.APPROVED, approved_node_id="rsu-7", approved_tenant_id="city"
                )
            ),
            ASKED,
            Entry("rsu-7", "city", is_new=True),
        ),
        (OPEN, ASKED, None),
        (replace(OPEN, waiting=WAITING, waiting_count=WAITING_MAX_COUNT), ASKED, None),
        (replace(OPEN, wanted=NODE), ASKED, None),
    ],
    ids=["token", "replacement", "registered", "again", "approved", "stranger", "stranger again", "successor"],
)
def test_who_is_vouched_for_comes_in(facts: EnrollmentFacts, request_: EnrollmentRequest, entry: Entry | None) -> None:
    assert admitted(facts, request_, now=NOW) == entry


@pytest.mark.parametrize(
    ("facts", "request_", "reason"),
    [
        (EnrollmentFacts(), SHOWN, "TOKEN_INVALID"),
        (EnrollmentFacts(token=replace(TOKEN, expire_time=NOW)), SHOWN, "TOKEN_INVALID"),
        (EnrollmentFacts(token=replace(TOKEN, remaining_use_count=0)), SHOWN, "TOKEN_INVALID"),
        (EnrollmentFacts(token=TOKEN, wanted=NODE), SHOWN, "NODE_EXISTS"),
        (EnrollmentFacts(token=TOKEN, registered=OTHER, esn_owner=OTHER), SHOWN, "ESN_EXISTS"),
        (EnrollmentFacts(token=TOKEN, key_uses=(KeyUse("nodes/rsu-9", is_spent=False),)), SHOWN, "KEY_EXISTS"),
        (EnrollmentFacts(token=TOKEN, key_uses=(KeyUse("operators/admin", is_spent=False),)), SHOWN, "KEY_EXISTS"),
        (EnrollmentFacts(token=TOKEN, key_uses=(KeyUse("nodes/rsu-1", is_spent=True),)), SHOWN, "KEY_SPENT"),
        (replace(OPEN, key_uses=(KeyUse("nodes/rsu-1", is_spent=False),)), ASKED, "KEY_EXISTS"),
        (replace(OPEN, waiting_count=WAITING_MAX_COUNT), ASKED, "WAITING_TOO_MANY"),
        (replace(OPEN, wanted=replace(NODE, state=NodeState.RETIRED)), ASKED, "NODE_RETIRED"),
        (replace(OPEN, esn_owner=replace(NODE, state=NodeState.REGISTERED)), ASKED, "KEY_MISMATCH"),
        (EnrollmentFacts(), ASKED, "UNKNOWN_UNIT"),
        (EnrollmentFacts(wanted=replace(NODE, state=NodeState.RETIRED)), ASKED, "UNKNOWN_UNIT"),
    ],
)
def test_who_is_not_vouched_for_stays_out(facts: EnrollmentFacts, request_: EnrollmentRequest, reason: str) -> None:
    with pytest.raises(WaysideError) as caught:
        admitted(facts, request_, now=NOW)
    assert caught.value.reason == reason


def test_a_key_is_never_somebody_elses_also_with_a_registration() -> None:
    facts = EnrollmentFacts(registered=NODE, key_uses=(KeyUse("nodes/rsu-9", is_spent=False),))
    with pytest.raises(WaysideError, match="somebody else"):
        admitted(facts, ASKED, now=NOW)


ENDED = LastKey("k", NOW - timedelta(days=35), NOW - timedelta(days=35), NOW + timedelta(days=330))
AWAY = EnrollmentFacts(wanted=NODE, esn_owner=NODE, last_key=ENDED, key_uses=(KeyUse("nodes/rsu-1", is_spent=False),))
BACK = Entry("rsu-1", "city", is_new=False, is_return=True)


@pytest.mark.parametrize(
    "facts",
    [
        AWAY,
        replace(AWAY, accepts_unknown_units=True),
        # the answer was lost, and the unit asks again
        replace(AWAY, last_key=replace(ENDED, expire_time=LATER)),
        replace(AWAY, last_key=replace(ENDED, first_expire_time=NOW)),
    ],
    ids=["away", "open manager", "again", "just ended"],
)
def test_a_unit_of_ours_comes_back_by_its_last_key(facts: EnrollmentFacts) -> None:
    assert admitted(facts, ASKED, now=NOW) == BACK


@pytest.mark.parametrize(
    ("facts", "request_", "reason"),
    [
        (replace(AWAY, key_uses=(KeyUse("nodes/rsu-1", is_spent=True),)), ASKED, "KEY_SPENT"),
        (replace(AWAY, wanted=replace(NODE, state=NodeState.REVOKED)), ASKED, "UNKNOWN_UNIT"),
        (replace(AWAY, wanted=replace(NODE, state=NodeState.RETIRED)), ASKED, "UNKNOWN_UNIT"),
        (replace(AWAY, wanted=replace(NODE, state=NodeState.REGISTERED)), ASKED, "KEY_MISMATCH"),
        (replace(AWAY, last_key=replace(ENDED, key_sha256="newer")), ASKED, "UNKNOWN_UNIT"),
        (replace(AWAY, last_key=replace(ENDED, key_sha256="newer"), accepts_unknown_units=True), ASKED, "KEY_EXISTS"),
        (replace(AWAY, last_key=None), ASKED, "UNKNOWN_UNIT"),
        (replace(AWAY, wanted=None), ASKED, "UNKNOWN_UNIT"),
        (AWAY, replace(ASKED, esn="E2"), "REGISTRATION_MISMATCH"),
        (AWAY, replace(ASKED, kind=NodeKind.OBU), "REGISTRATION_MISMATCH"),
        (replace(AWAY, last_key=replace(ENDED, first_expire_time=LATER)), ASKED, "CERTIFICATE_VALID"),
        (replace(AWAY, last_key=replace(ENDED, return_time=NOW)), ASKED, "AWAY_TOO_LONG"),
        (replace(AWAY, key_uses=(KeyUse("nodes/rsu-9", is_spent=False),)), ASKED, "KEY_EXISTS"),
    ],
    ids=[
        "replaced",
        "revoked",
        "retired",
        "registered anew",
        "older key",
        "older key, open manager",
        "switched off",
        "other id",
        "other ESN",
        "other kind",
        "still valid",
        "too long ago",
        "somebody else's",
    ],
)
def test_a_key_that_is_not_the_last_of_its_node_brings_nobody_back(
    facts: EnrollmentFacts, request_: EnrollmentRequest, reason: str
) -> None:
    with pytest.raises(WaysideError) as caught:
        admitted(facts, request_, now=NOW)
    assert caught.value.reason == reason


def test_a_token_vouches_also_for_a_unit_that_is_away() -> None:
    facts = replace(AWAY, token=replace(TOKEN, node_id="rsu-1"))
    assert admitted(facts, SHOWN, now=NOW) == Entry("rsu-1", "city", is_new=False, uses_token=True)

"""`wayside users`, `tenants`, `signin`, `signout`, `whoami`, and `wayside-manager recover-admin`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.link.manager_api.commands import wayside, wayside_manager
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, role
from tests.link.manager_api.people import caller, make_operator, make_tenant, update
from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, UnauthenticatedError
from wayside_manager.app import running
from wayside_manager.cli.bindings import binding_text, read_binding
from wayside_manager.cli.context import read_context, token_path
from wayside_manager.cli.initialise import initialise
from wayside_manager.cli.password_input import password
from wayside_manager.settings import DataFolder

PASSWORD = "correct horse battery"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


async def json_of(manager: LocalManager, *arguments: str | Path, token: Path | None = None) -> Any:  # noqa: ANN401  # JSON is anything
    code, out, err = await wayside(manager, *arguments, "-o", "json", token=token)
    assert code == 0, err
    return json.loads(out)


async def test_a_user_is_made_shown_changed_and_listed(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "haikou")
    bindings = ("--binding", "operator@haikou:site=K12:label=road=G98", "--binding", "approver@root")
    made = await json_of(manager, "users", "create", "ann", "--display-name", "Ann", *bindings)
    assert made["bindings"][0]["labels"] == [{"key": "road", "value": "G98"}]

    code, out, _ = await wayside(manager, "users", "list")
    assert code == 0
    assert "operator@haikou:site=K12:label=road=G98, approver@root" in out
    changed = await json_of(manager, "users", "update", "ann", "--no-bindings", "--oidc-subject", "ann@city")
    assert (changed["bindings"], changed["oidc_subject"], changed["display_name"]) == ([], "ann@city", "Ann")
    assert (await json_of(manager, "users", "disable", "ann"))["disabled"]
    assert not (await json_of(manager, "users", "enable", "operators/ann"))["disabled"]
    code, out, _ = await wayside(manager, "users", "show", "ann")
    assert (code, "ann@city" in out) == (0, True)
    for arguments, wanted in (
        (("show", "nobody"), 3),
        (("create", "ann"), 4),
        (("update", "ann"), 2),
        (("update", "ann", "--binding", "viewer@root", "--no-bindings"), 2),
        (("update", "ann", "--display-name", "A", "--etag", "0"), 4),
        (("create", "bob", "--binding", "viewer"), 2),
    ):
        assert (await wayside(manager, "users", *arguments))[0] == wanted


async def test_tenants_are_made_listed_and_deleted(manager: LocalManager) -> None:
    made = await json_of(manager, "tenants", "create", "haikou", "--kind", "city", "--display-name", "Haikou")
    assert (made["kind"], made["parent"]) == ("KIND_CITY", "tenants/root")
    code, out, _ = await wayside(manager, "tenants", "list")
    assert (code, "haikou" in out) == (0, True)
    assert (await wayside(manager, "tenants", "delete", "root"))[0] == 1
    assert (await wayside(manager, "tenants", "delete", "haikou"))[0] == 0
    assert [each["name"] for each in (await json_of(manager, "tenants", "list"))["tenants"]] == ["tenants/root"]


async def test_somebody_signs_in_looks_who_they_are_and_signs_out(
    manager: LocalManager, operator: Peer, password_file: Path, tmp_path: Path
) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    token = tmp_path / "token"

    assert "sign in with 'wayside signin'" in (await wayside(manager, "whoami", token=token))[2]
    code, out, err = await wayside(manager, "signin", "ann", "--password-file", password_file, token=token)
    assert (code, out.startswith("signed in as operators/ann until ")) == (0, True), err
    assert token.stat().st_mode & 0o777 == 0o600
    assert (await json_of(manager, "whoami", token=token))["operator"]["name"] == "operators/ann"
    assert "viewer@root" in (await wayside(manager, "whoami", token=token))[1]
    code, out, _ = await wayside(manager, "signout", token=token)
    assert (code, out, token.exists()) == (0, "signed out\n", False)


async def test_a_wrong_password_leaves_the_token_as_it_was(
    manager: LocalManager, password_file: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("wso_old")
    assert (await wayside(manager, "signin", "nobody", "--password-file", password_file, token=token))[0] == 5
    assert token.read_text() == "wso_old"


async def test_signing_out_does_not_end_a_token_that_was_made_to_last(manager: LocalManager) -> None:
    code, _, err = await wayside(manager, "signout")
    assert (code, "wayside users revoke" in err) == (1, True)
    assert (await wayside(manager, "whoami"))[0] == 0


async def test_passwords_are_set_from_files(
    manager: LocalManager, operator: Peer, password_file: Path, tmp_path: Path
) -> None:
    await make_operator(operator, "ann", role("viewer"))
    token, new = tmp_path / "token", tmp_path / "new"
    new.write_text("four other plain words")
    assert (await wayside(manager, "users", "password", "ann", "--password-file", password_file))[0] == 0
    assert (await wayside(manager, "signin", "ann", "--password-file", password_file, token=token))[0] == 0
    own = ("users", "password", "--present-file")
    assert (await wayside(manager, *own, new, "--password-file", new, token=token))[0] == 5
    assert (await wayside(manager, *own, password_file, "--password-file", new, token=token))[0] == 0
    assert (await wayside(manager, "signin", "ann", "--password-file", new, token=token))[0] == 0
    assert (await wayside(manager, "users", "password", "--none"))[0] == 2
    assert (await wayside(manager, "users", "password", "ann", "--none"))[0] == 0
    assert (await wayside(manager, "signin", "ann", "--password-file", new, token=token))[0] == 5


async def test_a_token_is_made_narrowed_listed_and_taken_back(manager: LocalManager, tmp_path: Path) -> None:
    options = ("--ttl", "1h", "--display-name", "grafana", "--binding", "integrator@root")
    code, out, err = await wayside(manager, "users", "token", "admin", *options)
    assert (code, out.startswith("wso_"), out.count("\n"), "until" in err) == (0, True, 1, True)
    token = tmp_path / "token"
    token.write_text(out)
    assert (await json_of(manager, "whoami", token=token))["bindings"][0]["role"] == "ROLE_INTEGRATOR"

    name = (await json_of(manager, "whoami", token=token))["credential"]["name"]
    listed = (await wayside(manager, "users", "credentials"))[1]
    assert "integrator@root" in listed
    assert "grafana" in listed
    assert "taken back" in (await wayside(manager, "users", "revoke", name))[1]
    assert (await wayside(manager, "whoami", token=token))[0] == 5


async def test_a_certificate_comes_with_a_key_made_here(manager: LocalManager, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert (await wayside(manager, "users", "certificate", folder))[0] == 0
    assert (folder / "operator.key").stat().st_mode & 0o777 == 0o600
    async with manager.certified(
        (folder / "operator.pem").read_text(), (folder / "operator.key").read_text()
    ) as certified:
        assert (await caller(certified)).operator.name == "operators/admin"
    assert (await wayside(manager, "users", "certificate", folder))[0] == 1


async def test_the_owner_of_the_host_gets_back_in(tmp_path: Path, clock: Clock) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    old = (folder.operator / "token").read_text().strip()
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as admin:
            await make_operator(admin, "ann", role("admin"))
            await update(admin, "ann", "display_name", display_name="Ann")
        code, _, err = await wayside_manager("recover-admin", "--data", folder.path)
        assert (code, "in use by another manager" in err) == (1, True)
    code, out, err = await wayside_manager("recover-admin", "--data", folder.path)
    assert (code, "for 400 days" in out) == (0, True), err
    assert (folder.operator / "token").stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other-token"
    for operator_id in ("ann", "new"):
        options = ("--operator", operator_id, "--token-file", other)
        assert (await wayside_manager("recover-admin", "--data", folder.path, *options))[0] == 0
        assert (await wayside_manager("recover-admin", "--data", folder.path, *options))[0] == 1  # it is there already
        async with running(folder, SETTINGS, now=clock) as endpoints:
            manager = LocalManager(folder, endpoints, clock)
            async with manager.stranger(token=other.read_text().strip()) as back:
                found = await caller(back)
                assert (found.operator.name, role("admin") in found.bindings) == (f"operators/{operator_id}", True)
            assert manager.token != old
            entries = (await json_of(manager, "audit", "list", "--action", "recover-admin"))["entries"]
            assert {entry["actor"] for entry in entries} == {"manager"}
        other.unlink()


async def test_recovery_enables_an_admin_again_and_brings_no_old_credential_back(tmp_path: Path, clock: Clock) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    old = (folder.operator / "token").read_text().strip()
    async with (
        running(folder, SETTINGS, now=clock) as endpoints,
        LocalManager(folder, endpoints, clock).operator() as admin,
    ):
        await make_operator(admin, "ann", role("admin"))
        await update(admin, "admin", "disabled")
    assert (await wayside_manager("recover-admin", "--data", folder.path))[0] == 0
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as admin:
            assert not (await caller(admin)).operator.disabled
        async with manager.stranger(token=old) as stranger:
            with pytest.raises(UnauthenticatedError):
                await caller(stranger)


@pytest.mark.parametrize(
    "text",
    ["viewer@root", "release-manager@g98-east", "operator@haikou:site=K12:site=K13:4", "viewer@x:label=road=G98:5=6"],
)
def test_a_binding_reads_as_it_is_written(text: str) -> None:
    assert binding_text(read_binding(text)) == text


@pytest.mark.parametrize(
    "text", ["", "viewer", "viewer@", "@root", "boss@root", "viewer@root:city=K12", "viewer@root:label=road"]
)
def test_a_malformed_binding_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--binding"):
        read_binding(text)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"\xff" * 20, b"x" * 5000])
def test_a_password_file_holds_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(InvalidArgumentError):
        password(path, question="Password")
    with pytest.raises(NotFoundError):
        password(tmp_path / "absent", question="Password")


def test_a_context_with_a_certificate_has_no_token_to_sign_in_with(tmp_path: Path) -> None:
    path = tmp_path / "context.toml"
    path.write_text('address = "a:1"\nca_file = "ca.pem"\ncertificate_file = "c.pem"\nkey_file = "c.key"\n')
    with pytest.raises(FailedPreconditionError, match="token_file"):
        token_path(path)
    path.write_text('address = "a:1"\nca_file = "context.toml"\ntoken_file = "token"\n')
    assert token_path(path) == tmp_path / "token"
    assert read_context(path, is_signed_in=False).token == ""
    with pytest.raises(NotFoundError, match="signin"):
        read_context(path)

"""An OpenID provider's tokens at a running manager."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.oidc_provider import AUDIENCE, ISSUER, Provider
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, role
from tests.link.manager_api.people import caller, make_operator, update
from wayside.errors import InvalidArgumentError, UnauthenticatedError
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder, OidcSettings, read_settings


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    made = Provider(tmp_path / "jwks.json")
    made.add_key("key-1", "RS256")
    made.publish()
    return made


@pytest.fixture
async def manager(tmp_path: Path, clock: Clock, provider: Provider) -> AsyncIterator[LocalManager]:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    oidc = OidcSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))
    async with running(folder, msgspec.structs.replace(SETTINGS, oidc=oidc), now=clock) as endpoints:
        yield LocalManager(folder, endpoints, clock)


async def test_an_operator_comes_with_a_token_of_the_provider(manager: LocalManager, provider: Provider) -> None:
    async with manager.operator() as admin:
        await make_operator(admin, "ann", role("viewer"), subject="ann@city")
    async with manager.stranger(token=provider.token("key-1", now=manager.clock())) as ann:
        found = await caller(ann)
        assert found.operator.name == "operators/ann"
        assert list(found.bindings) == [role("viewer")]
        assert not found.HasField("credential")
        manager.clock.push(hours=1, minutes=2)
        with pytest.raises(UnauthenticatedError):
            await caller(ann)


async def test_accounts_nobody_here_has_and_disabled_ones_get_in_as_little_as_bad_tokens(
    manager: LocalManager, provider: Provider
) -> None:
    async with manager.operator() as admin:
        await make_operator(admin, "ann", role("viewer"), subject="ann@city")
        await update(admin, "ann", "disabled")
    now = manager.clock()
    for token in (
        provider.token("key-1", now=now),
        provider.token("key-1", now=now, sub="nobody@city"),
        provider.token("key-1", now=now, aud="grafana"),
    ):
        async with manager.stranger(token=token) as stranger:
            with pytest.raises(UnauthenticatedError):
                await caller(stranger)


async def test_the_settings_name_the_provider_and_its_keys_lie_beside_them(tmp_path: Path, provider: Provider) -> None:
    path = tmp_path / "manager.toml"
    path.write_text(f'[oidc]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\njwks_file = "jwks.json"\n')
    settings = read_settings(path)
    assert settings.oidc is not None
    assert Path(settings.oidc.jwks_file) == provider.jwks_file
    path.write_text(f'[oidc]\nissuer = "{ISSUER}"\naudience = "x"\njwks_file = "jwks.json"\nalgorithms = ["HS256"]\n')
    with pytest.raises(InvalidArgumentError):
        read_settings(path)


async def test_a_manager_without_the_keys_it_was_told_of_does_not_start(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    oidc = OidcSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(tmp_path / "jwks.json"))
    with pytest.raises(InvalidArgumentError, match="jwks_file"):
        async with running(folder, msgspec.structs.replace(SETTINGS, oidc=oidc)):
            pass

"""Settings of what the unit itself looks at of signed messages: the table `[v2x.security]`."""

from typing import Annotated

import msgspec
from msgspec import Meta


class SecuritySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom it trusts, and how much it looks at."""

    trust_dir: Annotated[
        str, Meta(pattern=r"^/.", description="Folder of certificates (COER) that signers must lead to, `*.oer`.")
    ]
    sample_one_in: Annotated[
        int, Meta(ge=1, le=100_000, description="Every n-th is looked at of those that name their signer by a digest.")
    ] = 50
    limit_per_s: Annotated[
        int, Meta(ge=1, le=1000, description="At most that many a second; the processor is for other things.")
    ] = 10
    max_age_s: Annotated[float, Meta(ge=1, le=3600, description="A message made longer ago is stale [s].")] = 30.0
    sm2_id: Annotated[
        str, Meta(min_length=1, max_length=64, description="Id of signers in signatures by SM2, ASCII.")
    ] = "1234567812345678"

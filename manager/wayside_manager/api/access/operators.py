"""AccessService: operators and their passwords."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.v1 import access_service_pb2
from wayside_manager.api.access.messages import (
    SUBJECT_MAX_CHARS,
    binding_message,
    bindings,
    checked_text,
    credential_message,
    operator_id,
    operator_message,
)
from wayside_manager.api.access.parts import AccessCalls, check_handed_out
from wayside_manager.api.identity import admission, calling_holder
from wayside_manager.api.scopes import Context
from wayside_manager.core.access import ROOT_TENANT, OperatorChange, OperatorRecord
from wayside_manager.core.passwords import checked_password

_FIELDS = frozenset({"display_name", "bindings", "disabled", "oidc_subject"})


class OperatorCalls(AccessCalls):
    """Operators."""

    async def GetCaller(
        self, request: access_service_pb2.GetCallerRequest, context: Context
    ) -> access_service_pb2.GetCallerResponse:
        """Who calls."""
        caller = admission()
        return access_service_pb2.GetCallerResponse(
            operator=operator_message(caller.operator) if caller.operator else None,
            bindings=map(binding_message, caller.bindings),
            credential=credential_message(caller.credential) if caller.credential else None,
        )

    async def CreateOperator(
        self, request: access_service_pb2.CreateOperatorRequest, context: Context
    ) -> access_service_pb2.CreateOperatorResponse:
        """Makes an operator."""
        asked, now = request.operator, self._now()
        made = OperatorRecord(
            operator_id=operator_id(asked.name, field="operator.name"),
            create_time=now,
            update_time=now,
            display_name=checked_text(asked.display_name, field="operator.display_name"),
            bindings=bindings(asked.bindings, field="operator.bindings"),
            is_disabled=asked.disabled,
            oidc_subject=_subject(asked),
        )
        check_handed_out(made.bindings, field="operator.bindings")
        kept = await self._store.create_operator(
            made, password_hash=await self._password_hash(request.password, made.operator_id)
        )
        return access_service_pb2.CreateOperatorResponse(operator=operator_message(kept))

    async def GetOperator(
        self, request: access_service_pb2.GetOperatorRequest, context: Context
    ) -> access_service_pb2.GetOperatorResponse:
        """One operator."""
        found = await self._store.get_operator(operator_id(request.name, field="name"))
        return access_service_pb2.GetOperatorResponse(operator=operator_message(found))

    async def ListOperators(
        self, request: access_service_pb2.ListOperatorsRequest, context: Context
    ) -> access_service_pb2.ListOperatorsResponse:
        """A page of operators."""
        page = await self._store.list_operators(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return access_service_pb2.ListOperatorsResponse(
            operators=map(operator_message, page.items), next_page_token=page.next_page_token
        )

    async def UpdateOperator(
        self, request: access_service_pb2.UpdateOperatorRequest, context: Context
    ) -> access_service_pb2.UpdateOperatorResponse:
        """Changes an operator."""
        changed_id, change = operator_id(request.operator.name, field="operator.name"), _change(request)
        present = await self._store.get_operator(changed_id)
        check_handed_out(present.bindings, field="operator.bindings")
        if change.bindings is not None:
            check_handed_out(change.bindings, field="operator.bindings")
        # what was looked at above is what is changed
        kept = await self._store.update_operator(
            changed_id, change, now=self._now(), etag=request.operator.etag or present.etag
        )
        return access_service_pb2.UpdateOperatorResponse(operator=operator_message(kept))

    async def SetPassword(
        self, request: access_service_pb2.SetPasswordRequest, context: Context
    ) -> access_service_pb2.SetPasswordResponse:
        """Sets a password."""
        changed_id = operator_id(request.operator or calling_holder(), field="operator")
        present = await self._store.get_operator(changed_id)
        if request.operator in {"", calling_holder()}:
            await self._check_own(present, request.present_password)
        else:
            check_handed_out(present.bindings, field="operator.bindings")  # who knows the password has it all
        new_hash = await self._password_hash(request.new_password, changed_id)
        await self._store.set_password(changed_id, new_hash, now=self._now())
        return access_service_pb2.SetPasswordResponse()

    async def _check_own(self, own: OperatorRecord, present_password: str) -> None:
        """Whoever found a token must not make themselves at home with it.

        Raises: UnauthenticatedError: the present password is wrong; PermissionDeniedError: there is none, and the
        caller is no admin.
        """
        if own.has_password:
            await self._passwords.check(own.operator_id, present_password, admission().source_address)
            return
        tenant_ids = {binding.tenant_id for binding in own.bindings} or {ROOT_TENANT}
        if not all(admission().reach.covers_tenant(tenant_id) for tenant_id in tenant_ids):
            raise PermissionDeniedError(
                "you have no password yet; let an admin set the first one", reason="NO_PASSWORD"
            )

    async def _password_hash(self, password: str, of_id: str) -> str:
        if not password:
            return ""
        return await self._hasher.hashed(checked_password(password, operator_id=of_id))


def _change(request: access_service_pb2.UpdateOperatorRequest) -> OperatorChange:
    paths, asked = set(request.update_mask.paths), request.operator
    unknown = sorted(paths - _FIELDS)
    if unknown or not paths:
        named = unknown[0][:80] if unknown else "nothing"
        raise InvalidArgumentError(f"update_mask: names {named!r}; name {', '.join(sorted(_FIELDS))}")
    name = checked_text(asked.display_name, field="operator.display_name")
    return OperatorChange(
        display_name=name if "display_name" in paths else None,
        bindings=bindings(asked.bindings, field="operator.bindings") if "bindings" in paths else None,
        is_disabled=asked.disabled if "disabled" in paths else None,
        oidc_subject=_subject(asked) if "oidc_subject" in paths else None,
    )


def _subject(asked: access_service_pb2.Operator) -> str:
    return checked_text(asked.oidc_subject, field="operator.oidc_subject", max_chars=SUBJECT_MAX_CHARS)

"""`wayside tenants`: list, create, delete."""

from typing import Annotated

import typer

from wayside.v1 import access_service_pb2
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, print_line, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.core.access import ROOT_TENANT, TenantKind

COLUMNS = ("TENANT", "KIND", "PARENT", "CREATED", "DISPLAY NAME")

app = typer.Typer(no_args_is_help=True, help="Tenants: the provinces, cities and road operators that own nodes.")

TenantArgument = Annotated[str, typer.Argument(help="Tenant, as haikou or tenants/haikou.")]


@app.command("list")
@reported
def list_tenants(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists the tenants you have a role in, and those below them."""
    request = access_service_pb2.ListTenantsRequest()
    found = run(lambda manager: manager.call(manager.access.ListTenants, request), context).tenants
    print_listed("tenants", found, output, columns=COLUMNS, row=_row)


@app.command("create")
@reported
def create(
    tenant: TenantArgument,
    *,
    kind: Annotated[TenantKind, typer.Option(help="What it is.")],
    parent: Annotated[str, typer.Option(help="The tenant above; roles there hold here, too.")] = ROOT_TENANT,
    display_name: Annotated[str, typer.Option(help="What people call it.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes a tenant."""
    made = access_service_pb2.Tenant(
        name=resource_name(tenant, "tenants"),
        kind=access_service_pb2.Tenant.Kind.Value(f"KIND_{kind.name}"),
        parent=resource_name(parent, "tenants"),
        display_name=display_name,
    )
    request = access_service_pb2.CreateTenantRequest(tenant=made)
    kept = run(lambda manager: manager.call(manager.access.CreateTenant, request), context).tenant
    if chosen_output(output) is Output.JSON:
        print_json(kept)
    else:
        print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(kept), strict=True)})


@app.command("delete")
@reported
def delete(tenant: TenantArgument, context: ContextOption = None) -> None:
    """Deletes a tenant that owns nothing; its unused enrolment tokens go with it."""
    request = access_service_pb2.DeleteTenantRequest(name=resource_name(tenant, "tenants"))
    run(lambda manager: manager.call(manager.access.DeleteTenant, request), context)
    print_line(f"deleted {request.name}")


def _row(tenant: access_service_pb2.Tenant) -> tuple[object, ...]:
    return (
        resource_id(tenant.name),
        worded(access_service_pb2.Tenant.Kind, tenant.kind, "KIND_"),
        resource_id(tenant.parent),
        local_time(tenant.create_time),
        tenant.display_name,
    )

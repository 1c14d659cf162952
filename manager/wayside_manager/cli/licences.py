"""`wayside licences`: apply, list, show, delete, mismatches."""

from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError
from wayside.v1 import radio_licence_service_pb2, site_pb2
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.licence_file import read_licences
from wayside_manager.cli.output import Output, as_mapping, local_time, print_fields, print_json, print_line, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

COLUMNS = ("LICENCE", "TENANT", "NUMBER", "NODE", "MHZ", "WIDTH MHZ", "MOST DBM", "UNTIL")
MISMATCH_COLUMNS = ("NODE", "CAUSE", "LICENCE", "MESSAGE")
_HZ_PER_MHZ = 1e6

LicenceArgument = Annotated[str, typer.Argument(help="Licence, as listed.")]
app = typer.Typer(no_args_is_help=True, help="Radio licences of roadside units, and which units do not keep to them.")


@app.command("apply")
@reported
def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="The licences: .csv or .json, a row or object each.")],
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Creates licences or replaces them, one after the other; the first that is refused ends it and is named."""
    licences = read_licences(file)
    for licence in licences:
        licence.tenant = resource_name(tenant, "tenants") if tenant else licence.tenant

    async def applied(manager: ManagerClient) -> list[site_pb2.RadioLicence]:
        done = []
        for number, licence in enumerate(licences, 1):
            request = radio_licence_service_pb2.ApplyRadioLicenceRequest(radio_licence=licence)
            try:
                answer = await manager.call(manager.radio_licence.ApplyRadioLicence, request)
            except InvalidArgumentError as exc:
                raise InvalidArgumentError(f"{file}: row {number}: {exc.message}", reason=exc.reason) from exc
            done.append(answer.radio_licence)
        return done

    done = run(applied, context)
    if chosen_output(output) is Output.JSON:
        print_json({"radio_licences": [as_mapping(each) for each in done]})
    else:
        print_line("1 licence is in force" if len(done) == 1 else f"{len(done)} licences are in force")


@app.command("list")
@reported
def list_licences(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists licences in order of their names."""
    request = radio_licence_service_pb2.ListRadioLicencesRequest()
    licences = run(
        lambda manager: listed(
            manager, manager.radio_licence.ListRadioLicences, request, lambda page: page.radio_licences
        ),
        context,
    )
    print_listed("radio_licences", licences, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(licence: LicenceArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one licence."""
    request = radio_licence_service_pb2.GetRadioLicenceRequest(name=resource_name(licence, "radioLicences"))
    found = run(lambda manager: manager.call(manager.radio_licence.GetRadioLicence, request), context).radio_licence
    if chosen_output(output) is Output.JSON:
        print_json(found)
    else:
        print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(found), strict=True)})


@app.command("delete")
@reported
def delete(
    licence: LicenceArgument,
    yes: YesOption = False,
    etag: Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Deletes a licence. Asks first when a person is at the terminal."""
    ask_first(f"Delete the licence {licence}?", yes=yes)
    request = radio_licence_service_pb2.DeleteRadioLicenceRequest(
        name=resource_name(licence, "radioLicences"), etag=etag
    )
    answer = run(lambda manager: manager.call(manager.radio_licence.DeleteRadioLicence, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{resource_id(request.name)} is deleted")


@app.command("mismatches")
@reported
def mismatches(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists roadside units whose radio is not what their licence says."""
    request = radio_licence_service_pb2.ListRadioMismatchesRequest()
    found = run(
        lambda manager: listed(
            manager, manager.radio_licence.ListRadioMismatches, request, lambda page: page.mismatches
        ),
        context,
    )
    print_listed("mismatches", found, output, columns=MISMATCH_COLUMNS, row=_mismatch_row)


def _row(licence: site_pb2.RadioLicence) -> tuple[object, ...]:
    return (
        resource_id(licence.name),
        resource_id(licence.tenant),
        licence.number,
        resource_id(licence.node),
        f"{licence.center_frequency_hertz / _HZ_PER_MHZ:g}",
        f"{licence.bandwidth_hertz / _HZ_PER_MHZ:g}",
        f"{licence.max_transmit_power_dbm:g}",
        local_time(licence.expire_time),
    )


def _mismatch_row(mismatch: site_pb2.RadioMismatch) -> tuple[object, ...]:
    return (
        resource_id(mismatch.node),
        worded(site_pb2.RadioMismatch.Cause, mismatch.cause, "CAUSE_"),
        resource_id(mismatch.radio_licence),
        mismatch.message,
    )

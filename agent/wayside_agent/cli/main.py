"""`wayside-agent`: enrol a unit, run it, ask it how it is, check its settings.

Exit status: 0 done; 1 it did not work, the reason is on standard error; 2 wrong usage or settings; 3 enrolment waits
for an operator; 75 the agent wants to be started again (a release was switched), which systemd does; 130 interrupted
from the keyboard.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.json_log import JsonFormatter
from wayside_agent import boot, settings
from wayside_agent.cli import coverage
from wayside_agent.lifetime import BugError
from wayside_agent.services.status import read_snapshot

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_PENDING, EXIT_RESTART, EXIT_INTERRUPTED = 0, 1, 2, 3, 75, 130


def main() -> None:
    """Runs one command and exits with its status."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own words on stderr are for its developers
    arguments = _parser().parse_args()
    try:
        status = arguments.command(arguments)
    except (InvalidArgumentError, NotFoundError) as error:
        print(f"wayside-agent: {error}", file=sys.stderr)
        status = EXIT_USAGE
    except WaysideError as error:
        print(f"wayside-agent: {error}", file=sys.stderr)
        status = EXIT_FAILED
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    except BrokenPipeError:  # such as `wayside-agent status | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_FAILED
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wayside-agent", description=__doc__.split("\n\n")[1])
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--settings", type=Path, default=settings.DEFAULT_PATH, help="TOML file, default %(default)s")

    run = commands.add_parser("run", parents=[common], help="run the agent until SIGTERM")
    run.set_defaults(command=_run)
    _add_enroll(commands, common)
    key = commands.add_parser("key", help="the unit's key").add_subparsers(required=True, metavar="COMMAND")
    show = key.add_parser("show", parents=[common], help="print the public key and its SHA-256; make it if need be")
    show.add_argument("--json", action="store_true", help="one JSON document")
    show.set_defaults(command=_key)
    status = commands.add_parser("status", parents=[common], help="what the unit is and senses now")
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--coverage", action="store_true", help="where vehicles are heard, and how well, as GeoJSON")
    status.set_defaults(command=_status)
    update = commands.add_parser(
        "update", parents=[common], help="the update under way: show it, agree to it, refuse it"
    )
    update.add_argument("word", choices=("status", "confirm", "refuse"), help="what to do")
    update.set_defaults(command=_update)
    check = commands.add_parser("check", parents=[common], help="try settings, drivers and identity without running")
    check.set_defaults(command=_check)
    install = commands.add_parser("install", parents=[common], help="answer one question of the agent; for systemd")
    install.set_defaults(command=_install)
    _add_v2x(commands)
    _add_conformance(commands)
    config = commands.add_parser("config", help="document the settings, or what may be set from afar")
    which = config.add_mutually_exclusive_group(required=True)
    which.add_argument("--schema", action="store_true", help="JSON Schema of the TOML file")
    which.add_argument("--remote-schema", action="store_true", help="JSON Schema of the configuration from afar")
    config.set_defaults(command=_config)
    return parser


def _add_v2x(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    v2x = commands.add_parser("v2x", help="read and write V2X messages").add_subparsers(
        required=True, metavar="COMMAND"
    )
    for word, text in (
        ("decode", "print each message of a file as a line of JSON"),
        ("encode", "print each message of a file of JSON as hex"),
        ("stat", "count what is in a file"),
    ):
        parser = v2x.add_parser(word, help=text)
        parser.add_argument("file", type=Path, help="the file; -: standard input")
        if word != "stat":
            profiles = ("r19", "p20", "j2735", "etsi") if word == "decode" else ("r19", "p20")
            parser.add_argument(
                "--profile", type=_revision, default="p20", choices=profiles, help="revision, default %(default)s"
            )
        if word == "decode":
            parser.add_argument(
                "--unconfirmed", action="store_true", help="take apart what of phase 2 no source confirms, too"
            )
        if word != "encode":
            forms = ("auto", "hex", "pcap", "platform", "platform-bsm", "uper")
            parser.add_argument("--format", default="auto", choices=forms, help="of the file, default %(default)s")
        parser.set_defaults(command=_v2x, word=word)


def _revision(word: str) -> str:
    """The name of a profile; why there is none of 2017."""
    if word == "2017":
        raise argparse.ArgumentTypeError(
            "2017 (T/CSAE 53-2017) is not shipped because its bits are not known for certain, and a wrong one gives"
            " wrong values silently; use r19 for units of 2019 and later, p20 for those of YD/T 3709-2020"
        )
    return word


def _add_conformance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = commands.add_parser("conformance", help="judge recorded V2X messages").add_subparsers(
        required=True, metavar="COMMAND"
    )
    run = words.add_parser("run", help="judge the recordings of a suite; status 1 if something was found")
    run.add_argument("suite", type=Path, help="folder with suite.toml and the recordings it names")
    run.add_argument("--output", type=Path, help="folder for report.json and the report as pages; default: none")
    run.add_argument("--key", type=Path, help="private key in PEM that signs report.json; default: not signed")
    run.set_defaults(command=_conformance)


def _add_enroll(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    enroll = commands.add_parser(
        "enroll", parents=[common], help="get a certificate: with a token, by registration, or from an operator"
    )
    enroll.add_argument("--token-file", type=Path, help="file that holds the operator's token; default: none")
    enroll.add_argument("--ca-file", type=Path, required=True, help="authorities of the manager, PEM")
    enroll.add_argument("--new-key", action="store_true", help="make another key; the present one is then destroyed")
    enroll.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="if an operator must decide, ask again until it is done; --no-wait leaves with status 3",
    )
    enroll.set_defaults(command=_enroll)


class _Version(argparse.Action):
    """Prints the version; looks it up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version  # here: costs 10 ms that the other commands need not pay

        print(f"{parser.prog} {version('wayside-agent')}")
        parser.exit(EXIT_OK)


def _run(arguments: argparse.Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # until the agent's loop takes them: a stop while it starts is no fault
    # Before anything is checked: the chosen release may know settings that this one does not. Does not return then.
    state_dir = settings.state_dir(arguments.settings)
    boot.launch(state_dir, sys.argv[1:])
    try:
        wants_restart = _serve(arguments)
    except WaysideError as error:
        if not isinstance(error, BugError):  # settings or a device stand in the way, of any release
            boot.excuse(state_dir)
        raise
    boot.excuse(state_dir)
    return EXIT_RESTART if wants_restart else EXIT_OK


def _serve(arguments: argparse.Namespace) -> bool:
    unit = settings.read(arguments.settings)
    _configure_logging(unit.log.level)
    from wayside_agent.app import run  # here: the other commands, and the launcher, do not pay for gRPC

    return run(unit)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_OK)  # nothing is open yet; an exception would be lost in a callback, such as those of imports


def _enroll(arguments: argparse.Namespace) -> int:
    from wayside_agent.cli import enroll  # here: status must not pay for gRPC

    unit = settings.read(arguments.settings)
    applicant = enroll.Applicant(
        unit,
        token=_text(arguments.token_file) if arguments.token_file else "",
        authorities_pem=_text(arguments.ca_file),
        is_new_key=arguments.new_key,
    )
    outcome = asyncio.run(applicant.asked())
    if not outcome.node:
        print(f"waiting for an operator: {outcome.enrollment_request}\nkey SHA-256: {outcome.key_sha256}", flush=True)
        if not arguments.wait:
            return EXIT_PENDING
        outcome = asyncio.run(applicant.decided(outcome, say=_warn))
    print(f"enrolled as {outcome.node}")
    if read_snapshot(Path(unit.runtime_dir)) is not None:
        print("the running agent still uses what it had before: restart it")
    return EXIT_OK


def _enrolled_id(unit: settings.Settings) -> str:
    """The node id the unit is enrolled under, which an operator may have chosen; empty: it is not, or not readable."""
    try:
        return (Path(unit.state_dir) / "identity" / "node").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _warn(message: str) -> None:
    print(f"wayside-agent: {message}", file=sys.stderr, flush=True)


def _key(arguments: argparse.Namespace) -> int:
    from wayside_agent.cli import key  # here: status must not pay for cryptography

    shown = key.shown(settings.read(arguments.settings))
    print(json.dumps(shown) if arguments.json else f"{shown['public_key_pem']}SHA-256: {shown['key_sha256']}")
    return EXIT_OK


def _status(arguments: argparse.Namespace) -> int:
    unit = settings.read(arguments.settings)
    snapshot = read_snapshot(Path(unit.runtime_dir))
    if snapshot is None:
        snapshot = {"is_running": False, "node": _enrolled_id(unit) or unit.node.id}
    if arguments.json:
        print(json.dumps(snapshot))
    elif arguments.coverage:
        print(json.dumps(coverage.geojson(snapshot)))
    else:
        print("\n".join(_lines(coverage.brief(snapshot))))
    return EXIT_OK if snapshot["is_running"] else EXIT_FAILED


def _update(arguments: argparse.Namespace) -> int:
    unit = settings.read(arguments.settings)
    if arguments.word != "status":
        from wayside_agent.services.update_door import said  # here: status must not pay for it

        print(said(Path(unit.runtime_dir), arguments.word))
        return EXIT_OK
    snapshot = read_snapshot(Path(unit.runtime_dir)) or {}
    update = snapshot.get("update")
    if not isinstance(update, dict):
        raise NotFoundError("the agent does not answer; start it, and run this as its user or as root")
    print("\n".join(_lines(update)))
    return EXIT_OK


def _check(arguments: argparse.Namespace) -> int:
    from wayside_agent.cli import check  # here: status must not pay for the drivers

    unit = settings.read(arguments.settings)
    findings = asyncio.run(check.findings(unit))
    for finding in findings:
        print(f"{'ok      ' if finding.is_ok else 'PROBLEM '}{finding.message}")
    return EXIT_OK if all(finding.is_ok for finding in findings) else EXIT_FAILED


def _install(arguments: argparse.Namespace) -> int:
    unit = settings.read(arguments.settings)
    from wayside_agent.update.confinement import confine  # here: the daemon never loads any of it

    confine(parent=0)
    from wayside_agent.update.helper import answer  # not before everything is given up
    from wayside_agent.update.place import Place

    place = Place(Path(unit.state_dir), unit.node.hardware_id, settings.trust_dir(unit))
    try:
        answer(place, sys.stdin.buffer, sys.stdout.buffer)
    except OSError:  # nobody hears
        return EXIT_FAILED
    return EXIT_OK


def _v2x(arguments: argparse.Namespace) -> int:
    from wayside.v2x.profile import Profile  # here: the other commands do not pay for the codec
    from wayside_agent.cli import v2x
    from wayside_agent.core.v2x_files import FileFormat

    status = EXIT_OK
    if arguments.word == "stat":
        print("\n".join(_lines(v2x.counted(arguments.file, FileFormat(arguments.format)))))
        return status
    if arguments.word == "encode":
        for line in v2x.encoded(arguments.file, Profile(arguments.profile)):
            print(line)
        return status
    form = FileFormat(arguments.format)
    for document in v2x.decoded_as(arguments.file, arguments.profile, form, unconfirmed=arguments.unconfirmed):
        print(json.dumps(document, ensure_ascii=False))
        status = EXIT_FAILED if "error" in document else status
    return status


def _conformance(arguments: argparse.Namespace) -> int:
    from wayside_agent.cli import conformance  # here: the other commands do not pay for the codec

    return conformance.run(arguments)


def _config(arguments: argparse.Namespace) -> int:
    from wayside_agent.cli import schema  # here: loads every driver

    document = schema.remote_schema() if arguments.remote_schema else schema.settings_schema()
    print(json.dumps(document, indent=2))
    return EXIT_OK


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"{path}: cannot be read: {error}") from error


def _lines(document: dict[str, object], indent: str = "") -> list[str]:
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{indent}{key}:")
            for item in value:
                lines += [f"{indent}  -", *_lines(item, indent + "    ")]
        else:
            lines.append(f"{indent}{key}: {'' if value is None else value}")
    return lines


def _configure_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    # grpc would log each broken message with a traceback; we say so ourselves, once
    logging.getLogger("grpc").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    main()

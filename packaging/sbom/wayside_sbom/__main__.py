"""Writes CycloneDX documents and licence lists: `python -m wayside_sbom --out dist agent=SITE manager=SITE`.

Ends with 1 and one sentence when what is installed is not what the lock says.
"""

import argparse
import csv
import io
import sys
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wayside_sbom.document import Product, document
from wayside_sbom.installed import Installed, read_installed
from wayside_sbom.lock import Locked, read_lock

ROOT = Path(__file__).parents[3]
COLUMNS = ("package", "version", "licence", "stated in", "licence text in the package")
Package = tuple[Locked, Installed | None]


def main() -> int:
    """Runs the program; its exit status."""
    parser = argparse.ArgumentParser(prog="wayside_sbom", description="Lists what a package is made of.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument(
        "parts", nargs="+", metavar="PART=SITE", help="agent or manager, and where its lock is installed"
    )
    arguments = parser.parse_args()
    try:
        for part, _, site_packages in (text.partition("=") for text in arguments.parts):
            _write(part, Path(site_packages), arguments.out)
    except ValueError as exc:
        sys.stderr.write(f"sbom: {exc}\n")
        return 1
    return 0


def _write(part: str, site_packages: Path, out: Path) -> None:
    packages = _matched(read_lock((ROOT / "requirements" / f"{part}.txt").read_text()), read_installed(site_packages))
    product, contract = _product(part), _product("proto")
    rows = _licence_rows((product, contract), packages)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{product.name}.cdx.json").write_text(document(product, (contract,), packages))
    (out / f"{product.name}.licences.csv").write_text(_as_csv(rows))
    (out / f"{product.name}.licences.md").write_text(_as_markdown(product, rows))


def _matched(lock: list[Locked], installed: dict[str, Installed]) -> list[Package]:
    """Each locked package with what was installed of it.

    Raises: ValueError: they differ, or a package brings an AI component that nobody has declared.
    """
    wanted = {entry.name: entry.version for entry in lock if entry.is_wanted}
    found = {package.name: package.version for package in installed.values()}
    if wanted != found:
        differing = sorted(dict(set(wanted.items()) ^ set(found.items())))
        raise ValueError(f"the installed packages are not the locked ones; look at {', '.join(differing)}")
    signs = [sign for package in installed.values() for sign in package.ai_signs]
    if signs:
        raise ValueError(f"'AI components: none' is no longer true; declare {', '.join(signs)} or remove it")
    return [(entry, installed[entry.name] if entry.is_wanted else None) for entry in lock]


def _product(part: str) -> Product:
    project = tomllib.loads((ROOT / part / "pyproject.toml").read_text())["project"]
    # what an extra brings counts as well if it is in the lock, and so in the package
    wanted = [*project["dependencies"], *chain.from_iterable(project.get("optional-dependencies", {}).values())]
    return Product(
        name=project["name"],
        version=project["version"],
        licence=project["license"],
        summary=project["description"],
        requires=tuple(sorted(canonicalize_name(Requirement(text).name) for text in wanted)),
    )


def _licence_rows(own: tuple[Product, ...], packages: list[Package]) -> list[tuple[str, ...]]:
    rows = [(part.name, part.version, part.licence, "pyproject.toml", "LICENSE") for part in own]
    for locked, installed in packages:
        if installed is None:
            rows.append((locked.name, locked.version, "", f"not in the package: {locked.marker}", ""))
            continue
        texts = "; ".join(Path(file).name for file in installed.licence_files)
        stated = (installed.licence or "none stated", installed.licence_source)
        rows.append((locked.name, locked.version, *stated, texts or "none"))
    return sorted(rows)


def _as_csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def _as_markdown(product: Product, rows: list[tuple[str, ...]]) -> str:
    table = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    title = f"# Licences of {product.name} {product.version}\n\nAI components: none.\n\n"
    return title + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

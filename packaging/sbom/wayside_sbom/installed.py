"""Reads what is installed in a folder of packages: licences, requirements, and signs of AI components.

Usage: `packages = read_installed(site_packages)`
"""

from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Frameworks and model formats: one of them means that "no AI component" is no longer true.
_AI_PACKAGES = frozenset(
    {"jax", "keras", "llama-cpp-python", "onnx", "onnxruntime", "scikit-learn", "tensorflow", "torch", "transformers"}
)
_AI_FILE_SUFFIXES = frozenset({".gguf", ".joblib", ".onnx", ".pt", ".pth", ".safetensors", ".tflite"})
_LICENCE_FILE_STEMS = ("licence", "license", "copying", "notice")
_CLASSIFIER_PREFIX = "License :: "
_STATEMENT_MAX_CHARS = 80  # longer: a whole licence text, where a name belongs


@dataclass(frozen=True, slots=True)
class Installed:
    """One installed package."""

    name: str  # normalised
    version: str
    summary: str
    licence: str  # as the package states it; empty: it states none
    licence_source: str  # the field of the package's metadata it is from
    licence_files: tuple[str, ...]  # texts that came with the package
    requires: tuple[str, ...]  # normalised names of what it needs on this machine
    ai_signs: tuple[str, ...]  # files or names that hint at an AI component


def read_installed(site_packages: Path) -> dict[str, Installed]:
    """Every package of the folder, by normalised name."""
    found = (_package(distribution) for distribution in distributions(path=[str(site_packages)]))
    return {package.name: package for package in sorted(found, key=lambda package: package.name)}


def _package(distribution: Distribution) -> Installed:
    name = canonicalize_name(distribution.metadata["Name"])
    licence, source = _licence(distribution)
    files = [PurePosixPath(file) for file in distribution.files or ()]
    ai_files = tuple(sorted(str(file) for file in files if file.suffix.lower() in _AI_FILE_SUFFIXES))
    return Installed(
        name=name,
        version=distribution.version,
        summary=_field(distribution, "Summary"),
        licence=licence,
        licence_source=source,
        licence_files=tuple(sorted(str(file) for file in files if _is_licence(file))),
        requires=_requires(distribution),
        ai_signs=((name,) if name in _AI_PACKAGES else ()) + ai_files,
    )


def _licence(distribution: Distribution) -> tuple[str, str]:
    """What the package says of its licence, and where: the SPDX expression counts more than older fields."""
    expression = _field(distribution, "License-Expression")
    if expression:
        return expression, "License-Expression"
    classifiers = sorted(
        classifier.removeprefix(_CLASSIFIER_PREFIX).removeprefix("OSI Approved :: ")
        for classifier in distribution.metadata.get_all("Classifier") or ()
        if classifier.startswith(_CLASSIFIER_PREFIX)
    )
    if classifiers:
        return "; ".join(classifiers), "Classifier"
    stated = _field(distribution, "License")
    if stated and len(stated) <= _STATEMENT_MAX_CHARS and "\n" not in stated:
        return stated, "License"
    return "", ""


def _field(distribution: Distribution, name: str) -> str:
    return distribution.metadata[name].strip() if name in distribution.metadata else ""


def _is_licence(file: PurePosixPath) -> bool:
    if not any(part.endswith(".dist-info") for part in file.parts):
        return False
    return "licenses" in file.parts or file.name.lower().startswith(_LICENCE_FILE_STEMS)


def _requires(distribution: Distribution) -> tuple[str, ...]:
    requirements = [Requirement(text) for text in distribution.requires or ()]
    return tuple(
        sorted(
            {
                canonicalize_name(requirement.name)
                for requirement in requirements
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            }
        )
    )

"""Options that several commands share, as one parameter of each.

    @app.command("create")
    @reported
    @option_set("plan", PlanOptions)
    def create(release: str, *, plan: PlanOptions, output: OutputOption = None) -> None: ...

A set is a dataclass whose fields are typed as Typer options with defaults: the command line shows each field as an
option of its own, and the command gets them as one value.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def option_set(name: str, kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: the command's parameter `name` is filled with a `kind` made of options."""
    hints = get_type_hints(kind, include_extras=True)
    options = [
        # the dataclass's own parameters, with annotations that are no text
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in inspect.signature(kind).parameters.values()
    ]

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # whatever the command takes
            given = {option.name: kwargs.pop(option.name) for option in options}
            command(*args, **kwargs, **{name: kind(**given)})

        signature = inspect.signature(command)
        before: list[inspect.Parameter] = []
        after: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            own = after if parameter.kind is inspect.Parameter.KEYWORD_ONLY else before
            if parameter.name != name:
                own.append(parameter)
        parameters = [*before, *options, *after]
        wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # as inspect reads it
        wrapped.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return wrapped

    return decorated

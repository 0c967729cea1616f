"""Options of the command line: one for each field of a recipe, and those that several commands have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from training.data.download import default_folder
from training.recipe import Recipe

Command = TypeVar("Command", bound=Callable[..., Any])


class Several(click.ParamType[tuple[Any, ...]]):
    """A list such as 512,256; an empty list is written as ''."""

    name = "list"

    def __init__(self, kind: type[int | float]) -> None:
        """Set the type of the entries."""
        self.kind = kind

    def convert(
        self,
        value: str | tuple[Any, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[Any, ...]:
        """Turn the text into a tuple, or fail with an error message."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.kind(part) for part in value.split(",") if part)
        except ValueError:
            self.fail(f"{value!r} is not a list of {self.kind.__name__}s such as 512,256", param, ctx)


LISTS: dict[str, Several] = {
    "hidden": Several(int),
    "dropout": Several(float),
}


def recipe_options(command: Command) -> Command:
    """Add one option to the command for each field of a recipe."""
    for entry in reversed(fields(Recipe)):
        name = entry.name.replace("_", "-")
        default = entry.default
        command = click.option(
            f"--{name}/--no-{name}" if isinstance(default, bool) else f"--{name}",
            type=LISTS.get(entry.name, type(default)),
            default=default,
            show_default=(",".join(map(str, default)) or "none") if isinstance(default, tuple) else True,
            help=entry.metadata["help"],
        )(command)
    return command


def file_option(flag: str, *names: str, default: str | None, **details: Any) -> Callable[[Command], Command]:  # noqa: ANN401 - click's own
    """Make an option that names a file."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(flag, *names, type=kind, default=default, **details)


weights_option = file_option(
    "--weights", default="models/digits.npz", show_default=True, help="The weights file to read."
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_folder,
    show_default="the platform's cache folder",
    envvar="DIGITS_DATA_DIR",
    show_envvar=True,
    help="Folder with the four MNIST files.",
)
folder_option = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="report",
    show_default=True,
    help="Folder to write to.",
)
test_option = click.option(
    "--test", is_flag=True, help="The model is final: read the test set, and record its figures."
)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn errors in options, data and files, all ValueErrors, into one sentence and exit code 2."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from error

"""YAML files that a person writes, read into what they must be; what does not fit is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from candleloop.errors import BadConfiguration

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file; an empty one has no keys.

    Raises
    ------
    BadConfiguration
        Naming the file, the dotted key and what is wrong with it; one line for each key that does not fit.
    """
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: is not YAML: {error}") from error
    try:
        return model.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        problems = _problems(error)
        lines = "\n".join(f"  {key}: {what}" for key, what in problems)
        raise BadConfiguration(f"{path}: does not fit the schema:\n{lines}", field=problems[0][0]) from error


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    """Return dotted keys and what is wrong with each; what is only so because of something inside it is left out."""
    found = [(item["loc"], item["msg"]) for item in error.errors()]
    inside = {place[:depth] for place, _ in found for depth in range(1, len(place))}
    return [
        (".".join(str(part) for part in place) or "(whole file)", what) for place, what in found if place not in inside
    ]

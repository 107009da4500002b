"""What an operator sets, by environment variables: docs/protocol.md lists them."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.errors import ServiceError, explain

PREFIX: Final = "FINGERSPELL_"
MODEL_VARIABLE: Final = f"{PREFIX}MODEL"
TRAIL_VARIABLE: Final = f"{PREFIX}TRAIL"
VOCABULARY_VARIABLE: Final = f"{PREFIX}VOCABULARY"


def _split(names: object) -> object:
    return tuple(names.replace(",", " ").lower().split()) if isinstance(names, str) else names


def _check_token(token: SecretStr) -> SecretStr:
    """Take away what surrounds a token that comes from a file, such as the end of its line."""
    given = token.get_secret_value()
    text = given.strip()
    if given and not re.fullmatch(r"[!-~]+", text):
        raise ValueError
    return SecretStr(text)


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Separated by commas or spaces; upper and lower case are the same."""


class Settings(BaseSettings):
    """The service's settings.

    Every field has a variable of its name in capitals after `FINGERSPELL_`; those of the registry have MLflow's.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, validate_by_name=True)

    model: str = ""
    """Path of an ONNX file, or `models:/NAME@ALIAS` in the registry at `MLFLOW_TRACKING_URI`; "" is the Bento's."""
    trail: str = ""
    """The same of the trail network, which recognises J and Z; "" is the Bento's, if it has one."""
    vocabulary: str = ""
    """Path of a vocabulary; "" is the Bento's."""
    registry: Annotated[str, Field(validation_alias="MLFLOW_TRACKING_URI")] = ""
    """Address of MLflow's server."""
    registry_token: Annotated[SecretStr, Field(validation_alias="MLFLOW_TRACKING_TOKEN")] = SecretStr("")
    """Sent to MLflow's server as `Authorization: Bearer`; "" sends none."""
    poll: Annotated[float, Field(gt=0)] = 10.0
    """Seconds between two checks for another model."""
    token: Annotated[SecretStr, AfterValidator(_check_token)] = SecretStr("")
    """What `Authorization: Bearer` must carry; "" requires no token."""
    hosts: Names = ()
    """Names by which clients reach the service, besides localhost and addresses in numbers; `*` is every name."""
    origins: Names = ()
    """Origins of web pages that may use the service, besides its own; `*` is every page."""
    rate: Annotated[float, Field(ge=0)] = 100.0
    """Requests and new streams a second that one client may make on average; 0 is any number."""
    streams: Annotated[int, Field(gt=0)] = 128
    """Open streams at a time."""
    streams_per_client: Annotated[int, Field(gt=0)] = 64
    """Open streams at a time of one client address."""
    log: Literal["text", "json"] = "text"
    """Format of a line of the log."""


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        ServiceError: a value is not valid.
    """
    try:
        return Settings()
    except ValidationError as invalid:
        error = invalid.errors()[0]
        if error["loc"] == ("token",):  # its value is not shown
            raise ServiceError(
                f"{PREFIX}TOKEN has other characters than visible ones of ASCII. Make another: openssl rand -hex 32"
            ) from None
        variable, (value, expected) = str(error["loc"][0]).upper(), explain(error)
        raise ServiceError(f"{PREFIX}{variable} is {value}, but must be {expected}.") from None

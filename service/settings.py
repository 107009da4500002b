"""What an operator sets, by environment variables: docs/protocol.md lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "FINGERSPELL_"
MODEL_VARIABLE: Final = f"{PREFIX}MODEL"


@dataclass(frozen=True)
class Settings:
    """The service's settings; every field has a variable of its name in capitals after `FINGERSPELL_`."""

    model: str = ""
    """Path of an ONNX file, or `models:/NAME@ALIAS` in the registry at `MLFLOW_TRACKING_URI`; "" is the Bento's."""
    poll: float = 10.0
    """Seconds between two looks whether there is another model."""
    token: str = ""
    """What `Authorization: Bearer` must carry; "" asks for nothing."""
    origins: tuple[str, ...] = ()
    """Origins of web pages that may use the service, beside its own; `*` is every page."""
    rate: float = 100.0
    """Requests and opened streams a second that one client may make on average; 0 is any number."""
    streams: int = 128
    """Open streams at a time."""
    streams_per_client: int = 64
    """Open streams at a time of one client address."""
    log: str = "text"
    """`text` or `json`: how a line of the log is written."""

    def __post_init__(self) -> None:
        if self.log not in ("text", "json"):
            raise ServiceError(f"{PREFIX}LOG is '{self.log}', but must be 'text' or 'json'.")
        for name in ("poll", "streams", "streams_per_client"):
            if getattr(self, name) <= 0:
                raise ServiceError(f"{PREFIX}{name.upper()} is {getattr(self, name)}, but must be more than 0.")
        if not self.rate >= 0:
            raise ServiceError(f"{PREFIX}RATE is {self.rate}, but must be 0 (any number) or more.")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from a process's environment.

    Raises:
        ServiceError: a value is not what its field wants.
    """

    def number(name: str, kind: type[float]) -> float:
        text = environment.get(f"{PREFIX}{name.upper()}", "")
        try:
            return kind(text) if text else getattr(Settings, name)
        except ValueError:
            raise ServiceError(f"{PREFIX}{name.upper()} is '{text}', but must be a number.") from None

    return Settings(
        model=environment.get(MODEL_VARIABLE, ""),
        poll=number("poll", float),
        token=environment.get(f"{PREFIX}TOKEN", ""),
        origins=tuple(environment.get(f"{PREFIX}ORIGINS", "").replace(",", " ").split()),
        rate=number("rate", float),
        streams=int(number("streams", int)),
        streams_per_client=int(number("streams_per_client", int)),
        log=environment.get(f"{PREFIX}LOG", "") or Settings.log,
    )

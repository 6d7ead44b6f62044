"""The types of configuration values and the texts they are written as."""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer, SecretStr, Strict

from callserver.domain.identity import is_slug
from callserver.domain.money import parse_yuan
from callserver.domain.number import is_area_code
from callserver.domain.number_class import NumberClass

Network = IPv4Network | IPv6Network

_DIGITS = re.compile(r"^[+-]?\d{1,15}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP address; port 0 means a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT` or `[IPV6]:PORT`. Raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r} is not HOST:PORT; write an IPv6 address in brackets")
        if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT with a port from 0 to 65535")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _endpoint(value: object) -> object:
    return Endpoint.parse(value) if isinstance(value, str) else value


def _area_code(value: object) -> object:
    if isinstance(value, str) and value and not is_area_code(value):
        raise ValueError(f"{value!r} is not an area code, such as 010 or 0571")
    return value


def _path(value: object) -> object:
    if isinstance(value, str):
        if not value:
            raise ValueError("a path cannot be empty")
        return Path(value).expanduser()
    return value


def _networks(value: object) -> object:
    """A list of texts; from the environment, texts between commas."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        return value
    return tuple(_network(item) for item in items)


def _network(item: object) -> object:
    if not isinstance(item, str):
        return item
    try:
        return ipaddress.ip_network(item.strip())
    except ValueError as wrong:
        raise ValueError(f"{item.strip()!r} is not an address or network: {wrong}") from None


def _texts(value: object) -> object:
    """A list of texts; from the environment, texts between commas."""
    items = value.split(",") if isinstance(value, str) else value
    return tuple(map(_stripped, items)) if isinstance(items, list) else items


def _stripped(item: object) -> object:
    return item.strip() if isinstance(item, str) else item


def _prefixes(value: object) -> object:
    items = _texts(value)
    for item in items if isinstance(items, tuple) else ():
        if not re.fullmatch(r"400\d{0,7}", str(item), re.ASCII):
            raise ValueError(f"{item!r} is not the beginning of a 400 number, such as 4008")
    return items


def _classes(value: object) -> object:
    items = _texts(value)
    if not isinstance(items, tuple):
        return items
    return tuple(NumberClass.parse(item) if isinstance(item, str) else item for item in items)


def _whole_number(value: object) -> object:
    """Digits from the environment become an int; the strict type refuses the rest."""
    return int(value) if isinstance(value, str) and _DIGITS.match(value) else value


def _slug(value: object) -> object:
    if isinstance(value, str) and not is_slug(value):
        raise ValueError(f"{value!r} must be 1 to 64 of a-z, 0-9, - and _, not first - or _")
    return value


def _yuan(value: object) -> object:
    if isinstance(value, str) and parse_yuan(value) < 0:
        raise ValueError(f"{value!r} is less than nothing")
    return value


def _redis_url(value: object) -> object:
    if not isinstance(value, str) or value == "":
        return value
    scheme = urlsplit(value).scheme
    if scheme == "rediss" or "sentinel" in scheme or "cluster" in scheme:
        raise ValueError(f"{scheme}:// is not supported yet; use redis:// or unix://")
    if scheme == "redis" and "," in urlsplit(value).netloc.rpartition("@")[2]:
        raise ValueError("several hosts (Sentinel, Cluster) are not supported yet; name one")
    if scheme not in {"redis", "unix"}:
        raise ValueError("a Redis URL starts with redis:// or unix://")
    return value


def _database_url(value: object) -> object:
    if not isinstance(value, str) or value == "":
        return value
    schemes = {"postgresql", "postgres", "postgresql+asyncpg", "sqlite"}
    if urlsplit(value).scheme not in schemes:
        raise ValueError("a database URL starts with postgresql:// or sqlite:///")
    return value


EndpointText = Annotated[Endpoint, BeforeValidator(_endpoint), PlainSerializer(str)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
WholeNumber = Annotated[int, BeforeValidator(_whole_number), Strict()]
NumberPrefixes = Annotated[tuple[str, ...], BeforeValidator(_prefixes)]
NumberClasses = Annotated[tuple[NumberClass, ...], BeforeValidator(_classes)]
YuanText = Annotated[str, BeforeValidator(_yuan)]
AreaCode = Annotated[str, BeforeValidator(_area_code)]
Slug = Annotated[str, BeforeValidator(_slug)]
RedisUrl = Annotated[SecretStr, BeforeValidator(_redis_url)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]

"""The key file: made once, private, rotated by a new first line."""

import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callserver.adapters.sealing import KeyFileSealer
from callserver.ports import StoreUnavailable
from callserver.ports.numbers import KeysUnusable, SealBroken


def key() -> str:
    """A line of the file."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def write(path: Path, *lines: str, mode: int = 0o600) -> None:
    """A key file."""
    path.write_text("\n".join(lines) + "\n")
    path.chmod(mode)


def test_the_file_is_made_when_first_needed(tmp_path: Path) -> None:
    """For its owner only; later sealers use it as it is."""
    path = tmp_path / "form.keys"
    sealer = KeyFileSealer(path)
    assert not path.exists()
    sealed = sealer.seal("陈建国".encode(), "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFileSealer(path).open(sealed, "a") == "陈建国".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["form.keys"]


def test_two_that_make_it_at_once_agree(tmp_path: Path) -> None:
    """Whoever comes second uses the first one's key."""
    path = tmp_path / "form.keys"
    sealers = [KeyFileSealer(path) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        sealed = list(pool.map(lambda each: each.seal(b"x", "a"), sealers))
    assert {KeyFileSealer(path).open(each, "a") for each in sealed} == {b"x"}


def test_the_same_text_is_sealed_differently_each_time(tmp_path: Path) -> None:
    """Nobody sees that two forms are alike."""
    sealer = KeyFileSealer(tmp_path / "form.keys")
    assert sealer.seal(b"x", "a") != sealer.seal(b"x", "a")


def test_keys_are_changed_by_a_new_first_line(tmp_path: Path) -> None:
    """The first seals, all open; without the old one, what it sealed is lost, and says so."""
    path, old, new = tmp_path / "form.keys", key(), key()
    write(path, old)
    sealed = KeyFileSealer(path).seal(b"x", "a")
    write(path, new, old)
    both = KeyFileSealer(path)
    assert both.open(sealed, "a") == b"x"
    resealed = both.seal(b"x", "a")
    assert resealed.partition(".")[0] != sealed.partition(".")[0]
    write(path, new)
    assert KeyFileSealer(path).open(resealed, "a") == b"x"
    with pytest.raises(SealBroken, match="put it back"):
        KeyFileSealer(path).open(sealed, "a")


def test_a_seal_holds(tmp_path: Path) -> None:
    """Another context or a changed sign does not open."""
    sealer = KeyFileSealer(tmp_path / "form.keys")
    sealed = sealer.seal(b"x", "a")
    other = sealed[:-4] + ("AAA=" if sealed[-4:] != "AAA=" else "BBB=")
    for text, context in ((sealed, "b"), (other, "a")):
        with pytest.raises(SealBroken):
            sealer.open(text, context)


def test_key_files_that_cannot_be_used(tmp_path: Path) -> None:
    """Each says what to do, shows no key, and counts as a store that is away."""
    path = tmp_path / "form.keys"
    secret = key()
    for lines, mode, said in (
        ((secret,), 0o640, "chmod 600"),
        (("",), 0o600, "no key"),
        (("c2hvcnQ=",), 0o600, "key 1 is not 32 bytes"),
        ((secret, "not base64!"), 0o600, "key 2"),
        (("键",), 0o600, "not a file of keys"),
    ):
        write(path, *lines, mode=mode)
        with pytest.raises(KeysUnusable, match=said) as fault:
            KeyFileSealer(path).seal(b"x", "a")
        assert secret not in str(fault.value)
        assert isinstance(fault.value, StoreUnavailable)
    with pytest.raises(KeysUnusable, match="cannot be made"):
        KeyFileSealer(tmp_path / "nowhere" / "form.keys").seal(b"x", "a")

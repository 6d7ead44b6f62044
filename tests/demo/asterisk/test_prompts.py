"""Prompts spoken by espeak-ng."""

import array
import io
import wave
from pathlib import Path

import pytest

from callserver.demo.asterisk import prompts
from callserver.domain.refusal import Refusal


def test_there_is_a_text_for_every_refusal() -> None:
    """The dialplan plays the file named after the reason."""
    assert set(prompts.TEXTS) == {str(reason) for reason in Refusal}


def test_prompts_are_telephone_wavs(tmp_path: Path) -> None:
    """8 kHz, 16 bit, mono, and long enough to be speech."""
    assert prompts.write_prompts(tmp_path / "zh") == len(prompts.TEXTS)
    for name in prompts.TEXTS:
        with wave.open(str(tmp_path / "zh" / f"{name}.wav")) as prompt:
            assert (prompt.getframerate(), prompt.getsampwidth(), prompt.getnchannels()) == (
                8000,
                2,
                1,
            )
            assert prompt.getnframes() > 8000


def test_without_espeak_there_are_no_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are optional: nothing is written, nothing fails."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prompts.write_prompts(tmp_path / "zh") == 0
    assert not (tmp_path / "zh").exists()


def test_resampling_keeps_duration_and_level() -> None:
    """One second at 22 050 Hz becomes one at 8 000 Hz, at the same level."""
    source = io.BytesIO()
    with wave.open(source, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(22050)
        out.writeframes(array.array("h", [1200] * 22050).tobytes())
    with wave.open(io.BytesIO(prompts.to_telephone_wav(source.getvalue()))) as thinned:
        samples = array.array("h", thinned.readframes(9000))
    assert len(samples) == 8000
    assert set(samples) == {1200}

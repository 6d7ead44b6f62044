"""Placeholder prompts in Chinese, spoken by espeak-ng; an operator replaces the files."""

import array
import io
import shutil
import subprocess
import sys
import wave
from pathlib import Path

TEXTS = {
    "unknown_did": "您拨打的号码是空号，请核对后再拨。",
    "suspended": "您拨打的号码已停机。",
    "blocked": "您的呼叫无法接通。",
    "no_credit": "您拨打的号码暂时无法接通。",
    "lines_busy": "您拨打的用户正忙，请稍后再拨。",
    "too_many_calls": "您拨打的用户正忙，请稍后再拨。",
    "fault": "网络故障，请稍后再拨。",
}
_RATE_HZ = 8000  # what Asterisk plays without transcoding


def write_prompts(folder: Path) -> int:
    """Write one WAV a text into folder and return how many; 0 without espeak-ng."""
    if shutil.which("espeak-ng") is None:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TEXTS.items():
        spoken = subprocess.run(  # noqa: S603 - constant texts
            ["espeak-ng", "-v", "cmn", "-s", "150", "--stdout", text],  # noqa: S607
            capture_output=True,
            check=True,
        ).stdout
        (folder / f"{name}.wav").write_bytes(to_telephone_wav(spoken))
    return len(TEXTS)


def to_telephone_wav(spoken: bytes) -> bytes:
    """Resample 16-bit mono WAV to 8 kHz, each sample the mean of those it replaces."""
    with wave.open(io.BytesIO(spoken)) as source:
        rate_hz = source.getframerate()
        samples = array.array("h", source.readframes(2**26))
    if sys.byteorder == "big":
        samples.byteswap()
    count = len(samples) * _RATE_HZ // rate_hz
    thinned = array.array("h", (_mean(samples, i, rate_hz) for i in range(count)))
    if sys.byteorder == "big":
        thinned.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(_RATE_HZ)
        target.writeframes(thinned.tobytes())
    return out.getvalue()


def _mean(samples: "array.array[int]", index: int, rate_hz: int) -> int:
    window = samples[index * rate_hz // _RATE_HZ : (index + 1) * rate_hz // _RATE_HZ]
    return sum(window) // len(window) if window else 0

"""`python -m callserver.demo.asterisk`: build the Asterisk folder, or check the cached one."""

import sys

from callserver.demo.asterisk.folder import AsteriskUnavailable, ensure_asterisk_folder


def main() -> int:
    """Exit status 0 when the folder is there; 1 with one line that says what is missing."""
    try:
        ensure_asterisk_folder(progress=lambda line: print(f"callserver: {line}", file=sys.stderr))
    except AsteriskUnavailable as missing:
        print(f"callserver: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

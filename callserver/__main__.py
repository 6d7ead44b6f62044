"""`callserver` and `python -m callserver`."""

import os

PRIVATE_UMASK = 0o077  # money, callers and tokens stand in what we write


def main() -> None:
    """Run the command line."""
    from callserver.cli.main import app

    os.umask(PRIVATE_UMASK)
    app()


if __name__ == "__main__":
    main()

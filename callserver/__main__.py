"""`callserver` and `python -m callserver`."""


def main() -> None:
    """Run the command line."""
    from callserver.cli.main import app

    app()


if __name__ == "__main__":
    main()

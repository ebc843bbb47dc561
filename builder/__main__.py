"""Run the command line with `python -m builder`."""

from builder.main import main

if __name__ == "__main__":
    main()

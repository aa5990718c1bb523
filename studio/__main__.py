"""`python -m studio`: the same as the command `amedida`."""

from studio.cli import main

if __name__ == "__main__":
    main()

"""Where the `dragoman` command begins, also as `python -m proxy`: Ctrl-C while it is loaded ends it as it does later."""

import sys

try:
    from proxy.cli import main
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    main()

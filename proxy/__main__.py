"""Where the `dragoman` command begins, also as `python -m proxy`; Ctrl-C ends it while its code is loaded as well."""

import sys

try:
    from proxy.cli import main
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    main()

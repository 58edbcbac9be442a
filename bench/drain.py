"""`python -m bench.drain DATABASE_URL`: a worker without its queue. Each line it reads is a ring.

It says a line when it is ready, and one with the number of rows whenever it has drained the inbox.
"""

import sys

from bench import stage


def main() -> None:
    stage.configure(DATABASE_URL=sys.argv[1])
    from shopify_bridge import inbox  # models need the settings

    inbox.drain()  # connects, and finds nothing
    print("ready", flush=True)
    for _ in sys.stdin:
        print(inbox.drain(), flush=True)


if __name__ == "__main__":
    main()

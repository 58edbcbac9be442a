"""`python -m bench.drain DATABASE_URL`: a worker without its queue. Each line it reads is a ring.

It says a line when it is ready, and one whenever it has drained the inbox: in two threads, as the job does.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from bench import stage


def main() -> None:
    stage.configure(DATABASE_URL=sys.argv[1])
    from shopify_bridge import inbox  # models need the settings

    with ThreadPoolExecutor(1) as pool:

        def drain() -> int:
            beside = pool.submit(inbox.drain)
            return inbox.drain() + beside.result()

        drain()  # connects, and finds nothing
        print("ready", flush=True)
        for _ in sys.stdin:
            print(drain(), flush=True)


if __name__ == "__main__":
    main()

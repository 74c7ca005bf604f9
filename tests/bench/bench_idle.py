"""What a node costs while nobody does anything: memory, and time until it listens at its second start."""

from __future__ import annotations

import time

from tests.bench.served import served


def main() -> None:
    """Print the row."""
    started = time.perf_counter()
    with served(core=None) as node:
        listening_s = time.perf_counter() - started
        time.sleep(3)
        print(f"rss_mb={node.rss_mb():.0f}  prepared_and_listening_s={listening_s:.1f}")


if __name__ == "__main__":
    main()

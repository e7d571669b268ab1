"""A class in front of the dashboard: many visitors at once, each a websocket, all on this computer.

    python tests/bench/bench_load.py --visitors 30 --seconds 600
    python tests/bench/bench_load.py --root ../before --visitors 30 --seconds 120    # another checkout

Visitors open a page, change class and picture, go to other pages, and think 3 to 8 seconds in between. As in a class
that follows a lecture, they go through the pictures in order and mostly choose among the same few classes
(`--together`). Printed are the seconds from a click to the finished script, after the warm-up; how many clicks a second
there were; the server's memory; and how long the first page takes where all visitors come within one second. Ends with
1 if anybody was shown an exception.
"""

import argparse
import asyncio
import collections
import socket
import statistics
import sys
import time
from pathlib import Path

from visitors import Server, Visitor

MOST_VISITORS, MOST_SECONDS = 200, 3600
PAGES = ("", "grad_cam", "saliency", "output_maps", "unit", "guided_backprop", "weights", "questions")


def percentile(numbers: list[float], share: float) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))]


async def burst(address: str, count: int, errors: list[str]) -> list[float]:
    """Visitors who open the site within one second; the seconds each waits for a finished page."""
    visitors = [Visitor(address, seed) for seed in range(count)]

    async def come(number: int, visitor: Visitor) -> float:
        await asyncio.sleep(number / count)
        return await visitor.open()

    waited = await asyncio.gather(*(come(n, visitor) for n, visitor in enumerate(visitors)))
    for visitor in visitors:
        errors.extend(visitor.errors)
        await visitor.close()
    return list(waited)


async def stay(
    address: str, seed: int, together: float, until: float, clicks: list[tuple[float, str, float]], errors: list
) -> None:
    """One visitor until the time is up; clicks get (when, what, seconds)."""
    visitor = Visitor(address, seed, together)
    await asyncio.sleep(visitor.random.uniform(0, 8))
    took = await visitor.open(visitor.random.choice(PAGES))
    clicks.append((time.monotonic(), "open", took))
    while time.monotonic() < until:
        await asyncio.sleep(visitor.random.uniform(3, 8))
        what, took = await visitor.act()
        clicks.append((time.monotonic(), what, took))
    errors.extend(visitor.errors)
    await visitor.close()


async def watch(server: Server | None, start: float, until: float) -> list[tuple[float, float]]:
    """(seconds since the start, megabytes), every ten seconds."""
    seen = []
    while server and time.monotonic() < until:
        await asyncio.sleep(min(10, max(0.1, until - time.monotonic())))
        seen.append((time.monotonic() - start, server.megabytes()))
    return seen


async def class_room(arguments: argparse.Namespace, address: str, server: Server | None) -> list[str]:
    """Run what was asked for and print it; the exceptions shown."""
    errors: list[str] = []
    if arguments.burst:
        waited = await burst(address, arguments.burst, errors)
        print(f"burst: {arguments.burst} visitors within one second: first page after "
              f"{statistics.median(waited):.2f} s (median), {max(waited):.2f} s (last)")  # fmt: skip
    clicks: list[tuple[float, str, float]] = []
    start = time.monotonic()
    until, counted = start + arguments.seconds, start + arguments.warmup
    before = server.processor_seconds() if server else 0.0
    memory, *_ = await asyncio.gather(
        watch(server, start, until),
        *(stay(address, 1000 + n, arguments.together, until, clicks, errors) for n in range(arguments.visitors)),
    )
    report(clicks, counted, until)
    if server:
        used = server.processor_seconds() - before
        print(f"processor: {1000 * used / max(1, len(clicks)):.0f} ms a click, all clicks counted")
    if memory:
        early = min(memory, key=lambda item: abs(item[0] - 120))
        print(f"memory: {early[1]:.0f} MB after {early[0]:.0f} s, {memory[-1][1]:.0f} MB after {memory[-1][0]:.0f} s "
              f"({100 * (memory[-1][1] / early[1] - 1):+.0f} %)")  # fmt: skip
    return errors


def report(clicks: list[tuple[float, str, float]], counted: float, until: float) -> None:
    """Print the percentiles, of all clicks and of each kind."""
    kept = [(what, took) for when, what, took in clicks if when - took >= counted]
    if not kept:
        print("no click after the warm-up")
        return
    all_of_them = [took for _, took in kept]
    print(f"clicks: {len(kept)}, {len(kept) / (until - counted):.1f} a second; "
          f"p50 {percentile(all_of_them, 0.5):.2f} s, p95 {percentile(all_of_them, 0.95):.2f} s, "
          f"slowest {max(all_of_them):.2f} s")  # fmt: skip
    kinds = collections.defaultdict(list)
    for what, took in kept:
        kinds[what].append(took)
    for what, of_kind in sorted(kinds.items()):
        print(f"  {what:16} {len(of_kind):5}  p50 {percentile(of_kind, 0.5):.2f}  p95 {percentile(of_kind, 0.95):.2f}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--visitors", type=int, default=30, help=f"at most {MOST_VISITORS}")
    options.add_argument("--seconds", type=float, default=180, help="of visits, the warm-up included")
    options.add_argument("--warmup", type=float, default=60, help="seconds that are not counted")
    options.add_argument("--burst", type=int, default=30, help="visitors of the burst at the start; 0 for none")
    options.add_argument("--together", type=float, default=0.8, help="share of choices among the first five classes")
    options.add_argument("--port", type=int, help="of a server that runs on this computer already")
    options.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the checkout to start")
    arguments = options.parse_args()
    if not 0 < arguments.visitors <= MOST_VISITORS or not 0 < arguments.seconds <= MOST_SECONDS:
        options.error(f"at most {MOST_VISITORS} visitors and {MOST_SECONDS} seconds")
    server = None
    try:
        if arguments.port is None:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                arguments.port = probe.getsockname()[1]
            server = Server(arguments.root.resolve(), arguments.port)
        errors = asyncio.run(class_room(arguments, f"127.0.0.1:{arguments.port}", server))
    finally:
        if server:
            server.close()
    for error in sorted(set(errors)):
        print(f"shown to a visitor, {errors.count(error)} times: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

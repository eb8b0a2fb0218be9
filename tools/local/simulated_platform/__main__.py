"""`serve` the platform over HTTP, or `export` what it would post."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from tools.local.simulated_platform.lives import instant, to_text, trading_hour, webhook_events
from tools.local.simulated_platform.server import Platform, serve

CHAIN_ID = "8c6a1f0e-52b7-4d39-b1e8-0f4f7d2a9c11"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.local.simulated_platform", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="serve the Partner API, and controls under /_platform/")
    server.add_argument("--port", type=int, default=0)
    server.add_argument("--chain-id", default=CHAIN_ID)
    server.add_argument("--token", default="simulated-platform-token")
    server.add_argument("--rate-limit", type=int, default=60, help="requests a minute of one address")
    server.add_argument("--client", action="append", default=[], metavar="ID:SECRET", help="an OAuth client")
    server.add_argument("--store", action="append", default=[], metavar="ID", help="a store known without an order")
    export = commands.add_parser("export", help="write the order events of an hour, one file each")
    export.add_argument("--seed", type=int, default=1)
    export.add_argument("--orders", type=int, default=10)
    export.add_argument("--stores", type=int, default=2)
    export.add_argument("--start", type=instant, default=instant("2026-03-14T08:00:00Z"), metavar="TIME")
    export.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.command == "export":
        return write_events(options.seed, options.orders, options.stores, options.start, options.out)
    clients = dict(client.split(":", 1) for client in options.client)
    platform = Platform(options.chain_id, options.token, options.rate_limit, clients, options.store)
    http = serve(platform, options.port)
    print(f"platform: http://127.0.0.1:{http.server_port}", flush=True)
    http.serve_forever()
    return 0


def write_events(seed: int, orders: int, stores: int, start: datetime, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    lives = trading_hour(seed, orders, stores, start, CHAIN_ID)
    for number, (life, step) in enumerate(webhook_events(lives), start=1):
        path = folder / f"{number:04d}-{step.status.lower()}-{life.order_id[:8]}.json"
        path.write_text(to_text(step.body) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

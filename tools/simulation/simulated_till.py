"""The chain's own tills: they hear of orders on the event bus, and answer them until an answer is taken."""

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from tools.local.picks import ACCEPTING_KINDS, KINDS, answers_to
from tools.local.simulated_platform.lives import Life, timestamp
from tools.simulation.environment import Died
from tools.simulation.violation import Violation

if TYPE_CHECKING:
    from tools.simulation.world import World

ROUTE = "POST /stores/{store_id}/orders/{order_id}/answers"
# What the API may say to an answer that was right when the till made it: the order has moved on since.
_MOVED_ON = {"order_finished", "order_changed"}
_LOOKS_EVERY = 5.0
_HEARS_FOR = 3600.0
AGAIN_AFTER = 4.0


@dataclass
class Said:
    """What a till said of an order, in order; ``accepted`` are those that were taken, and ``seen`` the lines of the
    order that it heard of, by id."""

    kind: str
    seen: frozenset[str] = frozenset()
    accepted: list[dict[str, Any]] = field(default_factory=list)


class SimulatedTills:
    """``said`` is what was said of each order, by its id."""

    def __init__(self, world: "World", accepts: bool) -> None:
        self._world = world
        self._kinds = ACCEPTING_KINDS if accepts else KINDS
        self.said: dict[str, Said] = {}
        self._open = 0

    @property
    def are_done(self) -> bool:
        """Whether nobody has anything more to say."""
        return not self._open

    def open(self, lives: list[Life], numbers: dict[str, int]) -> None:
        """Have every order answered, each by a till of its own."""
        for life in lives:
            chance = random.Random(f"{self._world.seed}/till/{life.order_id}")
            kind = self._kinds[(self._world.seed + numbers[life.order_id]) % len(self._kinds)]
            self.said[life.order_id] = Said(kind)
            answer = partial(self._serve, life, chance)
            self._open += 1
            self._world.kernel.spawn(answer, self._world.service, self._world.kernel.at(life.created_at))

    def _serve(self, life: Life, chance: random.Random) -> None:
        self._answer_order(life, chance)
        self._open -= 1

    def _answer_order(self, life: Life, chance: random.Random) -> None:
        change = self._hear_of(life)
        if change is None:
            return
        self._world.kernel.sleep(chance.uniform(5, 600))
        said = self.said[life.order_id]
        said.seen = frozenset(line["_id"] for line in change["order"]["items"])
        ready_at = timestamp(self._world.kernel.now() + timedelta(hours=2))
        for content in answers_to(change, said.kind, ready_at):
            if not self._say(life, content, chance):
                return
            said.accepted.append(content)
            if chance.random() < 0.3:
                self._repeat(life, content, chance)
            self._world.kernel.sleep(chance.choice([0, 1, chance.uniform(1, 300)]))

    def _hear_of(self, life: Life) -> dict[str, Any] | None:
        """The change event of a new order; None if none comes, as for one that became a dead letter."""
        until = self._world.kernel.seconds + _HEARS_FOR
        while self._world.kernel.seconds < until:
            for entry in self._world.bus.entries:
                if entry["DetailType"] == "order.received" and life.order_id in entry["Detail"]:
                    detail: dict[str, Any] = json.loads(entry["Detail"])
                    return detail
            self._world.kernel.sleep(_LOOKS_EVERY)
        return None

    def _say(self, life: Life, content: dict[str, Any], chance: random.Random) -> bool:
        """Say it until it is known whether it was taken; whether it was."""
        while True:
            status, body = self._call(life, content)
            if status in {200, 202}:
                return True
            if status == 409 and body["type"] in _MOVED_ON:
                return False
            if status < 500:
                raise Violation(f"{life.order_id}: the answer {content['answer_id']} got {status} {body}")
            self._world.kernel.sleep(AGAIN_AFTER * (1 + chance.random()))

    def _repeat(self, life: Life, content: dict[str, Any], chance: random.Random) -> None:
        """Say once more what was taken; and something else by the same id."""
        self._world.kernel.sleep(chance.uniform(0, 60))
        status, body = self._call(life, content)
        if status < 500 and (status != 200 or body["answer_id"] != content["answer_id"]):
            raise Violation(f"{life.order_id}: the answer {content['answer_id']}, repeated, got {status} {body}")
        other = {"answer_id": content["answer_id"], "sequence": content["sequence"], "kind": "update", "lines": []}
        status, body = self._call(life, other)
        if content["kind"] != "update" and status < 500 and (status, body.get("type")) != (409, "answer_id_used"):
            raise Violation(f"{life.order_id}: another answer of the same id got {status} {body}")

    def _call(self, life: Life, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What the API responds; 504 where the function does not."""
        world = self._world
        world.requests += 1
        request = {
            "routeKey": ROUTE,
            "pathParameters": {"store_id": life.shop.store_id, "order_id": life.order_id},
            "requestContext": {"requestId": f"a{world.requests}"},
            "isBase64Encoded": False,
            "body": json.dumps(content),
        }
        try:
            answer = world.environment("answers").invoke(request, f"a{world.requests}")
        except Died:
            return 504, {}
        except Exception as error:
            raise Violation(f"the answers API raised {type(error).__name__}") from error
        world.said.append(json.dumps(answer))
        return answer["statusCode"], json.loads(answer["body"])

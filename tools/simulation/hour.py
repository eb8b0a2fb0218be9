"""A trading hour to break: the platform's orders, with the lives that hurt, and everything that is posted to us."""

import gzip
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from partner_orders.order_events.message import MAX_BODY_BYTES
from tools.local.simulated_platform.lives import HOUR, Life, Step, timestamp, to_text, trading_hour
from tools.local.simulated_platform.profiles import Profile
from tools.simulation.faults import Faults
from tools.simulation.odd_platform import Odd, Swap, as_odd, swap_codes

CHAIN_ID = "6f1b1f0e-8f5b-4d57-9d3c-6f4f4f4b7a10"
OTHER_CHAIN_ID = "0c0ffee0-0000-4000-8000-00000000beef"
STORES = 3


class Fate(StrEnum):
    """What has to become of a body once it is acknowledged."""

    STORED = "stored"
    REJECTED = "rejected"
    IGNORED = "ignored"
    REFUSED = "refused"  # never acknowledged: without the secret, or too large


@dataclass(frozen=True)
class Post:
    """One thing posted to the webhook. ``name`` is what a story calls it, ``encoding`` the Content-Encoding that it
    claims. ``packed`` are the bytes posted, where they are not the body itself."""

    name: str
    at: datetime
    body: bytes = field(repr=False)
    fate: Fate = Fate.STORED
    order: int = -1
    stranger: bool = False
    encoding: str = ""
    packed: bytes | None = field(default=None, repr=False)

    @property
    def posted(self) -> bytes:
        """The bytes that are posted."""
        return self.body if self.packed is None else self.packed


@dataclass(frozen=True)
class Hour:
    """``lives`` is what the platform knows, in the order of creation, and ``numbers`` the place of each in the whole
    hour; ``posts`` what is posted; ``stranger`` what somebody posts who does not know the secret; ``swap`` which stores
    take each other's code."""

    lives: list[Life]
    numbers: dict[str, int]
    posts: list[Post]
    stranger: Post
    swap: Swap | None = None


def trading(
    seed: int,
    start: datetime,
    orders: int,
    only: frozenset[int] | None,
    profile: Profile | None,
    odds: Odd,
    faults: Faults,
) -> Hour:
    """The hour of a seed, on a brand; with ``only``, just these orders of it, each as it would be among the others."""
    lives, swap = _lives(seed, start, orders, profile, odds)
    twists = {index: random.Random(f"{seed}/order/{index}") for index in range(orders)}
    twisted: dict[int, Life] = {}
    posts: list[Post] = []
    for index, plain in enumerate(lives):
        if only is not None and index not in only:
            continue
        is_plain = index in {*odds.parts, *odds.twice, *odds.restless}
        life = plain if is_plain else _twisted(plain, twists[index])
        twisted[index] = life = as_odd(life, index, odds)
        if index not in odds.unposted:
            posts += (replace(post, order=index) for post in _posts(life, twists[index], is_plain))
    if only is None or -1 in only:
        plain_lives = [life for index, life in twisted.items() if index not in odds.parts]
        posts += _strange_posts(random.Random(f"{seed}/strange"), start, plain_lives)
        posts += _odd_bodies(random.Random(f"{seed}/odd bodies"), start, plain_lives, faults)
    posts += _late_words_of_old_codes(random.Random(f"{seed}/old codes"), [*twisted.values()], swap)
    numbers = {life.order_id: index for index, life in twisted.items()}
    theirs = {"order_id": str(uuid.UUID(int=seed)), "status": "RECEIVED", "client": {"chain_id": CHAIN_ID}}
    stranger = Post("a stranger's first", start, json.dumps(theirs).encode(), Fate.REFUSED, stranger=True)
    return Hour([*twisted.values()], numbers, posts, stranger, swap)


def _lives(
    seed: int, start: datetime, orders: int, profile: Profile | None, odds: Odd
) -> tuple[list[Life], Swap | None]:
    """The hour's orders before anything hurts them, and which stores take each other's code in it."""
    if profile is None:
        lives = trading_hour(seed, orders, STORES, start, CHAIN_ID)
    else:
        plain = trading_hour(seed, orders, STORES, start, CHAIN_ID, HOUR, profile.country, profile.courses)
        lives = [profile.adapt(life, number) for number, life in enumerate(plain)]
    if "platform_codes_swapped" not in odds.kinds:
        return lives, None
    return swap_codes(lives, start + timedelta(minutes=random.Random(f"{seed}/swap").uniform(15, 40)))


# -- lives that hurt --------------------------------------------------------------------------------------------------


def _twisted(life: Life, chance: random.Random) -> Life:
    twist = chance.choices(
        ["plain", "no_updated_at", "equal_times", "twice", "unspoken", "unknown", "huge", "restless"],
        [40, 10, 10, 10, 12, 6, 6, 4],
    )[0]
    steps = [replace(step, body=json.loads(to_text(step.body))) for step in life.steps]
    match twist:
        case "no_updated_at":
            for step in steps:
                step.body["sys"].pop("updated_at", None)
        case "equal_times":
            for step in steps:
                step.body["sys"] |= {name: at for name, at in steps[0].body["sys"].items() if name == "updated_at"}
        case "twice":
            at = chance.randrange(len(steps))
            steps.insert(at + 1, _revised(steps[at], chance, 1))
        case "unspoken":
            last = steps[-1]
            body = json.loads(to_text(last.body)) | {"status": "CANCELLED", "cancellation": {"reason": "MISTAKE"}}
            at_ = last.at + timedelta(seconds=90)
            body["sys"]["updated_at"] = timestamp(at_)
            steps.append(Step(at_, body))
        case "unknown":
            body = json.loads(to_text(steps[0].body)) | {"status": "RIDER_NEAR_STORE", "rider": {"eta": 3.50}}
            at_ = steps[0].at + timedelta(seconds=30)
            body["sys"]["updated_at"] = timestamp(at_)
            steps.insert(1, Step(at_, body))
        case "huge":
            for step in steps:
                line = step.body["items"][0]
                step.body["items"] = step.body["items"] + [
                    {**line, "_id": str(uuid.UUID(int=chance.getrandbits(128))), "sku": f"s{chance.getrandbits(80):x}"}
                    for _ in range(110)
                ]
        case "restless":
            steps[1:1] = [_revised(steps[0], chance, number) for number in range(1, 45)]
    return replace(life, steps=tuple(sorted(steps, key=lambda step: step.at)))


def _revised(step: Step, chance: random.Random, number: int) -> Step:
    """The same status again a little later, with another item."""
    body = json.loads(to_text(step.body))
    body["items"][0]["sku"] = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=2_500))
    at = step.at + timedelta(milliseconds=700 * number)
    body["sys"]["updated_at"] = timestamp(at)
    return Step(at, body)


# -- what is posted of them -------------------------------------------------------------------------------------------


def _posts(life: Life, chance: random.Random, is_plain: bool) -> Iterator[Post]:
    for number, step in enumerate(life.steps):
        if not step.by_webhook:
            continue
        name = f"{life.order_id[:8]} {step.status} {number}"
        yield Post(name, step.at, to_text(step.body).encode())
        if is_plain:
            continue
        for kind in ("reformatted", "masked", "changed", "timeless"):
            if chance.random() < {"reformatted": 0.12, "masked": 0.12, "changed": 0.1, "timeless": 0.03}[kind]:
                after = step.at + timedelta(seconds=chance.uniform(-20, 200))
                yield Post(f"{name} {kind}", max(after, life.steps[0].at), _variant(step, kind, chance))
    if not is_plain and chance.random() < 0.2:
        # What was not final, said once more after the end, and with a later time than the end's.
        body = json.loads(to_text(life.steps[0].body))
        after = life.steps[-1].at + timedelta(minutes=2)
        body["sys"]["updated_at"] = timestamp(after)
        yield Post(f"{life.order_id[:8]} straggler", after, to_text(body).encode())


def _late_words_of_old_codes(chance: random.Random, lives: list[Life], swap: Swap | None) -> Iterator[Post]:
    """Events from before two stores took each other's code, which come when everybody knows the new one."""
    if swap is None:
        return
    for life in lives:
        first, lines = life.steps[0], life.steps[0].body.get("items")
        is_of_the_two = life.shop.external_partner_config_id in swap.codes
        if is_of_the_two and first.at < swap.at and isinstance(lines, list) and isinstance(lines[0], dict):
            at = swap.at + timedelta(minutes=chance.uniform(5, 15))
            yield Post(f"{life.order_id[:8]} of the old code", at, _variant(first, "changed", chance))


def _variant(step: Step, kind: str, chance: random.Random) -> bytes:
    body: dict[str, Any] = json.loads(to_text(step.body))
    match kind:
        case "reformatted":
            body["sys"]["webhook_status"] = "SENT"
            body["status"] = body["status"].lower()
            for name in ("created_at", "updated_at"):
                if name in body["sys"]:
                    body["sys"][name] = body["sys"][name].replace("Z", "+00:00")
            for line in body["items"]:
                line["replaced_id"] = line.get("replaced_id")
                line["pricing"]["unit_price"] = float(line["pricing"]["unit_price"])
            names = list(body)
            chance.shuffle(names)
            return json.dumps({name: body[name] for name in names}, indent=1).encode()
        case "masked":
            for name in ("first_name", "last_name", "phone_number"):
                body["customer"][name] = "***"
        case "changed":
            body["items"][0]["name"] = f"{body['items'][0]['name']} ({chance.randrange(10**6)})"
        case "timeless":
            body["sys"] = {}
    return to_text(body).encode()


def _strange_posts(chance: random.Random, start: datetime, lives: list[Life]) -> Iterator[Post]:
    """What is not an order of ours, not one at all, or from somebody else."""

    def at() -> datetime:
        return start + timedelta(minutes=chance.uniform(1, 55))

    def order(**changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(to_text(chance.choice(lives).steps[0].body)) if lives else {"client": {}}
        return body | {"order_id": str(uuid.UUID(int=chance.getrandbits(128))), "status": "RECEIVED"} | changes

    ours = to_text(order()).encode()
    strange: list[tuple[str, bytes, Fate]] = [
        ("no order at all", b'{"hello": %d}' % chance.randrange(1000), Fate.REJECTED),
        ("a key twice", ours[:-1] + b',"status":"CANCELLED"}', Fate.REJECTED),
        ("a number of 150 digits", ours[:-1] + b',"extra":' + b"7" * 150 + b"}", Fate.REJECTED),
        ("no order id", to_text(order(order_id="")).encode(), Fate.REJECTED),
        ("too deep", b'{"a":' * 90 + b"1" + b"}" * 90, Fate.REJECTED),
        ("half a surrogate", ours[:-1] + b',"comment2":"\\ud83d"}', Fate.STORED),
        ("a catalogue callback", b'{"job_id": "j%d", "status": "DONE"}' % chance.randrange(1000), Fate.IGNORED),
        (
            "another chain's",
            to_text(order(client={"store_id": "zz9", "chain_id": OTHER_CHAIN_ID})).encode(),
            Fate.STORED,
        ),
        ("no store", to_text(order(client={"chain_id": CHAIN_ID})).encode(), Fate.STORED),
        ("ancient", to_text(order(sys={"created_at": timestamp(start - timedelta(days=900))})).encode(), Fate.STORED),
    ]
    for name, body, fate in chance.sample(strange, chance.randrange(4, 9)):
        yield Post(name, at(), body, fate)
    for _ in range(chance.randrange(6)):
        yield Post("a stranger's", at(), to_text(order()).encode(), Fate.REFUSED, stranger=True)


def _odd_bodies(chance: random.Random, start: datetime, lives: list[Life], faults: Faults) -> Iterator[Post]:
    """What the platform posts, with the secret, and nobody can parse, or not as it claims to be encoded. All but what
    is empty or too large is kept."""

    def order() -> bytes:
        body: dict[str, Any] = json.loads(to_text(chance.choice(lives).steps[0].body)) if lives else {"client": {}}
        changes = {"order_id": str(uuid.UUID(int=chance.getrandbits(128))), "status": "RECEIVED"}
        return to_text(body | changes).encode()

    ours = order()
    packed, mark = gzip.compress(ours, mtime=0), chance.getrandbits(40)
    by_kind: dict[str, list[Post]] = {
        "webhook_unparsable": [
            Post("not JSON", start, b"<html>%d</html>" % mark, Fate.REJECTED),
            Post("not an object", start, b"[%d]" % mark, Fate.REJECTED),
            Post("not UTF-8", start, b'{"order_id":"\xff%d"}' % mark, Fate.REJECTED),
            Post("half an emoji", start, ours[:-1] + b',"comment2":"\xf0\x9f"}', Fate.REJECTED),
            Post("a raw newline", start, ours[:-1] + b',"comment2":"\n"}', Fate.REJECTED),
            Post("a number of 5,000 digits", start, ours[:-1] + b',"n":' + b"7" * 5_000 + b"}", Fate.REJECTED),
            Post("cut short", start, ours[:-20], Fate.REJECTED),
            Post("packed, and does not say so", start, packed, Fate.REJECTED),
        ],
        "webhook_empty": [
            Post("empty", start, b"", Fate.IGNORED),
            Post("white space", start, b" \r\n", Fate.IGNORED),
            Post("nothing, packed", start, b"", Fate.IGNORED, encoding="gzip", packed=gzip.compress(b"", mtime=0)),
        ],
        "webhook_encoding_odd": [
            Post("packed, and cut short", start, packed[:-9], Fate.REJECTED, encoding="gzip"),
            Post("packed twice", start, packed[:-1] + b"\0", Fate.REJECTED, encoding="gzip, gzip"),
            Post("not packed, and says so", start, order(), encoding="deflate"),
            Post("a bomb", start, b"", Fate.REFUSED, encoding="gzip", packed=gzip.compress(bytes(10**6), mtime=0)),
            Post("too large", start, b"x" * (MAX_BODY_BYTES + 1), Fate.REFUSED),
        ],
    }
    for kind, posts in by_kind.items():
        for post in posts:
            at = start + timedelta(minutes=chance.uniform(1, 55))
            if faults.strikes(kind, post.name):
                yield replace(post, at=at)
